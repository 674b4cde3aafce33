//! Listeners for plain HTTP: http-01 challenges are answered, every other request is redirected to https, and
//! none is forwarded.
//!
//! While a site has no certificate yet, its requests are answered with 503: https would fail.

use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use edge_contract::{ChallengeKind, HttpChallenge, RequestRefusal};
use edge_forward::{
    Client as _, Deadline, Destination, ListenerRuntime, NameRefusal, RecycledVec, Running,
    SiteRuntime, WorkerContext, destination_of,
};
use edge_http::page::{location, write_challenge, write_redirect};
use edge_http::{Authority, AuthorityHost, Method, RequestHead};
use tokio::net::TcpStream;

use crate::counted_stream::CountedStream;
use crate::http1::{Http1Client, Next, next_request, wait_for_drain};

/// The path of http-01 challenges, before the token (RFC 8555 §8.3).
const CHALLENGES: &[u8] = b"/.well-known/acme-challenge/";

/// Serve one connection.
pub(crate) async fn serve(
    stream: TcpStream,
    worker: Rc<WorkerContext>,
    listener: Arc<ListenerRuntime>,
    peer: SocketAddr,
) {
    let limits = worker.running.load().limits;
    let handler = RedirectHandler {
        worker: &worker,
        listener: &listener,
        peer,
    };
    let mut client = Http1Client::new(CountedStream::new(stream, Rc::clone(&worker)));
    let mut deadline = Deadline::after(Duration::from_millis(limits.idle_timeout_ms));
    let mut drained = pin!(wait_for_drain(worker.draining.clone()));
    loop {
        match next_request(&mut client, &limits, &mut deadline, drained.as_mut()).await {
            Next::Request(head, _) => handler.answer(&mut client, &head),
            Next::End => break,
            Next::Refused(refusal) => {
                client.stop_reading();
                handler.refuse(&mut client, "", refusal);
            }
        }
        deadline.set(Duration::from_millis(limits.header_timeout_ms));
        if client.flush(&mut deadline).await.is_err() {
            return;
        }
        if !client.can_continue() {
            break;
        }
    }
    client.close(&mut deadline).await;
}

struct RedirectHandler<'a> {
    worker: &'a WorkerContext,
    listener: &'a ListenerRuntime,
    peer: SocketAddr,
}

impl RedirectHandler<'_> {
    fn answer(&self, client: &mut Http1Client<TcpStream>, head: &RequestHead) {
        let running = self.worker.running.load();
        let input = client.received();
        if let Some(challenge) = challenge(&running, head, input) {
            return self.answer_challenge(client, head, challenge);
        }
        let host = head.host.and_then(|host| Authority::parse(host.of(input)));
        let destination = host.and_then(|host| destination_of(&running, host.host));
        match (host, destination) {
            (Some(host), Some(Destination::Site(site))) => {
                let target_url = self.target_url(head, host.host, input);
                self.redirect(client, head, &target_url, site);
            }
            (_, Some(Destination::Refused(NameRefusal::Pending(site)))) => {
                client.begin_request(head);
                self.refuse(client, site, RequestRefusal::CertificatePending);
            }
            (
                _,
                None
                | Some(
                    Destination::Site(_)
                    | Destination::Challenge(_)
                    | Destination::Refused(
                        NameRefusal::Unknown
                        | NameRefusal::Quarantined(_)
                        | NameRefusal::NoChallenge,
                    ),
                ),
            ) => {
                client.begin_request(head);
                self.refuse(client, "", RequestRefusal::Misdirected);
            }
        }
    }

    fn answer_challenge(
        &self,
        client: &mut Http1Client<TcpStream>,
        head: &RequestHead,
        challenge: &HttpChallenge,
    ) {
        client.begin_request(head);
        self.worker.observer.challenge_answered(
            ChallengeKind::Http,
            &challenge.site,
            &self.listener.document.id,
            self.peer,
        );
        client.send_generated(None, |out, options| {
            write_challenge(out, &challenge.key_authorisation, options);
        });
    }

    fn redirect(
        &self,
        client: &mut Http1Client<TcpStream>,
        head: &RequestHead,
        target_url: &[u8],
        site: &SiteRuntime,
    ) {
        client.begin_request(head);
        self.worker.observer.request_answered(&site.slot, 308);
        // RFC 6797 §7.2: no Strict-Transport-Security over plain HTTP.
        client.send_generated(None, |out, options| {
            write_redirect(out, target_url, site.redirect_cacheable, options);
        });
    }

    /// The same host and target on https.
    fn target_url(&self, head: &RequestHead, host: AuthorityHost<'_>, input: &[u8]) -> RecycledVec {
        let mut target_url = RecycledVec::new();
        let target = [head.target.prefix.as_bytes(), head.target.text.of(input)];
        let port = self.listener.document.https_port;
        location(&mut target_url, host, port, target);
        target_url
    }

    fn refuse(&self, client: &mut Http1Client<TcpStream>, site: &str, refusal: RequestRefusal) {
        self.worker
            .observer
            .request_refused(site, self.peer, refusal, refusal.status());
        client.send_page(&refusal.into(), None);
    }
}

/// The challenge whose answer is requested.
fn challenge<'r>(
    running: &'r Running,
    head: &RequestHead,
    input: &[u8],
) -> Option<&'r HttpChallenge> {
    let token = head.target.text.of(input).strip_prefix(CHALLENGES)?;
    let reads = matches!(head.method, Method::Get | Method::Head);
    let token = std::str::from_utf8(token).ok().filter(|_| reads)?;
    running.http_challenge(token)
}
