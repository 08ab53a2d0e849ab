//! The peers which are libraries, each reading files as its documentation shows, and the parts of the instruction count.
//!
//! All print one line: what they counted. None keeps or writes anything else.

use bgpkit_parser::BgpkitParser;
use clap::Subcommand;
use faultline::org::profile;
use faultline::source::{InputSpec, Interest, Merge, Resources, WatchedPrefixes, discover, scan_alone};
use faultline::vantage::Vantages;
use ipnet::IpNet;
use miette::{IntoDiagnostic, WrapErr};
use routecore::bgp::message::Message;
use routecore::bgp::nlri::afisafi::{IsPrefix, Nlri};
use routecore::mrt::{Bgp4Mp, MessageAs4, MrtFile};
use std::fs::File;
use std::hint::black_box;
use std::io::{BufReader, Cursor, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Room of a generous buffer.
const BUFFER: usize = 256 * 1024;

/// A reader of MRT files.
#[derive(Subcommand, Debug)]
pub enum Reader {
    /// Only unpack, count the bytes
    #[command(hide = true)]
    Limit { files: Vec<PathBuf> },
    /// bgpkit-parser: count every element
    #[command(hide = true)]
    BgpkitElements {
        /// Put a large buffer behind the unpacking
        #[arg(long)]
        buffered: bool,
        files: Vec<PathBuf>,
    },
    /// bgpkit-parser: count the elements which concern some prefixes
    #[command(hide = true)]
    BgpkitFilter {
        /// Prefixes, one a line
        #[arg(long)]
        prefixes: PathBuf,
        files: Vec<PathBuf>,
    },
    /// routecore: walk through every message and prefix, count them
    #[command(hide = true)]
    RoutecoreWalk {
        /// Count only those which are inside of some prefixes, one a line, each compared with each
        #[arg(long)]
        prefixes: Option<PathBuf>,
        files: Vec<PathBuf>,
    },
    /// Only read a file into memory
    #[command(hide = true)]
    MemLoad { file: PathBuf },
    /// Read a file into memory and hash it
    #[command(hide = true)]
    MemHash { file: PathBuf },
    /// bgpkit-parser: count the elements of a file in memory
    #[command(hide = true)]
    MemBgpkit { file: PathBuf },
    /// Faultline: only the relevance scan over a file in memory
    #[command(hide = true)]
    MemScan {
        /// The organization which is watched
        #[arg(long)]
        profile: PathBuf,
        file: PathBuf,
    },
    /// Faultline: read a file which the system has in memory, count the observations
    #[command(hide = true)]
    MemFaultline {
        /// The organization which is watched
        #[arg(long)]
        profile: PathBuf,
        file: PathBuf,
    },
}

impl Reader {
    /// Reads, and prints what was counted.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn run(self) -> miette::Result<()> {
        let line = match self {
            Reader::Limit { files } => format!("{} bytes", sum(&files, limit)?),
            Reader::BgpkitElements { buffered, files } => {
                let room = if buffered { BUFFER } else { 0 };
                format!("{} elements", sum(&files, |file| Ok(elements(BgpkitParser::from_reader(unpacked(file, room)?))))?)
            }
            Reader::BgpkitFilter { prefixes, files } => {
                let list = read(&prefixes)?;
                let list = String::from_utf8_lossy(&list).split_whitespace().collect::<Vec<_>>().join(",");
                format!("{} elements", sum(&files, |file| filtered(file, &list))?)
            }
            Reader::RoutecoreWalk { prefixes, files } => {
                let list = prefixes.map(|prefixes| listed(&prefixes)).transpose()?;
                format!("{} prefixes", sum(&files, |file| walk(file, list.as_deref()))?)
            }
            Reader::MemLoad { file } => format!("{} bytes", black_box(read(&file)?).len()),
            Reader::MemHash { file } => {
                let bytes = read(&file)?;
                let mut hasher = blake3::Hasher::new();
                bytes.chunks(BUFFER / 2).for_each(|chunk| {
                    hasher.update(chunk);
                });
                format!("{} bytes, {}", bytes.len(), hasher.finalize().to_hex())
            }
            Reader::MemBgpkit { file } => {
                format!("{} elements", elements(BgpkitParser::from_reader(Cursor::new(read(&file)?))))
            }
            Reader::MemScan { profile, file } => {
                let scanned = scan_alone(read(&file)?, &watched(&profile)?);
                format!("{} messages settled, {} records left", scanned.settled, scanned.left)
            }
            Reader::MemFaultline { profile, file } => format!("{} observations", observations(&profile, file)?),
        };
        println!("{line}");
        Ok(())
    }
}

fn sum(files: &[PathBuf], count: impl Fn(&Path) -> miette::Result<u64>) -> miette::Result<u64> {
    files.iter().map(|file| count(file)).sum()
}

fn unreadable(file: &Path) -> String {
    format!("`{}` could not be read; see that it is there and whole", file.display())
}

fn read(file: &Path) -> miette::Result<Vec<u8>> {
    std::fs::read(file).into_diagnostic().wrap_err_with(|| unreadable(file))
}

/// What is inside a file, unpacked as its name says: as `BgpkitParser::new` does it, that is through a buffer of the default size before
/// and none after, unless there is to be a buffer of `room` bytes on both sides.
fn unpacked(file: &Path, room: usize) -> miette::Result<Box<dyn Read + Send>> {
    let raw = File::open(file).into_diagnostic().wrap_err_with(|| unreadable(file))?;
    let raw = if room > 0 { BufReader::with_capacity(room, raw) } else { BufReader::new(raw) };
    let inside: Box<dyn Read + Send> = match file.extension().and_then(|ending| ending.to_str()) {
        Some("gz") => Box::new(flate2::bufread::MultiGzDecoder::new(raw)),
        Some("bz2") => Box::new(bzip2::bufread::MultiBzDecoder::new(raw)),
        _ => Box::new(raw),
    };
    Ok(if room > 0 { Box::new(BufReader::with_capacity(room, inside)) } else { inside })
}

