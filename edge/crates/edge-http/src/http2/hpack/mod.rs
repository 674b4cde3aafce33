//! Header compression (RFC 7541).

mod class;
mod decode;
mod encode;
mod huffman;
mod integer;
mod static_table;
mod table;

pub(super) use class::Class;
pub(super) use decode::{Decoder, FieldLine, HpackFault};
pub(super) use encode::{FORGET_TABLE, write_field, write_status};
