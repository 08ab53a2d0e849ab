//! MRT records written byte by byte from the RFCs, so that the readers are tested against something which is not their own parser; and a
//! short way to read a file back.

use faultline::observation::{Observation, Other, Spoken, Statement, WithdrawCause};
use faultline::source::{FileAccount, InputFile, Interest, Merge, Resources};
use faultline::vantage::Vantages;
use std::net::IpAddr;
use std::path::Path;

/// The collector's own end of every session.
pub const LOCAL: (&str, u32) = ("192.0.2.100", 64499);

/// An MRT record (RFC 6396 §2); `micros` makes it an extended one.
pub fn record(seconds: u32, micros: Option<u32>, kind: u16, subtype: u16, body: &[u8]) -> Vec<u8> {
    let mut out = seconds.to_be_bytes().to_vec();
    out.extend(kind.to_be_bytes());
    out.extend(subtype.to_be_bytes());
    out.extend((body.len() as u32 + if micros.is_some() { 4 } else { 0 }).to_be_bytes());
    micros.into_iter().for_each(|micros| out.extend(micros.to_be_bytes()));
    out.extend(body);
    out
}

pub fn address(text: &str) -> Vec<u8> {
    match text.parse().unwrap() {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// What stands before a message or a state change: both ends with four-byte AS numbers.
fn envelope(peer: (&str, u32), local: (&str, u32)) -> Vec<u8> {
    let peer_address = address(peer.0);
    let mut out = peer.1.to_be_bytes().to_vec();
    out.extend(local.1.to_be_bytes());
    out.extend([0, 0, 0, if peer_address.len() == 4 { 1 } else { 2 }]);
    out.extend(peer_address);
    out.extend(address(local.0));
    out
}

pub fn bgp(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0xff; 16];
    out.extend((19 + body.len() as u16).to_be_bytes());
    out.push(kind);
    out.extend(body);
    out
}

/// A BGP4MP MESSAGE_AS4 record of `subtype` 4 (or 7 local, 9 ADD-PATH).
pub fn message(seconds: u32, subtype: u16, peer: (&str, u32), message: &[u8]) -> Vec<u8> {
    let mut body = envelope(peer, LOCAL);
    body.extend(message);
    record(seconds, None, 16, subtype, &body)
}

/// The same with microseconds.
pub fn message_et(seconds: u32, micros: u32, peer: (&str, u32), message: &[u8]) -> Vec<u8> {
    let mut body = envelope(peer, LOCAL);
    body.extend(message);
    record(seconds, Some(micros), 17, 4, &body)
}

pub fn state_change(seconds: u32, peer: (&str, u32), local: (&str, u32), states: (u16, u16)) -> Vec<u8> {
    let mut body = envelope(peer, local);
    body.extend(states.0.to_be_bytes());
    body.extend(states.1.to_be_bytes());
    record(seconds, None, 16, 5, &body)
}

/// A prefix as NLRI; `198.51.100.0/24#7` carries path identifier 7.
pub fn nlri(text: &str) -> Vec<u8> {
    let (prefix, id) = text.split_once('#').map_or((text, None), |(prefix, id)| (prefix, Some(id)));
    let (base, bits) = prefix.split_once('/').unwrap();
    let bits: u8 = bits.parse().unwrap();
    let mut out = id.map_or(Vec::new(), |id| id.parse::<u32>().unwrap().to_be_bytes().to_vec());
    out.push(bits);
    out.extend(&address(base)[..usize::from(bits).div_ceil(8)]);
    out
}

fn attribute(flags: u8, code: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![flags | 0x10, code];
    out.extend((value.len() as u16).to_be_bytes());
    out.extend(value);
    out
}

/// ORIGIN, AS_PATH (four bytes an AS), NEXT_HOP.
pub fn attributes(path: &[u32]) -> Vec<u8> {
    let mut segment = vec![2, path.len() as u8];
    path.iter().for_each(|asn| segment.extend(asn.to_be_bytes()));
    let mut out = attribute(0x40, 1, &[0]);
    out.extend(attribute(0x40, 2, &segment));
    out.extend(attribute(0x40, 3, &[192, 0, 2, 1]));
    out
}

/// An UPDATE body from its parts.
pub fn update_raw(withdrawn: &[u8], attributes: &[u8], announced: &[u8]) -> Vec<u8> {
    let mut body = (withdrawn.len() as u16).to_be_bytes().to_vec();
    body.extend(withdrawn);
    body.extend((attributes.len() as u16).to_be_bytes());
    body.extend(attributes);
    body.extend(announced);
    bgp(2, &body)
}

/// An UPDATE; IPv6 prefixes go into MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760), `safi` with them.
pub fn update_safi(withdrawn: &[&str], announced: &[&str], path: &[u32], safi: u8) -> Vec<u8> {
    let six = |prefixes: &[&str], wanted: bool| -> Vec<u8> {
        prefixes.iter().filter(|prefix| prefix.contains("::") == wanted).flat_map(|prefix| nlri(prefix)).collect()
    };
    let mut all = if announced.is_empty() { Vec::new() } else { attributes(path) };
    if !six(announced, true).is_empty() {
        let mut value = vec![0, 2, safi, 16];
        value.extend(address("2001:db8::1"));
        value.push(0);
        value.extend(six(announced, true));
        all.extend(attribute(0x80, 14, &value));
    }
    if !six(withdrawn, true).is_empty() {
        let mut value = vec![0, 2, safi];
        value.extend(six(withdrawn, true));
        all.extend(attribute(0x80, 15, &value));
    }
    update_raw(&six(withdrawn, false), &all, &six(announced, false))
}

pub fn update(withdrawn: &[&str], announced: &[&str], path: &[u32]) -> Vec<u8> {
    update_safi(withdrawn, announced, path, 1)
}

/// An UPDATE with nothing but an empty MP_UNREACH_NLRI for IPv6 unicast: the End-of-RIB marker (RFC 4724 §2).
pub fn end_of_rib_v6() -> Vec<u8> {
    update_raw(&[], &attribute(0x80, 15, &[0, 2, 1]), &[])
}

/// A PEER_INDEX_TABLE (RFC 6396 §4.3.1).
pub fn peer_index(seconds: u32, peers: &[(&str, u32)]) -> Vec<u8> {
    let mut body = vec![192, 0, 2, 100, 0, 0];
    body.extend((peers.len() as u16).to_be_bytes());
    for (peer, asn) in peers {
        let peer = address(peer);
        body.push(if peer.len() == 4 { 2 } else { 3 });
        body.extend([192, 0, 2, 1]);
        body.extend(peer);
        body.extend(asn.to_be_bytes());
    }
    record(seconds, None, 13, 1, &body)
}

/// A RIB record of TABLE_DUMP_V2: entries are peer index and path. `subtype` 2 or 4, or 8 or 10 with `ids`.
pub fn rib(seconds: u32, subtype: u16, prefix: &str, entries: &[(u16, Option<u32>, &[u32])]) -> Vec<u8> {
    let mut body = vec![0, 0, 0, 1];
    body.extend(rib_tail(prefix, entries));
    record(seconds, None, 13, subtype, &body)
}

/// The same as RIB_GENERIC (RFC 6396 §4.3.3).
pub fn rib_generic(seconds: u32, afi_safi: (u16, u8), prefix: &str, entries: &[(u16, Option<u32>, &[u32])]) -> Vec<u8> {
    let mut body = vec![0, 0, 0, 1];
    body.extend(afi_safi.0.to_be_bytes());
    body.push(afi_safi.1);
    body.extend(rib_tail(prefix, entries));
    record(seconds, None, 13, 6, &body)
}

fn rib_tail(prefix: &str, entries: &[(u16, Option<u32>, &[u32])]) -> Vec<u8> {
    let mut body = nlri(prefix);
    body.extend((entries.len() as u16).to_be_bytes());
    for (peer, id, path) in entries {
        let attributes = attributes(path);
        body.extend(peer.to_be_bytes());
        body.extend([0; 4]);
        id.iter().for_each(|id| body.extend(id.to_be_bytes()));
        body.extend((attributes.len() as u16).to_be_bytes());
        body.extend(attributes);
    }
    body
}

/// A TABLE_DUMP record (RFC 6396 §4.2), which has two-byte AS numbers.
pub fn table_dump(seconds: u32, prefix: &str, peer: (&str, u16), path: &[u16]) -> Vec<u8> {
    let mut segment = vec![2, path.len() as u8];
    path.iter().for_each(|asn| segment.extend(asn.to_be_bytes()));
    let mut all = attribute(0x40, 1, &[0]);
    all.extend(attribute(0x40, 2, &segment));
    all.extend(attribute(0x40, 3, &[192, 0, 2, 1]));
    let (base, bits) = prefix.split_once('/').unwrap();
    let mut body = vec![0, 0, 0, 1];
    body.extend(address(base));
    body.extend([bits.parse::<u8>().unwrap(), 1, 0, 0, 0, 0]);
    body.extend(address(peer.0));
    body.extend(peer.1.to_be_bytes());
    body.extend((all.len() as u16).to_be_bytes());
    body.extend(all);
    record(seconds, None, 12, 1, &body)
}

/// An input file of the lab's naming.
pub fn input(path: &Path, collector: &str, series: &str, begins: Option<i64>) -> InputFile {
    InputFile {
        path: path.to_owned(),
        collector: collector.to_owned(),
        series: series.to_owned(),
        begins: begins.map(|seconds| seconds.to_string().parse().unwrap()),
        bytes: std::fs::metadata(path).map_or(0, |metadata| metadata.len()),
        expected: true,
        stand_in: None,
    }
}

/// Everything a merge states, and its accounts.
pub struct Reading {
    pub observations: Vec<Observation>,
    pub vantages: Vantages,
    pub accounts: Vec<FileAccount>,
}

pub fn read(files: Vec<InputFile>, interest: Interest) -> Reading {
    read_with(files, interest, &Resources::default())
}

pub fn read_with(files: Vec<InputFile>, interest: Interest, resources: &Resources) -> Reading {
    let mut merge = Merge::open(files, interest, resources).unwrap();
    let mut vantages = Vantages::default();
    let mut observations = Vec::new();
    while let Some(observation) = merge.next(&mut vantages) {
        observations.push(observation);
    }
    Reading { observations, vantages, accounts: merge.accounts().to_vec() }
}

/// One file of these records, read.
pub fn read_records(records: &[Vec<u8>]) -> Reading {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("updates");
    std::fs::write(&path, records.concat()).unwrap();
    read(vec![input(&path, "test", "updates", None)], Interest::Everything)
}

impl Reading {
    /// One short line a statement: seconds, then what.
    pub fn lines(&self) -> Vec<String> {
        let lines = |observation: &Observation| match &observation.what {
            Statement::Other(others) => others.iter().map(|other| self.other(&other)).collect(),
            what => vec![format!("{} {}", observation.at.seconds(), self.words(what))],
        };
        self.observations.iter().flat_map(lines).collect()
    }

    fn other(&self, other: &Other<'_>) -> String {
        let all = |spoken: Spoken<'_>| spoken.nets().map(|net| net.to_string()).collect::<Vec<_>>().join(" ");
        let who = self.vantages.point(other.from).asn;
        format!("{} {who} other +[{}] -[{}]", other.at.seconds(), all(other.announced), all(other.withdrawn))
    }

    fn words(&self, what: &Statement) -> String {
        let who = what.from().map_or(String::new(), |from| self.vantages.point(from).asn.to_string());
        let path =
            |route: &faultline::observation::Route| route.path.iter().map(|asn| asn.0.to_string()).collect::<Vec<_>>().join(" ");
        match what {
            Statement::Announce { prefix, path_id, route, .. } => format!("{who} announces {prefix}#{path_id} [{}]", path(route)),
            Statement::Withdraw { prefix, path_id, cause: WithdrawCause::Statement, .. } => {
                format!("{who} withdraws {prefix}#{path_id}")
            }
            Statement::Withdraw { prefix, cause: WithdrawCause::TreatAsWithdraw, .. } => {
                format!("{who} is taken to withdraw {prefix}")
            }
            Statement::Other(_) => String::new(),
            Statement::EndOfRib { family, .. } => format!("{who} end of {family}"),
            Statement::SessionUp { .. } => format!("{who} up"),
            Statement::SessionDown { .. } => format!("{who} down"),
            Statement::Keepalive { .. } => format!("{who} alive"),
            Statement::TableBegin { collector, peers } => {
                format!("table of {} {}", self.vantages.collector_name(*collector), peers.len())
            }
            Statement::TableEntry { prefix, path_id, .. } => format!("{who} has {prefix}#{path_id}"),
            Statement::TableEnd { complete, sizes, .. } => {
                let sizes: Vec<String> =
                    sizes.iter().map(|(from, [four, six])| format!("{}:{four}+{six}", self.vantages.point(*from).asn)).collect();
                format!("table {} {}", if *complete { "complete" } else { "incomplete" }, sizes.join(" "))
            }
            Statement::FeedGap { collector, until, cause } => {
                format!("gap of {} until {} {cause:?}", self.vantages.collector_name(*collector), until.seconds())
            }
        }
    }
}