/// What is inside a file, in memory.
///
/// # Errors
/// If it cannot be read.
pub fn unpack(file: &Path) -> miette::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    unpacked(file, BUFFER)?.read_to_end(&mut bytes).into_diagnostic().wrap_err_with(|| unreadable(file))?;
    Ok(bytes)
}

/// Unpacks into one buffer and forgets it: nobody who reads the file can be faster with the same decoder.
fn limit(file: &Path) -> miette::Result<u64> {
    let raw = BufReader::with_capacity(BUFFER, File::open(file).into_diagnostic().wrap_err_with(|| unreadable(file))?);
    let mut inside: Box<dyn Read> = match file.extension().and_then(|ending| ending.to_str()) {
        Some("bz2") => Box::new(bzip2::bufread::MultiBzDecoder::new(raw)),
        _ => Box::new(flate2::bufread::MultiGzDecoder::new(raw)),
    };
    let (mut buffer, mut bytes) = (vec![0; BUFFER], 0);
    loop {
        let read = inside.read(&mut buffer).into_diagnostic().wrap_err_with(|| unreadable(file))?;
        if read == 0 {
            return Ok(bytes);
        }
        bytes += black_box(&buffer[..read]).len() as u64;
    }
}

/// How many elements bgpkit-parser finds.
pub fn elements<R: Read>(parser: BgpkitParser<R>) -> u64 {
    let mut count = 0;
    for element in parser.disable_warnings() {
        black_box(element);
        count += 1;
    }
    count
}

fn filtered(file: &Path, list: &str) -> miette::Result<u64> {
    let parser = BgpkitParser::from_reader(unpacked(file, 0)?);
    Ok(elements(parser.add_filter("prefixes_super_sub", list).into_diagnostic().wrap_err("the prefixes are not valid")?))
}

/// Prefixes, one a line.
fn listed(file: &Path) -> miette::Result<Vec<IpNet>> {
    let list: Result<Vec<IpNet>, _> = String::from_utf8_lossy(&read(file)?).split_whitespace().map(str::parse).collect();
    list.into_diagnostic().wrap_err("the prefixes are not valid")
}

/// Whether a prefix is inside of one of these, compared one after the other.
fn is_inside(list: &[IpNet], address: IpAddr, length: u8) -> bool {
    IpNet::new(address, length).is_ok_and(|prefix| list.iter().any(|watched| watched.contains(&prefix)))
}

/// routecore wants all bytes at once. It reads table dumps by another way than messages.
fn walk(file: &Path, watched: Option<&[IpNet]>) -> miette::Result<u64> {
    let mut bytes = Vec::new();
    unpacked(file, BUFFER)?.read_to_end(&mut bytes).into_diagnostic().wrap_err_with(|| unreadable(file))?;
    let file = MrtFile::new(&bytes);
    Ok(match file.rib_entries() {
        Ok(entries) => entries.fold(0, |count, entry| {
            let prefix = black_box(entry).3;
            count + u64::from(watched.map_or(prefix.len() <= 128, |list| is_inside(list, prefix.addr(), prefix.len())))
        }),
        Err(_) => walk_messages(&file, watched),
    })
}

fn walk_messages(file: &MrtFile<'_>, watched: Option<&[IpNet]>) -> u64 {
    let mut prefixes = 0;
    for message in file.messages() {
        let message = match message {
            Bgp4Mp::MessageAs4(message) => message,
            // Its AS numbers would be read wrongly; they are not looked at.
            Bgp4Mp::Message(message) => MessageAs4::from(message),
            Bgp4Mp::StateChange(_) | Bgp4Mp::StateChangeAs4(_) => continue,
        };
        let Ok(Message::Update(update)) = message.bgp_msg() else { continue };
        let mut count = |nlri: Nlri<&[u8]>| {
            let nlri = black_box(nlri);
            let Some(list) = watched else {
                prefixes += 1;
                return;
            };
            let prefix = if let Nlri::Ipv4Unicast(nlri) = &nlri {
                nlri.prefix()
            } else if let Nlri::Ipv6Unicast(nlri) = &nlri {
                nlri.prefix()
            } else {
                return;
            };
            prefixes += u64::from(is_inside(list, prefix.addr(), prefix.len()));
        };
        if let Ok(announced) = update.announcements() {
            announced.flatten().for_each(&mut count);
        }
        if let Ok(withdrawn) = update.withdrawals() {
            withdrawn.flatten().for_each(&mut count);
        }
    }
    prefixes
}

/// What an organization watches.
///
/// # Errors
/// If the profile cannot be read.
pub fn watched(organization: &Path) -> miette::Result<Interest> {
    let organization = profile::read(organization)?.organization;
    Ok(Interest::Watched(WatchedPrefixes::new(organization.prefixes.iter().map(|watched| watched.prefix))))
}

/// Faultline's reading alone, without judging. It opens files itself, so this one comes out of the system's memory.
fn observations(organization: &Path, file: PathBuf) -> miette::Result<u64> {
    let interest = watched(organization)?;
    let files = discover(&[InputSpec { path: file, collector: None }]).into_diagnostic()?;
    let mut merge = Merge::open(files, interest, &Resources::default()).into_diagnostic()?;
    let (mut vantages, mut count) = (Vantages::default(), 0);
    while let Some(observation) = merge.next(&mut vantages) {
        black_box(observation);
        count += 1;
    }
    Ok(count)
}
