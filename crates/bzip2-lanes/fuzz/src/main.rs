//! Takes any bytes, and compares what this crate and the `bzip2` crate make of them: the same error or none, and bytes of which the
//! `bzip2` crate gives the beginning (it keeps back those of the read which fails) or, if there is no error, all.

#![no_main]

use std::io::Read;

use bzip2::bufread::MultiBzDecoder;
use bzip2_lanes::Decoder;
use libfuzzer_sys::fuzz_target;

/// Bytes asked for in a read, and the most which the `bzip2` crate can keep back.
const READ: usize = 64;

fn drain(mut reader: impl Read) -> (Vec<u8>, bool) {
    let (mut bytes, mut buffer) = (Vec::new(), [0; READ]);
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return (bytes, true),
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(_) => return (bytes, false),
        }
    }
}

fuzz_target!(|compressed: &[u8]| {
    let (bytes, good) = drain(Decoder::new(compressed));
    let (wanted, wanted_good) = drain(MultiBzDecoder::new(compressed));
    assert_eq!(good, wanted_good);
    assert!(bytes.starts_with(&wanted) && bytes.len() <= wanted.len() + if good { 0 } else { READ });
});
