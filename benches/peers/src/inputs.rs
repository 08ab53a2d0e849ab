//! The inputs: made once, packed, and kept in `target/bench-inputs` until the generator or its seed changes.

use crate::places::Places;
use faultline_peers::generator::{BEGINS, Peer, Scale, Universe, UpdateStream, VERSION, watched, write_table};
use flate2::write::GzEncoder;
use miette::{IntoDiagnostic, WrapErr};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Seed of all inputs.
const SEED: u64 = 1;
/// Seconds between update files, as at RIPE RIS.
const STEP: u64 = 300;

/// How much is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Size {
    /// Messages of the one file of updates.
    pub messages: u64,
    /// Prefixes of the table dump.
    pub prefixes: usize,
    /// Files of the day.
    pub files: u64,
    /// Messages of each of them.
    pub messages_each: u64,
    /// Messages of the file for those which are very slow.
    pub messages_small: u64,
    /// Messages of the file which is as good as none.
    pub messages_tiny: u64,
}

impl Size {
    /// The size to measure with, or a tenth of it to try things out.
    pub const fn of(quick: bool) -> Self {
        if quick {
            Size {
                messages: 100_000,
                prefixes: 12_000,
                files: 12,
                messages_each: 5_000,
                messages_small: 20_000,
                messages_tiny: 100,
            }
        } else {
            Size {
                messages: 1_000_000,
                prefixes: 120_000,
                files: 94,
                messages_each: 10_000,
                messages_small: 20_000,
                messages_tiny: 100,
            }
        }
    }
}

/// What is known of the files which were made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Stamp {
    version: u32,
    seed: u64,
    /// How much was asked for.
    pub size: Size,
    /// Bytes of the updates, not packed.
    pub updates_bytes: u64,
    /// Prefixes announced and withdrawn in them.
    pub updates_prefixes: u64,
    /// Bytes of the table dump, not packed.
    pub table_bytes: u64,
    /// Its entries.
    pub table_entries: u64,
}

/// Where the inputs are.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// All of them.
    pub folder: PathBuf,
    /// What is known of them.
    pub stamp: Stamp,
    /// The profile of the organization which is watched.
    pub profile: PathBuf,
    /// Its prefixes, one a line.
    pub prefixes: PathBuf,
}

impl Inputs {
    /// The updates, packed as `gz` or `bz2`.
    pub fn updates(&self, packing: &str) -> PathBuf {
        self.folder.join(format!("rrc00/{}.{packing}", name("updates", 0)))
    }

    /// The table dump, packed as gz.
    pub fn table(&self) -> PathBuf {
        self.folder.join(format!("rrc00/{}.gz", name("bview", 0)))
    }

    /// The files of the day in order, packed as gz.
    pub fn day(&self) -> Vec<PathBuf> {
        let file = |nth| self.folder.join(format!("day/rrc00/{}.gz", name("updates", nth * STEP)));
        (0..self.stamp.size.files).map(file).collect()
    }

    /// The small file, packed as `gz` or not at all (`mrt`).
    pub fn small(&self, packing: &str) -> PathBuf {
        self.folder.join(format!("small/rrc00/{}.{packing}", name("updates", 0)))
    }

    /// The tiny file, packed as gz.
    pub fn tiny(&self) -> PathBuf {
        self.folder.join(format!("tiny/rrc00/{}.gz", name("updates", 0)))
    }
}

/// The name of an archive which begins so many seconds after the first.
fn name(series: &str, after: u64) -> String {
    let minutes = (BEGINS % 86_400 + after) / 60;
    format!("{series}.20251101.{:02}{:02}", minutes / 60, minutes % 60)
}

/// Makes the inputs unless they are there.
///
/// # Errors
/// If the folder cannot be written.
pub fn prepare(places: &Places, size: Size) -> miette::Result<Inputs> {
    let folder = places.target.join("bench-inputs").join(if size == Size::of(true) { "quick" } else { "full" });
    let stamp = match kept(&folder, size) {
        Some(stamp) => stamp,
        None => {
            eprintln!("making the inputs in {}", folder.display());
            make(&folder, size)
                .into_diagnostic()
                .wrap_err_with(|| format!("the inputs could not be written to `{}`; make room there", folder.display()))?
        }
    };
    let (profile, prefixes) = (folder.join("ORG.toml"), folder.join("prefixes.txt"));
    Ok(Inputs { folder, stamp, profile, prefixes })
}

/// The stamp of what is there, if it is what would be made now.
fn kept(folder: &Path, size: Size) -> Option<Stamp> {
    let stamp: Stamp = serde_json::from_slice(&std::fs::read(folder.join("stamp.json")).ok()?).ok()?;
    (stamp.version == VERSION && stamp.seed == SEED && stamp.size == size).then_some(stamp)
}

