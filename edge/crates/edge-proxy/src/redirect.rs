//! Listeners for plain HTTP: every request is redirected to https, none is forwarded.

use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use edge_contract::RequestRefusal;
use edge_forward::{Client as _, Deadline, ListenerRuntime, RecycledVec, WorkerContext, site_of};
use edge_http::page::{Page, location, write_redirect};
use edge_http::{Authority, RequestHead};
use tokio::net::TcpStream;

use crate::counted_stream::CountedStream;
use crate::http1::{Http1Client, Next, next_request, wait_for_drain};

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
        https_port: listener.document.https_port,
        peer,
    };
    let mut client = Http1Client::new(CountedStream::new(stream, Rc::clone(&worker)));
    let mut deadline = Deadline::after(Duration::from_millis(limits.idle_timeout_ms));
    let mut drained = pin!(wait_for_drain(worker.draining.clone()));
    loop {
        match next_request(&mut client, &limits, &mut deadline, drained.as_mut()).await {
            Next::Request(head, _) => handler.redirect(&mut client, &head),
            Next::End => break,
            Next::Refused(refusal) => {
                client.stop_reading();
                handler.refuse(&mut client, refusal);
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
    https_port: u16,
    peer: SocketAddr,
}

impl RedirectHandler<'_> {
    fn redirect(&self, client: &mut Http1Client<TcpStream>, head: &RequestHead) {
        let input = client.received();
        let host = head.host.and_then(|host| Authority::parse(host.of(input)));
        let site = host.and_then(|host| site_of(&self.worker.running.load(), host.host));
        let (Some(host), Some(site)) = (host, site) else {
            client.begin_request(head);
            return self.refuse(client, RequestRefusal::Misdirected);
        };
        let mut target_url = RecycledVec::new();
        let target = [head.target.prefix.as_bytes(), head.target.text.of(input)];
        location(&mut target_url, host.host, self.https_port, target);
        client.begin_request(head);
        self.worker.observer.request_answered(&site.slot, 308);
        // RFC 6797 §7.2: no Strict-Transport-Security over plain HTTP.
        client.send_generated(None, |out, options| {
            write_redirect(out, &target_url, site.redirect_cacheable, options);
        });
    }

    fn refuse(&self, client: &mut Http1Client<TcpStream>, refusal: RequestRefusal) {
        self.worker
            .observer
            .request_refused("", self.peer, refusal, refusal.status());
        client.send_page(
            &Page {
                status: refusal.status(),
                sentence: refusal.sentence(),
            },
            None,
        );
    }
}
