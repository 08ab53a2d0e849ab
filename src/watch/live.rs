//! Frames and time in, changes of incidents out.

mod bmp;
mod holes;

use super::backfill::{Backfill, Hole};
use super::canary::Canary;
use super::life::{IncidentEvent, LifeCycle, is_seen};
use super::probed::{Before, Probed};
use super::record::Part;
use super::seed::{known_tables, seed};
use crate::analysis::Analysis;
use crate::dependency::Dependencies;
use crate::incident::{Correlation, Findings, Incident, correlate};
use crate::observation::{FileId, Observation};
use crate::org::Organization;
use crate::pipeline::{Pipeline, RoutingFindings};
use crate::probe::ProbeResult;
use crate::reachability::{ReachabilityFindings, SeriesGlance};
use crate::source::bmp::{MOST_ROUTERS, Routers};
use crate::source::ris_live::RisLive;
use crate::source::ris_live::frame::Message;
use crate::source::{FileAccount, InputFile, Interest, SourceError, WatchedPrefixes};
use crate::time::{Span, Timestamp};
use crate::withdrawal::Level;
use ipnet::IpNet;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;

/// An organization watched against a stream.
pub struct Live {
    organization: Organization,
    dependencies: Dependencies,
    watched: Vec<IpNet>,
    stream: RisLive,
    routers: Routers,
    /// What a recording of them would hold beside what was taken already, if somebody records.
    routers_recording: Option<Vec<u8>>,
    /// How late it was when they were told, and whether they said anything since.
    routers_told: (Timestamp, bool),
    pipeline: Pipeline,
    probed: Probed,
    life: LifeCycle,
    canary: Canary,
    seeds: Vec<FileAccount>,
    /// Until when archives tell what was.
    seeded_until: Timestamp,
    /// How late it is.
    now: Timestamp,
    /// Something was said since incidents were looked at.
    moved: bool,
    /// It was too early to tell of one.
    early: bool,
    /// When they were, and how often something had happened to what they are made of.
    looked: (Timestamp, (usize, usize)),
    /// When single changes and results which are old are forgotten next.
    forget_at: Timestamp,
    /// Addresses which services were found to need, and which nobody asked the stream about.
    unasked: BTreeSet<IpAddr>,
    /// What the stream did not tell, and archives will.
    backfill: Backfill,
    /// More was said than is kept for that.
    too_much: bool,
    /// The stream has been up.
    was_up: bool,
}

/// Though nothing happened to what incidents are made of, verdicts are looked at so often.
const LOOK_EVERY: Span = Span::from_seconds(10);
/// What is heard just before the archives end was said twice.
const LONGEST_OVERLAP: Span = Span::from_seconds(60);
/// Single changes and results are kept for so long; findings for ever.
const KEPT: Span = Span::from_seconds(48 * 3_600);
const FORGET_EVERY: Span = Span::from_seconds(3_600);

/// What both halves found, and what it comes to.
type Found = (RoutingFindings, ReachabilityFindings, Correlation);

/// Types of messages which tell of sessions. The server was seen to write the last two in both ways.
const OF_SESSIONS: [&str; 5] = ["OPEN", "NOTIFICATION", "KEEPALIVE", "RIS_PEER_STATE", "STATE"];

impl Live {
    /// Nothing has come from the stream at this address yet.
    pub fn new(organization: Organization, address: &str) -> Self {
        Live::after_probes(organization, address, Before::default(), 0)
    }

    /// The same, after probes which were recorded before: their files follow so many archives, which are [seeds](Live::seeded), and the stream.
    pub fn after_probes(organization: Organization, address: &str, before: Before, archives: u32) -> Self {
        let files = u32::try_from(before.recorded.files.len()).unwrap_or(u32::MAX);
        let now = FileId(Live::first_probe_file(archives).saturating_add(files));
        let (probed, dependencies) = Probed::new(&organization, before, now);
        let addresses = dependencies.addresses();
        let scope = organization.scope(addresses.iter().copied());
        let own = organization.prefixes.iter().map(|watched| watched.prefix);
        let watched: Vec<IpNet> = own.chain(addresses.iter().map(|address| IpNet::from(*address))).collect();
        let interest = Interest::Watched(WatchedPrefixes::new(watched.iter().copied()));
        let pipeline = Pipeline::new(scope, &organization.settings).followed();
        let canary = Canary::at(address);
        let mut stream = RisLive::new(address, interest);
        stream.listen_for(canary.prefixes());
        Live {
            dependencies,
            watched,
            stream,
            canary,
            routers: Routers::default(),
            routers_recording: None,
            routers_told: (Timestamp::MIN, false),
            pipeline,
            probed,
            life: LifeCycle::default(),
            seeds: Vec::new(),
            seeded_until: Timestamp::MIN,
            now: Timestamp::MIN,
            moved: false,
            early: false,
            looked: (Timestamp::MIN, (0, 0)),
            forget_at: Timestamp::MIN,
            unasked: BTreeSet::new(),
            backfill: Backfill::default(),
            too_much: false,
            was_up: false,
            organization,
        }
    }

