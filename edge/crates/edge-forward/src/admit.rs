//! Between route and forward: whether a site takes a request, and within which limits.
//!
//! Here is the place for what a site or a client may have at once or in a time. Whatever is counted
//! for a request belongs into its [`Admission`], which lives until its answer is whole.

use std::time::Duration;

use edge_contract::RequestRefusal;
use edge_http::HeadLimits;
use edge_observe::ActiveRequest;

use crate::context::ConnectionContext;
use crate::limits;
use crate::request::Request;
use crate::route::Route;

/// What an admitted request may use.
pub(crate) struct Admission {
    /// Bytes of its body.
    pub(crate) body_bytes: u64,
    /// The time for all of it and its answer.
    pub(crate) request_timeout: Option<Duration>,
    /// The time between pieces of a body.
    pub(crate) body_timeout: Duration,
    /// The head of its answer.
    pub(crate) response_head: HeadLimits,
    /// Its place among those that the site may have under way, where that is limited.
    _active_request: Option<ActiveRequest>,
}

/// Admit a request to the site of its route, or say why not.
pub(crate) fn admit(
    request: &Request<'_>,
    route: &Route,
    context: &ConnectionContext,
) -> Result<Admission, RequestRefusal> {
    let site = &route.site;
    if limits::is_too_long(request.body, site.own_limits.body_bytes) {
        return Err(RequestRefusal::BodyTooLarge);
    }
    let begin = |most| site.slot.begin_request(most);
    let active_request = site
        .own_limits
        .requests
        .map(|most| begin(most).ok_or(RequestRefusal::TooManyRequests));
    let bounds = site.limits(&context.worker.running.load().limits);
    Ok(Admission {
        body_bytes: site.own_limits.body_bytes,
        request_timeout: bounds.request_timeout_ms.map(Duration::from_millis),
        body_timeout: Duration::from_millis(bounds.body_timeout_ms),
        response_head: limits::of_response(&bounds),
        _active_request: active_request.transpose()?,
    })
}
