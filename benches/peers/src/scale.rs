//! The routing state of the whole Internet: a million prefixes at a thousand peers, in how much memory, and at how many messages a second.
//!
//! Everything goes through the pipeline of `analyze --all-origins`, from observations on: reading is measured elsewhere. First every collector
//! dumps the tables of its peers, then peers announce and withdraw prefixes. What the messages' maker takes itself is not counted.

use clap::Args;
use faultline::observation::{FileId, Observation, RecordRef, Route, Statement, WithdrawCause};
use faultline::pipeline::Pipeline;
use faultline::scope::Scope;
use faultline::settings::Settings;
use faultline::time::Timestamp;
use faultline::vantage::{Asn, CollectorId, VantageId, Vantages};
use faultline_peers::generator::{Dice, mix};
use ipnet::{IpNet, Ipv4Net};
use miette::{IntoDiagnostic, WrapErr};
use std::net::Ipv4Addr;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

/// At most so much memory for a million prefixes and a thousand peers.
const MOST_MEGABYTES: f64 = 300.0;
/// At least so many messages a second.
const LEAST_MESSAGES: f64 = 2_000_000.0;
/// Of a hundred prefixes a peer has so many.
const FULL: u64 = 95;
/// Seconds of the dumps' time, and of the messages after it.
const DUMPED: i64 = 1_000_000_000;
/// Messages a second of recorded time.
const PACE: u64 = 2_000;
/// Peers of one AS: every tenth AS has two.
const SHARED: usize = 10;
/// Observations told together, as the reader tells them.
const TOGETHER: usize = 256;

/// How large it is.
#[derive(Args, Debug)]
pub struct Scale {
    /// Prefixes
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    prefixes: u32,
    /// Peers, each with nearly all prefixes
    #[arg(long, default_value_t = NonZeroUsize::new(1_000).unwrap_or(NonZeroUsize::MIN))]
    peers: NonZeroUsize,
    /// Peers of one collector
    #[arg(long, default_value_t = NonZeroUsize::new(50).unwrap_or(NonZeroUsize::MIN))]
    collector: NonZeroUsize,
    /// Messages of one prefix each
    #[arg(long, default_value_t = 4_000_000)]
    messages: u64,
    /// End with exit status 1 if the memory or the pace misses its target
    #[arg(long)]
    check: bool,
}

/// A world of prefixes and peers.
struct World {
    vantages: Vantages,
    peers: Vec<VantageId>,
    collectors: Vec<CollectorId>,
    per_collector: usize,
    /// One an origin AS; about fifteen prefixes have the same, as on the Internet.
    routes: Vec<Arc<Route>>,
    prefixes: u32,
}

impl World {
    fn new(scale: &Scale) -> Self {
        let mut vantages = Vantages::default();
        let (count, per_collector) = (scale.peers.get(), scale.collector.get());
        let collectors: Vec<CollectorId> =
            (0..count.div_ceil(per_collector)).map(|number| vantages.collector(&format!("rrc{number:02}"))).collect();
        let peer = |number: usize| {
            let asn = if number % SHARED == 1 { number - 1 } else { number };
            let address = Ipv4Addr::from(0x0a00_0000 + u32::try_from(number).unwrap_or(0));
            (collectors[number / per_collector], address, Asn(100_000 + u32::try_from(asn).unwrap_or(0)))
        };
        let peers =
            (0..count).map(peer).map(|(collector, address, asn)| vantages.vantage(collector, address.into(), asn)).collect();
        let route = |origin: u32| Arc::new(Route { path: Box::new([Asn(origin)]), origin: Some(Asn(origin)) });
        let routes = (0..scale.prefixes.div_ceil(15)).map(|origin| route(200_000 + origin)).collect();
        World { vantages, peers, collectors, per_collector, routes, prefixes: scale.prefixes }
    }

