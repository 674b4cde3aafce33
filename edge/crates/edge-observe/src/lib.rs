//! edge-observe