    /// The number of the first file of probes, after so many archives, the stream and all routers there may be.
    pub fn first_probe_file(archives: u32) -> u32 {
        archives.saturating_add(1).saturating_add(MOST_ROUTERS)
    }

    /// Begins with what archives tell: the newest table dumps, and what was recorded since. Between them and the stream nothing is taken to
    /// have changed.
    ///
    /// # Errors
    /// If not one of the files can be read.
    pub fn seeded(mut self, files: Vec<InputFile>, threads: usize) -> Result<Self, SourceError> {
        let (accounts, until) = seed(files, threads, &mut self.stream, &mut self.pipeline)?;
        (self.seeds, self.now, self.seeded_until) = (accounts, until, until);
        Ok(self)
    }

    /// Of how many vantage points the whole table of some family is known, and of how many anything.
    pub fn known_tables(&self) -> (usize, usize) {
        known_tables(&self.stream, &self.pipeline)
    }

    /// What to ask the server for: the prefixes which are watched, what covers them and what lies within them, and what tells of sessions; or
    /// `everything`, which also shows who carries a full table.
    pub fn subscriptions(&self, everything: bool) -> Vec<Value> {
        if everything {
            return subscribe_to_everything();
        }
        let options = options();
        let of_prefix = |prefix: &IpNet| {
            ask(json!({"prefix": prefix.to_string(), "moreSpecific": true, "lessSpecific": true, "socketOptions": options}))
        };
        let beacons =
            self.canary.prefixes().iter().map(|prefix| ask(json!({"prefix": prefix.to_string(), "socketOptions": options})));
        let of_sessions = OF_SESSIONS.iter().map(|kind| ask(json!({"type": kind, "socketOptions": options})));
        self.watched.iter().map(of_prefix).chain(beacons).chain(of_sessions).collect()
    }

    /// The prefixes which are watched, own ones and those of addresses on which services depend.
    pub fn watched(&self) -> &[IpNet] {
        &self.watched
    }

    /// Whose.
    pub fn organization(&self) -> &Organization {
        &self.organization
    }

    /// The routing stages as they are now.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// What has come from the stream, and who is who.
    pub fn stream(&self) -> &RisLive {
        &self.stream
    }

    /// The numbers of all incidents as they were looked at last, by their places.
    pub fn numbers(&self) -> Vec<usize> {
        self.life.numbers().to_vec()
    }

    /// When the stream begins and when the archives end, if it begins much earlier: what it says of the time before counts as said at their end.
    /// Only a replay does so.
    pub fn overlap(&self) -> Option<(Timestamp, Timestamp)> {
        let begins = self.stream.account().first?;
        (begins + LONGEST_OVERLAP < self.seeded_until).then_some((begins, self.seeded_until))
    }

    /// How late it is by what was said, or told.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Takes a frame; gives the server's words, if it is not content.
    pub fn take(&mut self, frame: &[u8]) -> Option<String> {
        self.stream.take(frame)
    }

    /// Takes a message which somebody else read.
    pub fn take_message(&mut self, message: Message) {
        self.stream.take_message(message);
    }

    /// The time of the message which came last, if one came since the last call.
    pub fn told_last(&mut self) -> Option<Timestamp> {
        self.stream.told_last()
    }

    /// So late it is: holds end, and silence is noticed, though nothing more is said.
    pub fn pass(&mut self, time: Timestamp) {
        self.stream.pass(time);
        self.pass_routers(time);
        self.hear();
        if time > self.now {
            self.now = time;
            self.pipeline.advance(time, self.stream.vantages());
        }
    }

    /// So late it is, but what was said until then comes later: what is known is looked at as of now, and nothing is taken for said.
    pub fn wait_until(&mut self, time: Timestamp) {
        self.stream.expect_until(time);
        self.now = self.now.max(time);
    }

