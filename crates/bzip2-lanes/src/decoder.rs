//! Takes a compressed input and gives the bytes in it: puts the blocks in order, writes them out, and holds their checksums and lengths
//! against what the stream says. The first thing which is not as it should be, it hands to the `bzip2` crate with all that follows
//! ([`crate::reference`]); only checksums of blocks, which it computes itself, it judges alone.

use std::io::{self, ErrorKind, Read};

use crate::bits::Bits;
use crate::block::{Part, Tables};
use crate::crc::{Crc, fold};
use crate::crew::Crew;
use crate::magic::{MARK_BITS, Mark};
use crate::piece::{Close, Piece, Splitter};
use crate::reference::{Reference, Stream, again};
use crate::runs::{Expansion, Written};

/// Decompresses all bzip2 streams in a reader, which follow each other up to its end.
///
/// The compressed input is read as it is needed, in pieces of 128 KiB; a [`std::io::BufReader`] around it is of no use. The output is
/// best read in pieces of some KiB at least.
///
/// # Errors
///
/// [`Read::read`] gives, after all bytes which stand before the damage:
///
/// - [`ErrorKind::InvalidData`] for damaged blocks, checksums which do not fit, and bytes after the last stream which do not begin
///   another;
/// - [`ErrorKind::UnexpectedEof`] if the input ends in a stream, or is empty;
/// - any error of the reader itself as it is. One may then read again, if the reader can; after the other two one gets the same error
///   again.
pub struct Decoder<R> {
    source: Source<R>,
    /// The part in hand. Its buffers are used for the next.
    part: Part,
    stage: Stage,
    stream: Option<Stream>,
}

/// Where parts come from.
enum Source<R> {
    /// The reading thread; without tables when only pieces are wanted.
    Here(Splitter<R>, Option<Tables>),
    Threads(Crew<R>),
}

/// What is read from next.
enum Stage {
    /// The part which follows.
    NextPart,
    /// The block in hand.
    Block(Expansion, Crc),
    /// The `bzip2` crate.
    Reference(Box<Reference>),
    /// Nothing: the last stream ended with the input.
    Ended,
    Failed(io::Error),
}

impl<R: Read> Decoder<R> {
    /// Decodes on the thread which reads. It keeps about 6 MiB of tables (9 at the most) and one block: its compressed bytes, which are
    /// seldom more than 0.9 MB and never more than 2.5, and at most 0.9 MB decoded.
    pub fn new(reader: R) -> Self {
        Self::with_tables(reader, &Tables::default())
    }

    /// The same with tables which are lent by, and to, other decoders.
    pub fn with_tables(reader: R, tables: &Tables) -> Self {
        Self::reading(Source::Here(Splitter::new(reader), Some(tables.clone())))
    }

    fn reading(source: Source<R>) -> Self {
        Decoder { source, part: Part::default(), stage: Stage::NextPart, stream: None }
    }
}

impl<R: Read + Send + 'static> Decoder<R> {
    /// Decodes blocks on `threads` threads of its own, ahead of the thread which reads: it only writes them out. With 0 threads, or if
    /// none can be started, this is [`new`](Self::new).
    ///
    /// Each thread has its own tables, and at most two blocks for each thread and one more are in memory; for sizes see
    /// [`new`](Self::new). As threads read ahead, the reader may be read further than what is given needs.
    ///
    /// When the decoder is dropped its threads end, once they are through with the block in hand, or with the reader's `read`. If that
    /// panics, reading gives an error.
    pub fn with_threads(reader: R, threads: usize) -> Self {
        Self::reading(match Crew::start(Splitter::new(reader), threads) {
            Ok(crew) => Source::Threads(crew),
            Err(splitter) => Source::Here(splitter, Some(Tables::default())),
        })
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            match &mut self.stage {
                Stage::NextPart => self.stage = self.next_stage()?,
                Stage::Block(expansion, crc) => match expansion.write(&self.part.block.text, out) {
                    Written::Some(count) => {
                        crc.update(&out[..count]);
                        return Ok(count);
                    }
                    Written::All if crc.value() == self.part.block.checksum => self.stage = Stage::NextPart,
                    Written::All => self.stage = Stage::Failed(damaged(&self.part.piece, "its checksum does not fit")),
                    Written::Torn => self.stage = Stage::Failed(damaged(&self.part.piece, "it ends within a run of equal bytes")),
                },
                Stage::Reference(reference) => {
                    let source = &mut self.source;
                    let mut part = std::mem::take(&mut self.part);
                    return reference.read(out, |piece| {
                        let given = source.next(&mut part)?;
                        *piece = std::mem::take(&mut part.piece);
                        Ok(given)
                    });
                }
                Stage::Ended => return Ok(0),
                Stage::Failed(error) => return Err(again(error)),
            }
        }
    }
}

