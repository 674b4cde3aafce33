//! Detecting plain HTTP on a TLS port, as sent by a browser for `http://host:443/`.

/// Methods of RFC 9110, PATCH, common first methods of `WebDAV`, and the preface of HTTP/2.
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

/// Whether bytes are the start of an HTTP request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    Yes,
    /// More bytes are needed.
    Incomplete,
    No,
}

pub(super) fn detect(bytes: &[u8]) -> Match {
    if METHODS.iter().any(|method| bytes.starts_with(method)) {
        Match::Yes
    } else if METHODS.iter().any(|method| method.starts_with(bytes)) {
        Match::Incomplete
    } else {
        Match::No
    }
}
