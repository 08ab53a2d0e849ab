//! Takes the name of a .bz2 file, and perhaps a number of threads; gives what was compressed on standard output.

use std::fs::File;
use std::io::{self, Error, Read, Write};

use bzip2_lanes::Decoder;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else { return Err(Error::other("usage: decompress FILE [THREADS]")) };
    let threads = arguments.next().map_or(Ok(0), |threads| threads.parse()).map_err(Error::other)?;
    let mut decoder = Decoder::with_threads(File::open(name)?, threads);
    let mut output = io::stdout().lock();
    let mut bytes = vec![0; 1 << 16];
    loop {
        match decoder.read(&mut bytes)? {
            0 => return output.flush(),
            count => output.write_all(&bytes[..count])?,
        }
    }
}
