//! Frames and time in, changes of incidents out.

mod bmp;

use super::life::{IncidentEvent, LifeCycle};
use crate::analysis::Analysis;
use crate::dependency::Dependencies;
use crate::incident::{Findings, correlate};
use crate::observation::Observation;
use crate::org::Organization;
use crate::org::scope::Scope;
use crate::pipeline::Pipeline;
use crate::reachability::Reachability;
use crate::source::bmp::Routers;
use crate::source::ris_live::RisLive;
use crate::source::{FileAccount, InputFile, Interest, Merge, Resources, SourceError, WatchedPrefixes};
use crate::time::{Span, Timestamp};
use crate::vantage::Family;
use ipnet::IpNet;
use serde_json::{Value, json};

/// An organization watched against a stream.
pub struct Live {
    organization: Organization,
    dependencies: Dependencies,
    watched: Vec<IpNet>,
    stream: RisLive,
    routers: Routers,
    pipeline: Pipeline,
    life: LifeCycle,
    seeds: Vec<FileAccount>,
    /// How late it is.
    now: Timestamp,
    /// Something was said since incidents were looked at.
    moved: bool,
}

/// A collector's clock is not further ahead than this.
const AHEAD: Span = Span::from_seconds(600);
/// Types of messages which tell of sessions. The server was seen to write the last two in both ways.
const OF_SESSIONS: [&str; 5] = ["OPEN", "NOTIFICATION", "KEEPALIVE", "RIS_PEER_STATE", "STATE"];

impl Live {
    /// Nothing has come from the stream at this address yet.
    pub fn new(organization: Organization, address: &str) -> Self {
        let dependencies = Dependencies::from_profile_and_results(&organization, &[]);
        let addresses = dependencies.addresses();
        let scope = Scope::of(&organization, addresses.iter().copied());
        let own = organization.prefixes.iter().map(|watched| watched.prefix);
        let watched: Vec<IpNet> = own.chain(addresses.iter().map(|address| IpNet::from(*address))).collect();
        let interest = Interest::Watched(WatchedPrefixes::new(watched.iter().copied()));
        let pipeline = Pipeline::new(scope, &organization.settings).followed();
        Live {
            dependencies,
            watched,
            stream: RisLive::new(address, interest),
            routers: Routers::default(),
            pipeline,
            life: LifeCycle::default(),
            seeds: Vec::new(),
            now: Timestamp::MIN,
            moved: false,
            organization,
        }
    }

    /// Begins with what archives tell: the newest table dumps, and what was recorded since. Between them and the stream nothing is taken to
    /// have changed.
    ///
    /// # Errors
    /// If not one of the files can be read.
    pub fn seeded(mut self, files: Vec<InputFile>, threads: usize) -> Result<Self, SourceError> {
        let count = u32::try_from(files.len()).unwrap_or(u32::MAX);
        let resources = Resources { threads, ..Resources::default() };
        let merge = Merge::open(files, self.stream.interest().clone(), &resources)?;
        let (pipeline, now) = (&mut self.pipeline, &mut self.now);
        let read = merge.for_each(threads, &resources.timing, |observations, vantages| {
            *now = observations.iter().map(Observation::until).fold(*now, Timestamp::max);
            pipeline.observe_all(observations, vantages);
            Ok::<(), SourceError>(())
        });
        let (vantages, accounts) = read?;
        self.stream.after(count, vantages);
        self.seeds = accounts;
        Ok(self)
    }

    /// Of how many vantage points the whole table of some family is known, and of how many anything.
    pub fn known_tables(&self) -> (usize, usize) {
        let seeded = |from| Family::BOTH.iter().any(|family| self.pipeline.feeds().is_seeded(from, *family));
        let vantages = self.stream.vantages();
        (vantages.iter().filter(|(from, _)| seeded(*from)).count(), vantages.len())
    }

