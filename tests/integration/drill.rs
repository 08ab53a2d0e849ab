//! Drills, checked by a reader of their own: the written MRT is replayed by a few lines which share nothing with the generator.

mod actions;
pub mod anchors;

use bgpkit_parser::models::{Bgp4MpEnum, BgpState, ElemType, MrtMessage};
use bgpkit_parser::{BgpkitParser, Elementor};
use faultline::drill;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

/// What one record says: collector, time in microseconds, peer address, AS number.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub collector: String,
    pub at: i64,
    pub peer: String,
    pub asn: u32,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Table { prefix: String, path: Vec<u32> },
    Announce { prefix: String, path: Vec<u32> },
    Withdraw { prefix: String },
    Down,
    Up,
}

impl What {
    /// Prefix and path of a row of a table dump.
    pub fn table(&self) -> Option<(&str, &[u32])> {
        if let What::Table { prefix, path } = self { Some((prefix, path)) } else { None }
    }

    /// Prefix and path of an announcement.
    pub fn announced(&self) -> Option<(&str, &[u32])> {
        if let What::Announce { prefix, path } = self { Some((prefix, path)) } else { None }
    }

    /// Prefix of a withdrawal.
    pub fn withdrawn(&self) -> Option<&str> {
        if let What::Withdraw { prefix } = self { Some(prefix) } else { None }
    }
}

/// A folder written by a drill, read back.
pub struct Recorded {
    pub said: Vec<Said>,
    pub files: BTreeSet<String>,
    pub folder: tempfile::TempDir,
    pub written: drill::Written,
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub fn play(text: &str) -> Recorded {
    played(&drill::parse(Path::new("timeline.toml"), text).unwrap())
}

pub fn played(timeline: &drill::Timeline) -> Recorded {
    let folder = tempfile::tempdir().unwrap();
    let written = drill::write(timeline, folder.path()).unwrap();
    let mut files = BTreeSet::new();
    let mut said = Vec::new();
    for file in &written.files {
        let name = file.path.strip_prefix(folder.path()).unwrap().to_string_lossy().into_owned();
        if let Some(rest) = name.strip_prefix("mrt/") {
            read_mrt(rest.split('/').next().unwrap(), &unpacked(&file.path), &mut said);
        }
        files.insert(name);
    }
    said.sort_by_key(|said: &Said| said.at);
    Recorded { said, files, folder, written }
}

pub fn unpacked(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

fn read_mrt(collector: &str, bytes: &[u8], said: &mut Vec<Said>) {
    let mut elementor = Elementor::new();
    for record in BgpkitParser::from_reader(bytes).into_fallible_record_iter() {
        let record = record.unwrap();
        let header = record.common_header;
        let at = i64::from(header.timestamp) * 1_000_000 + i64::from(header.microsecond_timestamp.unwrap_or(0));
        let from = |peer: String, asn: u32, what| Said { collector: collector.to_owned(), at, peer, asn, what };
        if let MrtMessage::Bgp4Mp(Bgp4MpEnum::StateChange(change)) = &record.message {
            match (change.old_state, change.new_state) {
                (BgpState::Established, _) => said.push(from(change.peer_ip.to_string(), change.peer_asn.to_u32(), What::Down)),
                (_, BgpState::Established) => said.push(from(change.peer_ip.to_string(), change.peer_asn.to_u32(), What::Up)),
                _ => {}
            }
            continue;
        }
        let table = matches!(record.message, MrtMessage::TableDumpV2Message(_));
        for elem in elementor.record_to_elems(record) {
            let prefix = elem.prefix.prefix.to_string();
            let path = elem.as_path.as_ref().and_then(|path| path.to_u32_vec_opt(false)).unwrap_or_default();
            let what = match (table, elem.elem_type) {
                (true, _) => What::Table { prefix, path },
                (false, ElemType::ANNOUNCE) => What::Announce { prefix, path },
                (false, ElemType::WITHDRAW) => What::Withdraw { prefix },
            };
            said.push(from(elem.peer_ip.to_string(), elem.peer_asn.to_u32(), what));
        }
    }
}

/// `15:39:00` of the day of the first record, in microseconds.
pub fn clock(said: &[Said], text: &str) -> i64 {
    let seconds: i64 = text.split(':').map(|part| part.parse::<i64>().unwrap()).fold(0, |sum, part| sum * 60 + part);
    let day = 86_400_000_000;
    said[0].at.div_euclid(day) * day + seconds * 1_000_000
}

impl Recorded {
    pub fn at(&self, text: &str) -> i64 {
        clock(&self.said, text)
    }

    /// Peer ASes which have the prefix at the end of this second.
    pub fn seeing(&self, prefix: &str, text: &str) -> BTreeSet<u32> {
        self.seeing_at(prefix, text, |_| true)
    }

    pub fn seeing_at(&self, prefix: &str, text: &str, wanted: impl Fn(&Said) -> bool) -> BTreeSet<u32> {
        let until = self.at(text) + 999_999;
        let order = self.said.iter().take_while(|said| said.at <= until).filter(|said| wanted(said));
        let mut has: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        for said in order {
            let key = (said.collector.as_str(), said.peer.as_str());
            match &said.what {
                What::Table { prefix: p, .. } | What::Announce { prefix: p, .. } if p == prefix => {
                    has.insert(key, said.asn);
                }
                What::Withdraw { prefix: p } if p == prefix => {
                    has.remove(&key);
                }
                What::Down => {
                    has.remove(&key);
                }
                What::Table { .. } | What::Announce { .. } | What::Withdraw { .. } | What::Up => {}
            }
        }
        has.into_values().collect()
    }

    /// Withdrawals of these prefixes, in time order.
    pub fn withdrawals(&self, wanted: impl Fn(&str) -> bool) -> Vec<&Said> {
        self.said.iter().filter(|said| said.what.withdrawn().is_some_and(&wanted)).collect()
    }

    /// Announcements (not tables) of these prefixes, in time order.
    pub fn announcements(&self, wanted: impl Fn(&str) -> bool) -> Vec<&Said> {
        self.said.iter().filter(|said| said.what.announced().is_some_and(|(prefix, _)| wanted(prefix))).collect()
    }

    pub fn lines(&self, name: &str) -> Vec<serde_json::Value> {
        let text = String::from_utf8(unpacked(&self.folder.path().join(name))).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
