#![forbid(unsafe_code)]
//! A bzip2 decompressor which takes a third of the usual time on one thread, and less on several.
pub use decoder::Decoder;
mod bits;
mod block;
mod chase;
mod column;
mod crc;
mod crew;
mod decoder;
mod huffman;
mod invented;
mod magic;
mod piece;
mod reference;
mod runs;
