//! Test certificates, sites with them, and a scripted client.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use edge_contract::{
    Alpn, Certificate, CipherSuite, Group, Hash, PrivateKey, TicketKey, TlsPolicy, TlsVersion,
};
use edge_tls::{
    CertificateSource, HandshakeFacts, ReceivedHello, Refusal, SiteFault, SiteSource, SiteTls,
    TlsStream,
};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme,
    SupportedProtocolVersion,
};
use tokio::net::TcpListener;

/// A certificate for some names, and its key.
#[derive(Clone)]
pub(crate) struct TestCertificate {
    pub(crate) hash: Hash,
    pub(crate) certificate: Certificate,
    pub(crate) key: PrivateKey,
}

impl TestCertificate {
    fn source(&self) -> CertificateSource<'_> {
        CertificateSource {
            hash: self.hash,
            certificate: &self.certificate,
            key: &self.key,
        }
    }
}

pub(crate) fn make(
    names: &[&str],
    algorithm: &'static rcgen::SignatureAlgorithm,
) -> TestCertificate {
    make_with(names, algorithm, Vec::new())
}

pub(crate) fn make_with(
    names: &[&str],
    algorithm: &'static rcgen::SignatureAlgorithm,
    extensions: Vec<rcgen::CustomExtension>,
) -> TestCertificate {
    let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
    let owned: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut parameters = rcgen::CertificateParams::new(owned.clone()).unwrap();
    parameters.custom_extensions = extensions;
    let signed = parameters.self_signed(&key).unwrap();
    let mut names = owned;
    names.sort();
    let certificate = Certificate {
        names,
        chain: vec![signed.der().to_vec()],
        key: Hash::of("key"),
    };
    let hash = Hash::of(&format!("{:?}", certificate.chain));
    TestCertificate {
        hash,
        certificate,
        key: PrivateKey {
            pkcs8: key.serialize_der(),
        },
    }
}

pub(crate) fn ecdsa(names: &[&str]) -> TestCertificate {
    make(names, &rcgen::PKCS_ECDSA_P256_SHA256)
}

pub(crate) fn rsa(names: &[&str]) -> TestCertificate {
    make(names, &rcgen::PKCS_RSA_SHA256)
}

pub(crate) fn policy() -> TlsPolicy {
    TlsPolicy {
        versions: vec![TlsVersion::Tls13, TlsVersion::Tls12],
        suites: CipherSuite::ALL.to_vec(),
        groups: vec![
            Group::X25519Mlkem768,
            Group::X25519,
            Group::Secp256r1,
            Group::Secp384r1,
        ],
        alpn: vec![Alpn::H2, Alpn::Http11],
        tickets: true,
        client_roots: None,
    }
}

/// A site to be built.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) id: &'static str,
    pub(crate) names: Vec<String>,
    pub(crate) policy: TlsPolicy,
    pub(crate) certificates: Vec<TestCertificate>,
    pub(crate) ticket_secrets: Vec<[u8; 32]>,
}

impl Plan {
    pub(crate) fn new(certificates: &[&TestCertificate]) -> Self {
        let names = certificates
            .iter()
            .flat_map(|made| made.certificate.names.clone())
            .collect();
        Self {
            id: "a.test",
            names,
            policy: policy(),
            certificates: certificates.iter().copied().cloned().collect(),
            ticket_secrets: vec![[1; 32]],
        }
    }

    pub(crate) fn build(&self) -> Result<SiteTls, SiteFault> {
        let keys: Vec<TicketKey> = self
            .ticket_secrets
            .iter()
            .map(|secret| TicketKey { secret: *secret })
            .collect();
        SiteTls::build(&SiteSource {
            id: self.id,
            names: &self.names,
            policy_hash: Hash::of(&format!("{:?}", self.policy)),
            policy: &self.policy,
            certificates: self
                .certificates
                .iter()
                .map(TestCertificate::source)
                .collect(),
            ticket_keys: keys.iter().collect(),
        })
    }
}

/// A site with one P-256 certificate for `a.test`.
pub(crate) fn site() -> SiteTls {
    Plan::new(&[&ecdsa(&["a.test"])]).build().ok().unwrap()
}

/// The configuration of a client that accepts any certificate, or rejects it with this error.
pub(crate) fn client(verdict: Result<(), Error>) -> ClientConfig {
    client_of(aws_lc_rs::default_provider(), verdict)
}

pub(crate) fn client_of(provider: CryptoProvider, verdict: Result<(), Error>) -> ClientConfig {
    config(provider, rustls::ALL_VERSIONS, verdict)
}

/// A configuration for TLS 1.2 only.
pub(crate) fn old_client(verdict: Result<(), Error>) -> ClientConfig {
    config(
        aws_lc_rs::default_provider(),
        &[&rustls::version::TLS12],
        verdict,
    )
}

fn config(
    provider: CryptoProvider,
    versions: &[&'static SupportedProtocolVersion],
    verdict: Result<(), Error>,
) -> ClientConfig {
    let provider = Arc::new(provider);
    ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(FixedVerifier { verdict, provider }))
        .with_no_client_auth()
}

#[derive(Debug)]
struct FixedVerifier {
    verdict: Result<(), Error>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for FixedVerifier {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verdict
            .clone()
            .map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// A blocking client, for use in another thread.
pub(crate) struct Client {
    pub(crate) tls: ClientConnection,
    pub(crate) tcp: TcpStream,
}

impl Client {
    pub(crate) fn connect(config: &Arc<ClientConfig>, name: &str, port: u16) -> Self {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
        Self {
            tls: ClientConnection::new(Arc::clone(config), name).unwrap(),
            tcp,
        }
    }

    pub(crate) fn stream(&mut self) -> rustls::Stream<'_, ClientConnection, TcpStream> {
        rustls::Stream::new(&mut self.tls, &mut self.tcp)
    }

    /// Send bytes, and read the response to its end.
    pub(crate) fn exchange(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = self.stream();
        stream.write_all(bytes)?;
        let mut response = Vec::new();
        stream.read_to_end(&mut response)?;
        Ok(response)
    }
}

/// Run a client in a thread against one connection of a server.
pub(crate) fn run_client<T: Send + 'static>(
    act: impl FnOnce(u16) -> T + Send + 'static,
) -> (TcpListener, JoinHandle<T>) {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    socket.set_nonblocking(true).unwrap();
    let socket = TcpListener::from_std(socket).unwrap();
    (socket, thread::spawn(move || act(port)))
}

/// Accept one connection: read its hello, choose for its server name, perform the handshake.
pub(crate) async fn accept(
    socket: &TcpListener,
    site: &SiteTls,
) -> Result<(TlsStream, HandshakeFacts), Refusal> {
    let (mut tcp, _) = socket.accept().await.unwrap();
    let received = match ReceivedHello::read(&mut tcp, 65536).await {
        Ok(received) => received.unwrap(),
        Err(error) => return Err(error.refusal),
    };
    let name = received.hello.server_name.clone();
    let choice = site.choose(&received.hello, name.as_deref())?;
    TlsStream::accept(tcp, received, choice, Instant::now()).await
}
