//! A fast bzip2 decompressor without unsafe code: takes compressed bytes, gives what is in them.
//!
#![doc = include_str!("../README.md")]
//!
//! # How the modules hang together
//!
//! `piece` cuts the input at the marks which `magic` finds. `block` makes of a piece the text of a block: `column` undoes Huffman codes
//! (`huffman`) and move-to-front, `chase` the Burrows-Wheeler transform. `decoder` puts the texts in order, writes them out (`runs`),
//! and compares checksums (`crc`); `crew` does the middle part on several threads. What is odd goes to `reference`, with `invented`
//! telling the `bzip2` crate what went before.
//!
//! This crate does no compression, and has no unsafe code.

#![forbid(unsafe_code)]

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

pub use block::Tables;
pub use decoder::Decoder;
