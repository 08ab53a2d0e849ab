//! Takes readers which fail, panic, or are left in the middle: the decoder tells it, and its threads end.

use std::io::{self, ErrorKind, Read};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use bzip2_lanes::Decoder;

use crate::oracle::{Dice, compress, drain};

/// Reads bytes in small pieces; at their end it does what the test wants. Says when it is dropped.
struct Odd {
    bytes: io::Cursor<Vec<u8>>,
    at_end: fn() -> io::Result<usize>,
    _gone: Gone,
}

struct Gone(Sender<()>);

impl Drop for Gone {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

impl Read for Odd {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = out.len().min(1_000);
        match self.bytes.read(&mut out[..length])? {
            0 => (self.at_end)(),
            count => Ok(count),
        }
    }
}

/// Three blocks of level 1; without its last 20 bytes two of them are whole.
fn odd(cut: usize, at_end: fn() -> io::Result<usize>) -> (Odd, Receiver<()>) {
    let mut bytes = compress(&Dice(12).prose(290_000), 1);
    bytes.truncate(bytes.len() - cut);
    let (gone, receiver) = channel();
    (Odd { bytes: io::Cursor::new(bytes), at_end, _gone: Gone(gone) }, receiver)
}

fn ended(gone: &Receiver<()>) -> bool {
    gone.recv_timeout(Duration::from_secs(20)).is_ok()
}

#[test]
fn an_error_of_the_reader_comes_after_the_blocks_before_it() {
    let (reader, _gone) = odd(20, || Err(ErrorKind::ConnectionReset.into()));
    let here = drain(Decoder::new(reader), 4_000);
    assert!((190_000..290_000).contains(&here.bytes.len()), "{here:?}");
    assert_eq!(here.error, Some(ErrorKind::ConnectionReset));
    let (reader, gone) = odd(20, || Err(ErrorKind::ConnectionReset.into()));
    assert_eq!(drain(Decoder::with_threads(reader, 2), 4_000), here);
    assert!(ended(&gone));
}

#[test]
fn after_an_error_one_can_read_on() {
    struct Halting(io::Cursor<Vec<u8>>, bool);
    impl Read for Halting {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            let length = out.len().min(20_000);
            if self.1 { Err(ErrorKind::TimedOut.into()) } else { self.0.read(&mut out[..length]) }
        }
    }
    let prose = Dice(13).prose(400_000);
    let mut damaged = compress(&prose, 1);
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    for bytes in [compress(&prose, 1), damaged] {
        let wanted = drain(Decoder::new(bytes.as_slice()), 3_000);
        for threads in [0, 2] {
            let mut decoder = Decoder::with_threads(Halting(io::Cursor::new(bytes.clone()), false), threads);
            let mut all = Vec::new();
            let error = loop {
                let outcome = drain(&mut decoder, 3_000);
                all.extend(outcome.bytes);
                if outcome.error != Some(ErrorKind::TimedOut) {
                    break outcome.error;
                }
            };
            assert_eq!((all.len(), error), (wanted.bytes.len(), wanted.error), "{threads} threads");
            assert!(all == wanted.bytes);
        }
    }
}

#[test]
fn a_panic_of_the_reader_is_an_error_with_threads() {
    let (reader, gone) = odd(20, || panic!("a reader which panics, as a test wants it"));
    let mut decoder = Decoder::with_threads(reader, 2);
    let outcome = drain(&mut decoder, 4_000);
    assert!(outcome.bytes.len() > 190_000 && outcome.error == Some(ErrorKind::Other), "{outcome:?}");
    assert!(drain(&mut decoder, 4_000).error.is_some());
    drop(decoder);
    assert!(ended(&gone));
}

#[test]
fn threads_end_when_the_decoder_is_dropped() {
    for read in [0, 1, 100_000, 250_000] {
        let (reader, gone) = odd(0, || Ok(0));
        let mut decoder = Decoder::with_threads(reader, 3);
        decoder.read_exact(&mut vec![0; read]).unwrap();
        drop(decoder);
        assert!(ended(&gone), "after {read} bytes");
    }
}

#[test]
fn a_failure_stays() {
    let bytes = compress(b"some text", 9);
    for threads in [0, 1] {
        let mut decoder = Decoder::with_threads(io::Cursor::new(bytes[..20].to_vec()), threads);
        for _ in 0..3 {
            assert_eq!(drain(&mut decoder, 10).error, Some(ErrorKind::UnexpectedEof));
        }
        let mut decoder = Decoder::with_threads(io::Cursor::new(bytes.clone()), threads);
        assert_eq!(drain(&mut decoder, 10).bytes, b"some text");
        assert_eq!((drain(&mut decoder, 10).error, decoder.read(&mut []).unwrap()), (None, 0));
    }
}