impl<R: Read> Decoder<R> {
    fn next_stage(&mut self) -> io::Result<Stage> {
        if !self.source.next(&mut self.part)? {
            return Ok(Stage::Failed(ErrorKind::UnexpectedEof.into()));
        }
        let Part { piece, block } = &self.part;
        let regular = match (piece.mark, &mut self.stream) {
            (None, stream @ None) if piece.close == Close::Mark => {
                *stream = head(&piece.bytes);
                stream.map(|_| Stage::NextPart)
            }
            (Some(Mark::Block), Some(stream)) if block.regular && block.text.len() <= most_text(*stream) => {
                stream.checksum = fold(stream.checksum, block.checksum);
                Some(Stage::Block(Expansion::new(), Crc::new()))
            }
            (Some(Mark::End), Some(stream)) => end(piece, stream),
            (None | Some(_), None | Some(_)) => None,
        };
        if let Some(stage) = regular {
            return Ok(stage);
        }
        self.source.want_pieces_only();
        Ok(Stage::Reference(Box::new(Reference::from_piece(self.stream, piece))))
    }
}

impl<R: Read> Source<R> {
    /// Makes `part` the next; `false` if there is none.
    fn next(&mut self, part: &mut Part) -> io::Result<bool> {
        match self {
            Source::Here(splitter, tables) => {
                let given = splitter.next(&mut part.piece)?;
                if let Some(tables) = tables {
                    tables.unpack(part);
                }
                Ok(given)
            }
            Source::Threads(crew) => {
                let next = crew.next(std::mem::take(part))?;
                let given = next.is_some();
                *part = next.unwrap_or_default();
                Ok(given)
            }
        }
    }

    fn want_pieces_only(&mut self) {
        match self {
            Source::Here(_, tables) => *tables = None,
            Source::Threads(crew) => crew.want_pieces_only(),
        }
    }
}

/// A stream begun by these bytes and no others.
fn head(bytes: &[u8]) -> Option<Stream> {
    match *bytes {
        [b'B', b'Z', b'h', level @ b'1'..=b'9'] => Some(Stream { level, checksum: 0 }),
        _ => None,
    }
}

/// The longest text (with the byte that follows it) of a block in a stream of this level.
fn most_text(stream: Stream) -> usize {
    usize::from(stream.level - b'0') * 100_000 + 1
}

/// The stream's end in a piece, and the head of the next stream or the input's end after it; `None` if anything else is there.
fn end(piece: &Piece, stream: &mut Stream) -> Option<Stage> {
    let mut bits = Bits::new(&piece.bytes, piece.skip);
    bits.skip(MARK_BITS);
    let checksum = bits.take(32);
    // The last byte's other bits mean nothing.
    let rest = piece.bytes.get(bits.position().div_ceil(8)..)?;
    if checksum != stream.checksum {
        return None;
    }
    match (piece.close, rest) {
        (Close::Input, []) => Some(Stage::Ended),
        (Close::Mark, bytes) if piece.end.is_multiple_of(8) => {
            *stream = head(bytes)?;
            Some(Stage::NextPart)
        }
        (Close::Input | Close::Mark | Close::Length, _) => None,
    }
}

fn damaged(piece: &Piece, how: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("the bzip2 block at byte {} of the input is damaged: {how}", piece.offset))
}