    /// What to ask the server for: the prefixes which are watched, what covers them and what lies within them, and what tells of sessions; or
    /// `everything`, which also shows who carries a full table.
    pub fn subscriptions(&self, everything: bool) -> Vec<Value> {
        let ask = |data: Value| json!({"type": "ris_subscribe", "data": data});
        let options = json!({"includeRaw": true, "acknowledge": true});
        if everything {
            return vec![ask(json!({"socketOptions": options}))];
        }
        let of_prefix = |prefix: &IpNet| {
            ask(json!({"prefix": prefix.to_string(), "moreSpecific": true, "lessSpecific": true, "socketOptions": options}))
        };
        let of_sessions = OF_SESSIONS.iter().map(|kind| ask(json!({"type": kind, "socketOptions": options})));
        self.watched.iter().map(of_prefix).chain(of_sessions).collect()
    }

    /// How late it is by what was said, or told.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Takes a frame; gives the server's words, if it is not content.
    pub fn take(&mut self, frame: &[u8]) -> Option<String> {
        self.stream.take(frame)
    }

    /// So late it is: holds end, and silence is noticed, though nothing more is said.
    pub fn pass(&mut self, time: Timestamp) {
        self.stream.pass(time);
        self.stream.refuse_after(time + AHEAD);
        self.pass_routers(time);
        self.hear();
        if time > self.now {
            self.now = time;
            self.pipeline.advance(time, self.stream.vantages());
        }
    }

    /// The connection was lost from `from` to `until`: what was said meanwhile nobody knows.
    pub fn lost(&mut self, from: Timestamp, until: Timestamp) {
        self.stream.lost(from, until, &self.routers.collectors().collect());
    }

    /// Takes what was said and need not be held back; gives what is new of incidents.
    pub fn look(&mut self) -> Option<(Analysis, Vec<IncidentEvent>)> {
        self.hear();
        if self.pipeline.steps().is_empty() && !self.moved {
            return None;
        }
        self.moved = false;
        let analysis = self.analysis();
        let events = self.life.follow(&analysis.correlation.incidents);
        (!events.is_empty()).then_some((analysis, events))
    }

    /// Nothing comes any more; gives everything that was found, and what is new of incidents.
    pub fn end(mut self) -> (Analysis, Vec<IncidentEvent>) {
        self.stream.end();
        self.end_routers();
        self.hear();
        let analysis = self.analysis();
        let events = self.life.follow(&analysis.correlation.incidents);
        (analysis, events)
    }

    /// Everything that is known now.
    pub fn analysis(&self) -> Analysis {
        let vantages = self.stream.vantages().clone();
        let routing = self.pipeline.so_far(self.now, &vantages);
        let reachability = Reachability::new(&self.organization, &self.dependencies).finish(self.now);
        let correlation = correlate(Findings {
            organization: &self.organization,
            dependencies: &self.dependencies,
            routing: &routing,
            vantages: &vantages,
            reachability: &reachability,
        });
        let bgp_files = self.seeds.iter().chain([self.stream.account()]).chain(self.routers.accounts()).cloned().collect();
        Analysis {
            organization: self.organization.clone(),
            dependencies: self.dependencies.clone(),
            vantages,
            routing,
            results: Vec::new(),
            attempts: Vec::new(),
            reachability,
            correlation,
            bgp_files,
            probe_files: Vec::new(),
        }
    }

    fn hear(&mut self) {
        let of_routers = self.heard_of_routers();
        let (mut said, vantages) = self.stream.said();
        if !of_routers.is_empty() {
            said.extend(of_routers);
            said.make_contiguous().sort_by_key(|observation| observation.at);
        }
        let Some(last) = said.iter().map(Observation::until).max() else { return };
        said.iter().for_each(|observation| self.pipeline.observe(observation, vantages));
        self.now = self.now.max(last);
        self.moved |= said.iter().any(|observation| observation.what.prefix().is_some());
    }
}
