//! Field lines as HTTP/1 writes them, and so every request to a server.

/// Append a field line; name and value were checked when they were read.
pub fn field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}