    /// The connection is up: from now on beacons are listened for.
    pub fn connected(&mut self, now: Timestamp) {
        self.canary.listens(now);
        if !std::mem::replace(&mut self.was_up, true) && self.seeded_until > Timestamp::MIN {
            self.hear();
            if self.backfill.hole().is_none() {
                self.backfill.opens(Hole { from: self.seeded_until, until: now }, &self.pipeline);
            }
        }
    }

    /// Since when the stream is silent, if it must be taken for that: nobody spoke of beacons which turned then. What was said since nobody knows,
    /// so it counts as a lost connection until now.
    pub fn silent(&mut self, now: Timestamp) -> Option<Timestamp> {
        if let Some(heard) = self.stream.heard() {
            self.canary.hears(heard);
        }
        let turn = self.canary.missed(now)?;
        self.canary.listens(now);
        self.stream.lost(turn, now);
        Some(turn)
    }

    /// What the beacons of RIS tell of the stream.
    pub fn canary(&self) -> &Canary {
        &self.canary
    }

    /// The connection was lost from `from` to `until`: what was said meanwhile nobody knows.
    pub fn lost(&mut self, from: Timestamp, until: Timestamp) {
        self.stream.lost(from, until);
    }

    /// Takes the result of a probe.
    pub fn take_result(&mut self, result: ProbeResult) {
        self.moved = true;
        let Some(learned) = self.probed.take(result, &self.organization, &self.dependencies) else { return };
        let asked = |address: &IpAddr| self.watched.iter().any(|prefix| prefix.contains(address));
        self.unasked = learned.addresses().into_iter().filter(|address| !asked(address)).collect();
        self.dependencies = learned;
    }

