//! A connection from its first bytes to its protocol: `ClientHello`, destination, handshake.
//!
//! ```text
//! accepted ──role redirect──► redirect::serve ──────────────────────────────────────────► closed
//!    └───role https──► reading the hello ──► choosing ──► handshake ──► http2 or http1::serve ──► closed
//!                          │                   │  │          │
//!                          │                   │  └─ACME challenge──► handshake ──► challenge answered ──► closed
//!                          │ not TLS, too      │ no site,    │ an error,
//!                          │ large, timeout    │ no match    │ timeout
//!                          └───────────────────┴─────────────┴──► handshake_failed ──► closed
//! ```
//! *Choosing* does no I/O: it finds the destination of the name, then version, group and certificate of its
//! site.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use edge_contract::{Alpn, ChallengeKind, HandshakeFailure, Role};
use edge_forward::{
    ChallengeRuntime, ConnectionContext, Destination, ListenerRuntime, NameRefusal, Running,
    SiteRuntime, WorkerContext,
};
use edge_observe::{HandshakeFault, HandshakeRecord};
use edge_tls::{
    Alert, HandshakeFacts, ReceivedHello, Refusal, StreamFault, TlsStream, alert_record,
    lingering_close,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::{clear_http, http1, http2, redirect};

/// The time for an ACME server to close after its handshake.
const LINGER: Duration = Duration::from_millis(500);

/// Serve a connection to its end.
pub(crate) async fn serve(
    tcp: TcpStream,
    peer: SocketAddr,
    listener: Arc<ListenerRuntime>,
    worker: Rc<WorkerContext>,
) {
    // Heads and bodies are written in large pieces, which Nagle's algorithm would only delay.
    let _ = tcp.set_nodelay(true);
    // The future of each stage is boxed, so that a connection holds only what its stage needs.
    match listener.document.role {
        Role::Https => serve_https(tcp, peer, listener, worker).await,
        Role::Redirect => Box::pin(redirect::serve(tcp, worker, listener, peer)).await,
    }
}

/// Serve a connection on a TLS port.
async fn serve_https(
    tcp: TcpStream,
    peer: SocketAddr,
    listener: Arc<ListenerRuntime>,
    worker: Rc<WorkerContext>,
) {
    let pending = PendingConnection {
        running: worker.running.load_full(),
        listener,
        peer,
        worker,
        started: Instant::now(),
    };
    let Some((stream, alpn, context)) = Box::pin(pending.perform_handshake(tcp)).await else {
        return;
    };
    let (faults, connection) = (stream.faults(), Rc::clone(&context));
    match alpn {
        Some(Alpn::H2) => Box::pin(http2::serve(stream, context)).await,
        Some(Alpn::Http11) | None => Box::pin(http1::serve(stream, context)).await,
    }
    if let Some(fault) = faults.take() {
        report_fault(&connection, &fault);
    }
}

/// Record a TLS failure after the handshake.
fn report_fault(connection: &ConnectionContext, fault: &StreamFault) {
    let site_and_peer = (connection.site.id.as_str(), connection.peer);
    let alert = fault.alert.map(Alert::name);
    let observer = &connection.worker.observer;
    observer.tls_failed(site_and_peer, fault.reason, &fault.detail, alert);
}

/// A connection whose handshake has not completed.
struct PendingConnection {
    running: Arc<Running>,
    listener: Arc<ListenerRuntime>,
    peer: SocketAddr,
    worker: Rc<WorkerContext>,
    started: Instant,
}

/// The stream of a completed handshake, its application protocol, and its context.
type Established = (TlsStream, Option<Alpn>, Rc<ConnectionContext>);

impl PendingConnection {
    /// Read the hello, choose the parameters and perform the handshake. `None` if it failed, which was recorded.
    async fn perform_handshake(self, mut tcp: TcpStream) -> Option<Established> {
        let received = self.read_hello(&mut tcp).await?;
        let local = tcp.local_addr().ok()?;
        let server_name = received.hello.server_name.clone();
        let (destination, name) = self
            .running
            .destination_of_hello(&received.hello, local.ip());
        let site = match destination {
            Destination::Site(site) => Arc::clone(site),
            Destination::Challenge(challenge) => {
                let challenge = Arc::clone(challenge);
                // Boxed, so that the future of other handshakes stays small.
                return Box::pin(self.answer_challenge(tcp, received, &challenge)).await;
            }
            Destination::Refused(refusal) => {
                let refusal = refusal_of_name(refusal, server_name.as_deref(), &name);
                return self.refuse(tcp, refusal, server_name.as_deref()).await;
            }
        };
        let choice = match site.tls.choose(&received.hello, Some(&name)) {
            Ok(choice) => choice,
            Err(refusal) => {
                return self.refuse(tcp, refusal, server_name.as_deref()).await;
            }
        };
        let certificate_names = choice.certificate_names().clone();
        let handshake = TlsStream::accept(tcp, received, choice, self.started);
        match timeout(self.handshake_timeout(&site), handshake).await {
            Ok(Ok((stream, facts))) => {
                self.report_completed(&site, server_name.as_deref(), &facts);
                let context = ConnectionContext {
                    worker: self.worker,
                    site,
                    peer: self.peer,
                    local,
                    server_name,
                    certificate_names,
                    client_certificate: facts.client_certificate.map(|der| STANDARD.encode(der)),
                };
                Some((stream, facts.alpn, Rc::new(context)))
            }
            Ok(Err(refusal)) => self.report_failed(&refusal, server_name.as_deref()),
            Err(_) => self.report_failed(&self.timed_out("handshake"), server_name.as_deref()),
        }
    }

    /// Perform the handshake of an ACME server, and close: its protocol carries no data (RFC 8737 §4).
    async fn answer_challenge<T>(
        &self,
        tcp: TcpStream,
        received: ReceivedHello,
        challenge: &ChallengeRuntime,
    ) -> Option<T> {
        let server_name = received.hello.server_name.clone();
        let choice = match challenge.tls.choose(&received.hello) {
            Ok(choice) => choice,
            Err(refusal) => return self.refuse(tcp, refusal, server_name.as_deref()).await,
        };
        let time = Duration::from_millis(self.running.limits.handshake_timeout_ms);
        let handshake = TlsStream::accept(tcp, received, choice, self.started);
        match timeout(time, handshake).await {
            Ok(Ok((stream, _))) => {
                self.worker.observer.challenge_answered(
                    ChallengeKind::TlsAlpn,
                    &challenge.site,
                    &self.listener.document.id,
                    self.peer,
                );
                let _ = timeout(LINGER, close_politely(stream)).await;
                None
            }
            Ok(Err(refusal)) => self.report_failed(&refusal, server_name.as_deref()),
            Err(_) => self.report_failed(&self.timed_out("handshake"), server_name.as_deref()),
        }
    }

    /// Read the hello within its timeout. Anything else is recorded, and answered with an alert or a page.
    async fn read_hello(&self, tcp: &mut TcpStream) -> Option<ReceivedHello> {
        let limits = &self.running.limits;
        let size = usize::try_from(limits.hello_bytes).unwrap_or(usize::MAX);
        let time = Duration::from_millis(limits.hello_timeout_ms);
        let error = match timeout(time, ReceivedHello::read(tcp, size)).await {
            Ok(Ok(hello)) => return hello,
            Ok(Err(error)) => error,
            Err(_) => return self.report_failed(&self.timed_out("hello"), None),
        };
        self.report_failed::<()>(&error.refusal, None);
        if error.refusal.reason == HandshakeFailure::PlainHttp {
            clear_http::respond(tcp, error.bytes, &self.running, &self.listener).await;
        } else if let Some(alert) = error.refusal.alert {
            lingering_close(tcp, &alert_record(alert)).await;
        }
        None
    }

    async fn refuse<T>(
        &self,
        mut tcp: TcpStream,
        failure: Refusal,
        server_name: Option<&str>,
    ) -> Option<T> {
        self.report_failed::<T>(&failure, server_name);
        if let Some(alert) = failure.alert {
            lingering_close(&mut tcp, &alert_record(alert)).await;
        }
        None
    }

    fn handshake_timeout(&self, site: &SiteRuntime) -> Duration {
        Duration::from_millis(site.limits(&self.running.limits).handshake_timeout_ms)
    }

    fn timed_out(&self, limit: &str) -> Refusal {
        let waited = self.started.elapsed().as_millis();
        let detail = format!("timeouts.{limit} exceeded after {waited} ms");
        Refusal {
            reason: HandshakeFailure::Timeout,
            detail,
            alert: None,
        }
    }

    fn report_completed(
        &self,
        site: &SiteRuntime,
        server_name: Option<&str>,
        facts: &HandshakeFacts,
    ) {
        self.worker.observer.handshake_completed(HandshakeRecord {
            listener: &self.listener.document.id,
            peer: self.peer,
            site: &site.id,
            server_name,
            version: facts.version,
            suite: facts.suite,
            group: facts.group,
            alpn: facts.alpn,
            resumed: facts.resumed,
            duration: facts.duration,
        });
    }

    /// Record a failure. Always returns `None`, for the caller to return.
    fn report_failed<T>(&self, failure: &Refusal, server_name: Option<&str>) -> Option<T> {
        self.worker.observer.handshake_failed(HandshakeFault {
            listener: &self.listener.document.id,
            peer: self.peer,
            server_name,
            reason: failure.reason,
            detail: &failure.detail,
            alert: failure.alert.map(Alert::name),
        });
        None
    }
}

/// The refusal of a name, which is the hello's server name or the local address.
fn refusal_of_name(refusal: &NameRefusal, server_name: Option<&str>, name: &str) -> Refusal {
    let (reason, detail) = match refusal {
        NameRefusal::Quarantined(site) => (HandshakeFailure::SiteQuarantined, site.clone()),
        NameRefusal::Pending(site) => (HandshakeFailure::CertificatePending, site.clone()),
        NameRefusal::Unknown => {
            let reason = server_name.map_or(HandshakeFailure::NoServerName, |_| {
                HandshakeFailure::UnknownServerName
            });
            (reason, format!("no site has the name {name}"))
        }
        NameRefusal::NoChallenge => {
            let detail = format!("no challenge of {name} is pending");
            (HandshakeFailure::NoChallengeAnswer, detail)
        }
    };
    // RFC 7301 §3.2: it is the protocol that is not supported for this name.
    let alert = match refusal {
        NameRefusal::NoChallenge => Alert::NO_APPLICATION_PROTOCOL,
        NameRefusal::Unknown | NameRefusal::Quarantined(_) | NameRefusal::Pending(_) => {
            Alert::UNRECOGNIZED_NAME
        }
    };
    Refusal {
        reason,
        detail,
        alert: Some(alert),
    }
}

/// Send `close_notify`, and wait until the peer closes.
async fn close_politely(mut stream: TlsStream) -> std::io::Result<()> {
    const MOST: usize = 16 * 1024;
    stream.shutdown().await?;
    let (mut sink, mut seen) = ([0; 512], 0);
    while seen < MOST {
        match stream.read(&mut sink).await? {
            0 => break,
            count => seen += count,
        }
    }
    Ok(())
}