fn make(folder: &Path, size: Size) -> io::Result<Stamp> {
    for part in ["rrc00", "day/rrc00", "small/rrc00", "tiny/rrc00"] {
        std::fs::create_dir_all(folder.join(part))?;
    }
    let universe = Universe::new(SEED, Scale::INTERNET);
    let peers = Peer::all(60, SEED, &universe);
    let organization = watched(&universe, size.prefixes);
    let stream = |seed| UpdateStream::new(&universe, &peers, &organization, seed);
    let mut stamp =
        Stamp { version: VERSION, seed: SEED, size, updates_bytes: 0, updates_prefixes: 0, table_bytes: 0, table_entries: 0 };

    let at = |part: &str, name: String, packing: &str| folder.join(part).join(format!("{name}.{packing}"));
    let mut out = Packer::new(&[at("rrc00", name("updates", 0), "gz"), at("rrc00", name("updates", 0), "bz2")])?;
    let said = stream(SEED).write(size.messages, (0, STEP), &mut out)?;
    (stamp.updates_bytes, stamp.updates_prefixes) = (out.finish()?, said.announced + said.withdrawn);

    let mut out = Packer::new(&[at("rrc00", name("bview", 0), "gz")])?;
    stamp.table_entries = write_table(&universe, &peers[..45], size.prefixes, &mut out)?;
    stamp.table_bytes = out.finish()?;

    let mut day = stream(SEED + 1);
    for nth in 0..size.files {
        let mut out = Packer::new(&[at("day/rrc00", name("updates", nth * STEP), "gz")])?;
        day.write(size.messages_each, (nth * STEP, STEP), &mut out)?;
        out.finish()?;
    }

    for (part, messages) in [("small/rrc00", size.messages_small), ("tiny/rrc00", size.messages_tiny)] {
        let mut out = Packer::new(&[at(part, name("updates", 0), "gz"), at(part, name("updates", 0), "mrt")])?;
        stream(SEED + 2).write(messages, (0, STEP), &mut out)?;
        out.finish()?;
    }

    std::fs::write(folder.join("ORG.toml"), organization.profile())?;
    std::fs::write(folder.join("prefixes.txt"), organization.list())?;
    // Last, so that what was interrupted is made again.
    std::fs::write(folder.join("stamp.json"), serde_json::to_vec_pretty(&stamp)?)?;
    Ok(stamp)
}

enum Packed {
    Plain(BufWriter<File>),
    Gzip(GzEncoder<BufWriter<File>>),
    Bzip2(bzip2::write::BzEncoder<BufWriter<File>>),
}

/// Writes the same bytes to several files, each packed as its name says.
struct Packer {
    out: Vec<Packed>,
    /// What is not yet packed: many small pieces.
    piece: Vec<u8>,
    bytes: u64,
}

const PIECE: usize = 256 * 1024;

impl Packer {
    fn new(paths: &[PathBuf]) -> io::Result<Self> {
        let open = |path: &PathBuf| {
            let file = BufWriter::with_capacity(PIECE, File::create(path)?);
            Ok(match path.extension().and_then(|ending| ending.to_str()) {
                Some("gz") => Packed::Gzip(GzEncoder::new(file, flate2::Compression::new(6))),
                Some("bz2") => Packed::Bzip2(bzip2::write::BzEncoder::new(file, bzip2::Compression::best())),
                _ => Packed::Plain(file),
            })
        };
        let out = paths.iter().map(open).collect::<io::Result<Vec<_>>>()?;
        Ok(Packer { out, piece: Vec::with_capacity(2 * PIECE), bytes: 0 })
    }

    fn pack(&mut self) -> io::Result<()> {
        for out in &mut self.out {
            match out {
                Packed::Plain(out) => out.write_all(&self.piece)?,
                Packed::Gzip(out) => out.write_all(&self.piece)?,
                Packed::Bzip2(out) => out.write_all(&self.piece)?,
            }
        }
        self.piece.clear();
        Ok(())
    }

    /// Ends the files; says how many bytes there were before packing.
    fn finish(mut self) -> io::Result<u64> {
        self.pack()?;
        for out in self.out {
            let mut file = match out {
                Packed::Plain(out) => out,
                Packed::Gzip(out) => out.finish()?,
                Packed::Bzip2(out) => out.finish()?,
            };
            file.flush()?;
        }
        Ok(self.bytes)
    }
}

impl Write for Packer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        self.bytes += bytes.len() as u64;
        if self.piece.len() >= PIECE {
            self.pack()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
