//! The task of one HTTP/2 request.

use std::rc::Rc;
use std::time::Duration;

use edge_contract::RequestRefusal;
use edge_forward::{
    Client as _, ConnectionContext, Deadline, RecycledVec, Request, Route, forward, refuse, route,
};
use edge_http::field_section;
use edge_http::{BodyKind, Method};

use super::client::Http2Client;
use super::shared::Shared;

/// A request that was read and routed.
pub(super) struct RequestTask {
    stream: u32,
    /// The head for the server, encoded as HTTP/1.1.
    head: RecycledVec,
    method: Method,
    body: BodyKind,
    has_ended: bool,
    route: Result<Route, RequestRefusal>,
}

impl RequestTask {
    /// Route a request, and encode its head.
    pub(super) fn new(
        stream: u32,
        has_ended: bool,
        request: &field_section::Request,
        context: &ConnectionContext,
    ) -> Self {
        let route = match request.refusal() {
            Some(refusal) => Err(refusal),
            None => route(context, Some(request.host())),
        };
        let mut head = RecycledVec::default();
        if route.is_ok() {
            head = RecycledVec::new();
            request.write(&mut head, context.client());
        }
        Self {
            stream,
            head,
            method: request.method(),
            body: request.body(),
            has_ended,
            route,
        }
    }

    /// Whether the connection may not be used for its host.
    pub(super) fn is_misdirected(&self) -> bool {
        matches!(self.route, Err(RequestRefusal::Misdirected))
    }

    /// Forward the request, or send the error page of a refusal.
    pub(super) async fn run(self, shared: Shared, context: Rc<ConnectionContext>) {
        let mut client = Http2Client::new(shared, self.stream, self.method, self.has_ended);
        let body_timeout = context.worker.running.load().limits.body_timeout_ms;
        let mut deadline = Deadline::after(Duration::from_millis(body_timeout));
        match self.route {
            Ok(route) => {
                client.frame_body(self.body);
                let request = Request {
                    head: &self.head,
                    method: self.method,
                    has_body: !client.request_has_ended(),
                    body: self.body,
                    asks_upgrade: false,
                };
                forward(&mut client, &request, &route, &context, &mut deadline).await;
            }
            Err(refusal) => {
                let route = Route::of_connection(&context);
                refuse(&mut client, &route, &context, refusal);
            }
        }
        client.linger(&mut deadline).await;
    }
}
