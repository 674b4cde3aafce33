//! edge-snapshot
