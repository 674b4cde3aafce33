//! Header compression (RFC 7541).

mod decode;
mod encode;
mod huffman;
mod integer;
mod static_table;
mod table;

pub(super) use decode::{Decoder, HpackFault};
pub(super) use encode::{CLEAR_TABLE, write_field, write_status};