    /// A /24 each, in the order in which addresses are given to nobody.
    fn prefix(number: u32) -> IpNet {
        IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::from(0x0100_0000 + (number << 8)), 24))
    }

    fn route(&self, number: u32) -> Arc<Route> {
        Arc::clone(&self.routes[number as usize / 15])
    }

    /// Whether a peer's table has a prefix.
    fn has(peer: usize, prefix: u32) -> bool {
        mix(peer as u64, u64::from(prefix)) % 100 < FULL
    }

    /// Tells the tables of all collectors.
    fn dump(&self, pipeline: &mut Pipeline) {
        let peers = self.peers.chunks(self.per_collector);
        for ((file, collector), peers) in (0..).zip(&self.collectors).zip(peers) {
            let first = peers[0].index();
            let mut told = Teller { pipeline, world: self, told: Vec::with_capacity(TOGETHER), file, seconds: DUMPED };
            told.say(Statement::TableBegin { collector: *collector, peers: peers.into() });
            for number in 0..self.prefixes {
                let (prefix, route) = (World::prefix(number), self.route(number));
                for from in peers.iter().copied().filter(|from| World::has(from.index(), number)) {
                    told.say(Statement::TableEntry { from, prefix, path_id: 0, route: Arc::clone(&route) });
                }
            }
            let size =
                |peer: usize| u32::try_from((0..self.prefixes).filter(|number| World::has(peer, *number)).count()).unwrap_or(0);
            let sizes = (first..first + peers.len()).zip(peers).map(|(peer, from)| (*from, [size(peer), 0])).collect();
            told.say(Statement::TableEnd { collector: *collector, complete: true, sizes });
            told.flush();
        }
    }

    /// Tells messages: a prefix becomes restless, and for a while many peers withdraw it and announce it again, as when a path breaks.
    fn speak(&self, pipeline: &mut Pipeline, messages: u64) {
        let mut dice = Dice::new(1);
        let mut told = Teller { pipeline, world: self, told: Vec::with_capacity(TOGETHER), file: 1_000, seconds: DUMPED + 60 };
        let mut said = 0;
        while said < messages {
            let number = u32::try_from(dice.place(self.prefixes as usize)).unwrap_or(0);
            let (prefix, route) = (World::prefix(number), self.route(number));
            for _ in 0..1 + dice.below(20) {
                let from = self.peers[dice.place(self.peers.len())];
                let what = if dice.below(10) == 0 {
                    Statement::Withdraw { from, prefix, path_id: 0, cause: WithdrawCause::Statement }
                } else {
                    Statement::Announce { from, prefix, path_id: 0, route: Arc::clone(&route) }
                };
                told.say(what);
                said += 1;
                if said.is_multiple_of(PACE) {
                    told.seconds += 1;
                }
            }
        }
        told.flush();
    }
}

/// Tells observations to the pipeline, many together.
struct Teller<'a> {
    pipeline: &'a mut Pipeline,
    world: &'a World,
    told: Vec<Observation>,
    file: u32,
    seconds: i64,
}

impl Teller<'_> {
    fn say(&mut self, what: Statement) {
        let source = RecordRef { file: FileId(self.file), record: 1 };
        self.told.push(Observation { at: Timestamp::from_parts(self.seconds, 0), source, what });
        if self.told.len() == TOGETHER {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.pipeline.observe_all(&self.told, &self.world.vantages);
        self.told.clear();
    }
}

impl Scale {
    /// Runs it, and prints memory and pace.
    ///
    /// # Errors
    /// If the system does not say how much memory is used (no Linux).
    #[allow(clippy::cast_precision_loss, reason = "megabytes and messages a second are told with few digits")]
    #[allow(clippy::disallowed_methods, reason = "it measures how long things take")]
    pub fn run(&self) -> miette::Result<ExitCode> {
        let world = World::new(self);
        let mut pipeline = Pipeline::new(Scope::Everything, &Settings::default());
        let own = memory("VmRSS")?;
        let begin = Instant::now();
        world.dump(&mut pipeline);
        let dumped = begin.elapsed().as_secs_f64();
        println!(
            "{} prefixes at {} peers of {} collectors: {:.0} MB after the dumps, which took {dumped:.1} s",
            self.prefixes,
            self.peers,
            world.collectors.len(),
            memory("VmRSS")? - own
        );
        let begin = Instant::now();
        world.speak(&mut pipeline, self.messages);
        let pace = self.messages as f64 / begin.elapsed().as_secs_f64();
        let (now, most) = (memory("VmRSS")? - own, memory("VmHWM")? - own);
        println!("{} messages: {:.2} million a second; {now:.0} MB then, {most:.0} MB at most", self.messages, pace / 1e6);
        let held = most <= MOST_MEGABYTES && pace >= LEAST_MESSAGES;
        println!(
            "targets: at most {MOST_MEGABYTES} MB, at least {} million messages a second: {}",
            LEAST_MESSAGES / 1e6,
            if held { "held" } else { "MISSED" }
        );
        Ok(if self.check && !held { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// What the system says of this process's memory, in megabytes (10^6 bytes).
fn memory(what: &str) -> miette::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")
        .into_diagnostic()
        .wrap_err("memory is read from /proc/self/status; run it on Linux")?;
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    kibibytes.map(|kibibytes| kibibytes * 1_024.0 / 1e6).ok_or_else(|| miette::miette!("/proc/self/status does not tell {what}"))
}
