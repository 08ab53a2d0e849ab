//! A stage for the pipeline: collectors, peers and observations without files.

use faultline::observation::{FileId, GapCause, Observation, Others, RecordRef, Route, Statement, WithdrawCause};
use faultline::org::profile;
use faultline::scope::Scope;
use faultline::time::Timestamp;
use faultline::vantage::{Asn, CollectorId, VantageId, Vantages};
use ipnet::IpNet;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

/// The organization's only origin.
pub const ORIGIN: u32 = 64500;
/// Peers have this address and those after it.
const FIRST_PEER: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 1);
/// Table size of every peer in every family: all are full feeds.
const TABLE: u32 = 1_000;

/// Who is there, and what was said so far.
pub struct Stage {
    pub vantages: Vantages,
    pub collectors: Vec<CollectorId>,
    /// In the order of `sessions`.
    pub peers: Vec<VantageId>,
    pub prefixes: Vec<IpNet>,
    pub said: Vec<Observation>,
}

/// Seconds after the beginning.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_parts(1_767_268_800 + seconds, 0)
}

impl Stage {
    /// One peer a pair of collector and AS number.
    pub fn new(collectors: usize, sessions: &[(usize, u32)], prefixes: &[&str]) -> Stage {
        let mut vantages = Vantages::default();
        let collectors: Vec<CollectorId> = (0..collectors).map(|number| vantages.collector(&format!("rrc{number:02}"))).collect();
        let peer = |(number, (collector, asn)): (usize, &(usize, u32))| {
            let address = Ipv4Addr::from_bits(FIRST_PEER.to_bits() + u32::try_from(number).unwrap());
            vantages.vantage(collectors[*collector], address.into(), Asn(*asn))
        };
        let peers = sessions.iter().enumerate().map(peer).collect();
        let prefixes = prefixes.iter().map(|prefix| prefix.parse().unwrap()).collect();
        Stage { vantages, collectors, peers, prefixes, said: Vec::new() }
    }

    /// The organization's own are all prefixes.
    pub fn scope(&self) -> Scope {
        let prefixes: Vec<String> = self.prefixes.iter().map(|prefix| format!("\"{prefix}\"")).collect();
        let text = format!("[organization]\nname = \"Example\"\nas_numbers = [{ORIGIN}]\nprefixes = [{}]\n", prefixes.join(", "));
        profile::parse(&text, Path::new("org.toml")).unwrap().organization.scope([])
    }

    /// One statement.
    pub fn say(&mut self, seconds: i64, what: Statement) {
        let record = self.said.len() as u64 + 1;
        self.said.push(Observation { at: at(seconds), source: RecordRef { file: FileId(0), record }, what });
    }

    pub fn announce(&mut self, seconds: i64, peer: usize, prefix: usize, transit: u32) {
        let (from, prefix, route) = (self.peers[peer], self.prefixes[prefix], self.route(peer, transit));
        self.say(seconds, Statement::Announce { from, prefix, path_id: 0, route });
    }

    pub fn withdraw(&mut self, seconds: i64, peer: usize, prefix: usize) {
        let (from, prefix) = (self.peers[peer], self.prefixes[prefix]);
        self.say(seconds, Statement::Withdraw { from, prefix, path_id: 0, cause: WithdrawCause::Statement });
    }

    /// A whole table dump: all peers of the collector have full tables; of our prefixes they have those listed.
    pub fn dump(&mut self, seconds: i64, collector: usize, listed: impl Fn(usize, usize) -> bool) {
        let collector = self.collectors[collector];
        let here: Vec<usize> =
            (0..self.peers.len()).filter(|peer| self.vantages.collector_of(self.peers[*peer]) == collector).collect();
        let peers: Arc<[VantageId]> = here.iter().map(|peer| self.peers[*peer]).collect();
        self.say(seconds, Statement::TableBegin { collector, peers: Arc::clone(&peers) });
        for peer in &here {
            for prefix in (0..self.prefixes.len()).filter(|prefix| listed(*peer, *prefix)) {
                let (from, prefix, route) = (self.peers[*peer], self.prefixes[prefix], self.route(*peer, 64_600));
                self.say(seconds, Statement::TableEntry { from, prefix, path_id: 0, route });
            }
        }
        let sizes = peers.iter().map(|peer| (*peer, [TABLE, TABLE])).collect();
        self.say(seconds, Statement::TableEnd { collector, complete: true, sizes });
    }

    pub fn gap(&mut self, seconds: i64, collector: usize, until: i64) {
        let (collector, until) = (self.collectors[collector], at(until));
        self.say(seconds, Statement::FeedGap { collector, until, cause: GapCause::MissingFile });
    }

    /// Other people's routes: shows that the peer carries a full table.
    pub fn others(&mut self, seconds: i64, peer: usize, prefixes: u8) {
        let announced = (0..prefixes).map(|number| format!("10.0.{number}.0/24").parse().unwrap());
        let announced: Vec<IpNet> =
            announced.chain((0..prefixes).map(|number| format!("2001:db8:{number}::/48").parse().unwrap())).collect();
        let mut others = Box::<Others>::default();
        let source = RecordRef { file: FileId(0), record: self.said.len() as u64 + 1 };
        others.push((at(seconds), source), self.peers[peer], &announced, &[]);
        self.say(seconds, Statement::Other(others));
    }

    fn route(&self, peer: usize, transit: u32) -> Arc<Route> {
        let path = [self.vantages.point(self.peers[peer]).asn, Asn(transit), Asn(ORIGIN)];
        Arc::new(Route { path: path.into(), origin: Some(Asn(ORIGIN)) })
    }
}