    /// Every series of probes, as it was when incidents were looked at last.
    pub fn series(&self) -> impl Iterator<Item = SeriesGlance<'_>> {
        self.probed.glance()
    }

    /// Addresses which services were found to need since it began, and which lie in no prefix that is watched.
    pub fn unasked(&self) -> &BTreeSet<IpAddr> {
        &self.unasked
    }

    /// Somebody records what comes, and takes it [from here](Live::recorded); results of probes into this file.
    pub fn record(&mut self, probes: PathBuf) {
        self.stream.record();
        self.routers_recording = Some(Vec::new());
        self.probed.record(probes);
    }

    /// Takes the lines of the recording since the last call.
    pub fn recorded(&mut self) -> [(Part, Vec<u8>); 3] {
        [
            (Part::Stream, self.stream.recorded()),
            (Part::Probes, self.probed.recorded()),
            (Part::Routers, self.routers_recording.as_mut().map(std::mem::take).unwrap_or_default()),
        ]
    }

    /// Takes what was said and need not be held back; gives what is new of incidents.
    pub fn look(&mut self) -> Option<(Analysis, Vec<IncidentEvent>)> {
        self.hear();
        self.probed.settle(&self.organization, &self.dependencies);
        self.forget();
        let turns = (self.pipeline.foreign_turns(), self.probed.turns());
        let happened = !self.pipeline.steps().is_empty() || turns != self.looked.1;
        let due = (self.moved || self.life.any_open()) && self.now >= self.looked.0 + LOOK_EVERY;
        if !(happened || due || self.early) {
            return None;
        }
        self.moved = false;
        self.looked = (self.now, turns);
        let found = self.find();
        let events = self.follow(&found, false);
        (!events.is_empty()).then(|| (self.analysis_of(found), events))
    }

    /// Nothing comes any more; gives everything that was found, and what is new of incidents.
    pub fn end(&mut self) -> (Analysis, Vec<IncidentEvent>) {
        self.stream.end();
        self.end_routers();
        self.hear();
        self.probed.settle(&self.organization, &self.dependencies);
        let found = self.find();
        let events = self.follow(&found, true);
        (self.analysis_of(found), events)
    }

    /// Goes on where an earlier run was: its incidents keep their numbers, and what was told of them is not told again.
    pub fn continued(self, life: LifeCycle) -> Self {
        Live { life, ..self }
    }

    /// What was told of incidents.
    pub fn life(&self) -> &LifeCycle {
        &self.life
    }

    fn follow(&mut self, (routing, _, correlation): &Found, at_end: bool) -> Vec<IncidentEvent> {
        let seen = |prefix: &IpNet| is_seen(prefix, routing, &self.organization);
        let (now, hold_ends) = (self.now, self.pipeline.hold_ends(self.now));
        let falling = self.series().any(|series| series.failing && !series.down && !series.series.services.is_empty());
        let early = |incident: &Incident| !at_end && is_early(incident, now, (hold_ends, falling));
        let events = self.life.follow_all_but(&correlation.incidents, now, seen, early);
        self.early =
            correlation.incidents.iter().zip(self.life.numbers()).any(|(incident, number)| *number == 0 && early(incident));
        events
    }

    /// Everything that is known now.
    pub fn analysis(&self) -> Analysis {
        self.analysis_of(self.find())
    }

    fn find(&self) -> Found {
        let vantages = self.stream.vantages();
        let routing = self.pipeline.so_far(self.now, vantages);
        let reachability = self.probed.findings(self.now);
        let correlation = correlate(Findings {
            organization: &self.organization,
            dependencies: &self.dependencies,
            routing: &routing,
            vantages,
            reachability: &reachability,
        });
        (routing, reachability, correlation)
    }

    fn analysis_of(&self, (routing, reachability, correlation): Found) -> Analysis {
        let (results, attempts, probe_files) = self.probed.all();
        Analysis {
            organization: self.organization.clone(),
            dependencies: self.dependencies.clone(),
            vantages: self.stream.vantages().clone(),
            routing,
            results,
            attempts,
            reachability,
            correlation,
            bgp_files: self.bgp_files(),
            probe_files,
        }
    }

    fn bgp_files(&self) -> Vec<FileAccount> {
        let first = self.seeds.iter().chain([self.stream.account()]).chain(self.routers.accounts());
        let first = first.zip(0..).map(|(account, id)| FileAccount { id: FileId(id), ..account.clone() });
        first.chain(self.backfill.accounts().iter().cloned()).collect()
    }

    fn forget(&mut self) {
        if self.now < self.forget_at {
            return;
        }
        self.forget_at = self.now + FORGET_EVERY;
        self.pipeline.forget_log_before(self.now - KEPT);
        self.probed.forget_before(self.now - KEPT);
    }

    fn hear(&mut self) {
        let of_routers = self.heard_of_routers();
        let (mut said, _) = self.stream.said();
        if !of_routers.is_empty() {
            said.extend(of_routers);
            said.make_contiguous().sort_by_key(|observation| observation.at);
        }
        let Some(last) = said.iter().map(Observation::until).max() else { return };
        self.now = self.now.max(last);
        self.moved |= said.iter().any(|observation| observation.what.prefix().is_some());
        said.into_iter().for_each(|observation| self.take_in(observation));
    }
}

/// What to ask the server for, who wants all of it.
pub fn subscribe_to_everything() -> Vec<Value> {
    vec![ask(json!({"socketOptions": options()}))]
}

fn ask(data: Value) -> Value {
    json!({"type": "ris_subscribe", "data": data})
}

fn options() -> Value {
    json!({"includeRaw": true, "acknowledge": true})
}

/// What is lost together does not cross its threshold at the same moment: it is waited so long for the holds of other prefixes, and for probes which
/// have begun to fail.
const TOGETHER: Span = Span::from_seconds(1);

/// Soon it would be judged anew: only probes tell of it, or a partial withdrawal beside them, and that has not held yet (`open_hold`), or a hold runs of which a
/// withdrawal may come; it is not waited longer than two holds. Or it has just begun, and other prefixes' holds end in a moment, or something is `falling`: has begun
/// to fail, and is not down yet.
fn is_early(incident: &Incident, now: Timestamp, (hold_ends, falling): (Option<Timestamp>, bool)) -> bool {
    let evidence = &incident.evidence;
    let withdrawals = evidence.withdrawals.iter().filter(|withdrawal| withdrawal.level > Level::Partial);
    if let Some(opened) = withdrawals.map(|withdrawal| withdrawal.opened).min() {
        return now < opened + TOGETHER && (falling || hold_ends.is_some_and(|ends| ends <= opened + TOGETHER));
    }
    let began = evidence.losses.iter().map(|loss| loss.onset.latest).min();
    let wait = evidence.settings.open_hold.times(if hold_ends.is_some() { 2 } else { 1 });
    evidence.foreign_origins.is_empty() && began.is_some_and(|began| now <= began + wait)
}
