//! edge-http
