//! HTTP in clear on a TLS port: what a browser sends for `http://host:443/`.

/// Methods of RFC 9110, PATCH, those of `WebDAV` that clients open with, and the preface of HTTP/2.
const METHODS: [&[u8]; 14] = [
    b"GET ",
    b"HEAD ",
    b"POST ",
    b"PUT ",
    b"DELETE ",
    b"CONNECT ",
    b"OPTIONS ",
    b"TRACE ",
    b"PATCH ",
    b"PROPFIND ",
    b"REPORT ",
    b"MKCOL ",
    b"LOCK ",
    b"PRI ",
];

/// Whether bytes begin an HTTP request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Yes,
    /// Too few bytes to tell.
    Open,
    No,
}

pub(super) fn judge(bytes: &[u8]) -> Verdict {
    if METHODS.iter().any(|method| bytes.starts_with(method)) {
        Verdict::Yes
    } else if METHODS.iter().any(|method| method.starts_with(bytes)) {
        Verdict::Open
    } else {
        Verdict::No
    }
}
