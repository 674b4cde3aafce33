//! Admission, between route and forward: checks a site's limits for one request.
//!
//! New limits by site or client belong here. What counts an active request is a field of
//! [`Admission`], which is dropped once the response is complete.

use std::time::Duration;

use edge_contract::RequestRefusal;
use edge_http::HeadLimits;
use edge_observe::ActiveRequest;

use crate::context::ConnectionContext;
use crate::limits;
use crate::request::Request;
use crate::route::Route;

/// The limits of one admitted request.
pub(crate) struct Admission {
    /// The most bytes of its body.
    pub(crate) body_bytes: u64,
    /// The time for the request and its response together.
    pub(crate) request_timeout: Option<Duration>,
    /// The longest time without progress in a body.
    pub(crate) body_timeout: Duration,
    /// The limits of the response's head.
    pub(crate) response_head: HeadLimits,
    /// Counts the request, if the site limits active requests.
    _active_request: Option<ActiveRequest>,
}

/// Check the limits of the route's site; the error is the reason to refuse the request.
pub(crate) fn admit(
    request: &Request<'_>,
    route: &Route,
    context: &ConnectionContext,
) -> Result<Admission, RequestRefusal> {
    let site = &route.site;
    if limits::is_too_long(request.body, site.own_limits.body_bytes) {
        return Err(RequestRefusal::BodyTooLarge);
    }
    let begin = |limit| site.slot.begin_request(limit);
    let active_request = site
        .own_limits
        .requests
        .map(|limit| begin(limit).ok_or(RequestRefusal::TooManyRequests));
    let bounds = site.limits(&context.worker.running.load().limits);
    Ok(Admission {
        body_bytes: site.own_limits.body_bytes,
        request_timeout: bounds.request_timeout_ms.map(Duration::from_millis),
        body_timeout: Duration::from_millis(bounds.body_timeout_ms),
        response_head: limits::of_response(&bounds),
        _active_request: active_request.transpose()?,
    })
}
