//! edge-tls
