//! An analysis: everything found in one input, and what it comes to.
//!
//! Two kinds: an [`Analysis`] of one organization, and a [`Survey`] of every origin AS in the input. Both hold findings and evidence; what
//! is shown of them is decided in `report`.

mod roll_up;

use crate::dependency::Dependencies;
use crate::feed::{FeedEvent, FeedNote};
use crate::holder::Holders;
use crate::incident::Correlation;
use crate::org::Organization;
use crate::outage::{Chains, ended};
use crate::pipeline::{BlindTogether, RoutingFindings};
use crate::probe::{ProbeFile, ProbeResult};
use crate::reachability::{JudgedAttempt, Layer, ReachabilityFindings, Series, SeriesCoverage};
use crate::rib::{ChangeCause, PrefixId};
use crate::settings::Settings;
use crate::source::FileAccount;
use crate::time::Timestamp;
use crate::vantage::{Asn, Family, VantageId, Vantages};
use crate::withdrawal::{Level, Withdrawal};
use ipnet::IpNet;
pub use roll_up::{GroupOutage, RollUp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Everything found about one organization.
#[derive(Debug)]
pub struct Analysis {
    /// Whose.
    pub organization: Organization,
    /// What its services need.
    pub dependencies: Dependencies,
    /// Names of collectors and vantage points.
    pub vantages: Vantages,
    /// What the routing side found.
    pub routing: RoutingFindings,
    /// Every probe result, in time order.
    pub results: Vec<ProbeResult>,
    /// What each of them was taken for, in the same order.
    pub attempts: Vec<JudgedAttempt>,
    /// What the probes found.
    pub reachability: ReachabilityFindings,
    /// Incidents, and what is told without being one.
    pub correlation: Correlation,
    /// The BGP files, by their `FileId`.
    pub bgp_files: Vec<FileAccount>,
    /// The probe files; their `FileId`s follow those of the BGP files.
    pub probe_files: Vec<ProbeFile>,
}

/// Everything found about every origin AS.
#[derive(Debug)]
pub struct Survey {
    /// The thresholds in force.
    pub settings: Settings,
    /// Names of collectors and vantage points.
    pub vantages: Vantages,
    /// What the routing side found.
    pub routing: RoutingFindings,
    /// Groups of prefixes of one origin which were withdrawn together.
    pub outages: Vec<OriginOutage>,
    /// The same by organization and country, if there is a table of who holds an AS.
    pub roll_up: Option<RollUp>,
    /// The BGP files, by their `FileId`.
    pub bgp_files: Vec<FileAccount>,
}

/// Prefixes of one origin which were withdrawn together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginOutage {
    /// The origin; `None` for prefixes whose origin was never seen.
    pub origin: Option<Asn>,
    /// When the first prefix's onset was.
    pub began: Timestamp,
    /// When the last prefix was back; `None` if one was not.
    pub ended: Option<Timestamp>,
    /// Places in `routing.withdrawals`, in order of onset.
    pub withdrawals: Vec<usize>,
}

/// Of a withdrawal what decides to which outage it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// Its origin, as [`Withdrawal::origin`] tells it.
    pub origin: Option<Asn>,
    /// The worst level held.
    pub level: Level,
    /// The earliest onset.
    pub onset: Timestamp,
    /// The recovery, if it is over.
    pub recovered: Option<Timestamp>,
}

impl Withdrawn {
    /// Of this one.
    pub fn of(withdrawal: &Withdrawal) -> Self {
        let Withdrawal { level, recovered, .. } = *withdrawal;
        Withdrawn { origin: withdrawal.origin(), level, onset: withdrawal.onset.earliest, recovered }
    }
}

/// What an input comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was all seen, and no incident was found.
    NoIncident,
    /// At least one incident was found.
    Incident,
    /// No incident was found, but somewhere too little was seen to say that there was none.
    CouldNotTell,
}

impl Outcome {
    /// What so many outages come to, with these doubts.
    pub fn of(found: usize, doubts: &[String]) -> Outcome {
        match (found, doubts.is_empty()) {
            (1.., _) => Outcome::Incident,
            (0, true) => Outcome::NoIncident,
            (0, false) => Outcome::CouldNotTell,
        }
    }

    /// Its code, as the JSON form writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Outcome::NoIncident => "no_incident",
            Outcome::Incident => "incident",
            Outcome::CouldNotTell => "could_not_tell",
        }
    }

    /// The exit status of the program.
    pub const fn exit_status(self) -> u8 {
        match self {
            Outcome::NoIncident => 0,
            Outcome::Incident => 1,
            Outcome::CouldNotTell => 3,
        }
    }
}

impl Analysis {
    /// What it comes to.
    pub fn outcome(&self) -> Outcome {
        if !self.correlation.incidents.is_empty() {
            return Outcome::Incident;
        }
        if self.doubts().is_empty() { Outcome::NoIncident } else { Outcome::CouldNotTell }
    }

    /// Why the absence of an incident proves nothing, in words; empty if it does. Ordinary lost sessions are no reason.
    pub fn doubts(&self) -> Vec<String> {
        let settings = &self.organization.settings;
        let mut doubts = unread(&self.bgp_files);
        doubts.extend(self.probe_files.iter().filter_map(unusable));
        for (prefix, moment) in &self.routing.insufficient {
            doubts.push(format!(
                "{prefix} was lost by {} of {} ASes at {}: too few to tell",
                moment.visibility.lost,
                moment.visibility.eligible(),
                moment.at.in_words()
            ));
        }
        let blind = self.routing.blind.iter().filter(|blind| {
            // A short one is how every recording begins; elsewhere only what is too short to hold a withdrawal is none.
            let length = blind.until.since(blind.from);
            let begins = self.routing.first.is_some_and(|first| blind.from.since(first) <= settings.open_hold);
            length > if begins { settings.baseline_min } else { settings.open_hold } || blind.until >= self.routing.last
        });
        for blind in BlindTogether::of(blind) {
            doubts.push(format!(
                "of {} at most {} ASes could tell, from {} to {}; {} are needed",
                blind.which(),
                blind.told,
                blind.from.in_words(),
                blind.until.in_words(),
                settings.eligible_min
            ));
        }
        doubts.extend(self.only_probed());
        doubts.extend(self.never_seen());
        doubts.extend(self.announced_late());
        doubts.extend(self.muted_everywhere());
        doubts.extend(self.never_up());
        if self.routing.first.is_none() && self.reachability.coverage.is_empty() {
            doubts.push("nothing was observed: no BGP statement of a watched prefix, and no probe result".to_owned());
        }
        doubts
    }

    /// Prefixes of the profile of which no part was ever seen, though whole tables were known.
    fn never_seen(&self) -> Vec<String> {
        let (routing, own) = (&self.routing, &self.organization.prefixes);
        if routing.first.is_none() {
            return Vec::new();
        }
        // In their order what lies within a prefix stands right after it.
        let spoken_of: BTreeSet<IpNet> = routing.rib.prefixes().map(|(_, prefix)| prefix).collect();
        let seen = |own: &IpNet| spoken_of.range(own..).next().is_some_and(|next| own.contains(next));
        let unseen: Vec<IpNet> = own.iter().map(|own| own.prefix).filter(|own| !seen(own)).collect();
        if unseen.len() == own.len() {
            return vec!["none of the profile's prefixes was ever spoken of in BGP".to_owned()];
        }
        let told = |family: Family| self.vantages.iter().any(|(id, _)| routing.feeds.is_seeded(id, family));
        let unseen = unseen.into_iter().filter(|prefix| told(Family::of(prefix)));
        unseen
            .map(|prefix| format!("{prefix} is in no table and was never announced: it may have been gone all the time"))
            .collect()
    }

    /// Own prefixes and those which services need, which enough full tables lacked before anybody announced them.
    fn announced_late(&self) -> Vec<String> {
        let routing = &self.routing;
        let own = self.organization.prefixes.iter().map(|own| own.prefix);
        let held = self.dependencies.addresses().into_iter().filter_map(|address| Some(routing.holder_of(address)?.0));
        let wanted: BTreeSet<PrefixId> = own.chain(held).filter_map(|prefix| routing.rib.id_of(&prefix)).collect();
        let mut told: HashMap<(VantageId, Family), Timestamp> = HashMap::new();
        for change in &routing.log.routes {
            if change.cause == ChangeCause::Table {
                told.entry((change.from, Family::of(&routing.rib.prefix_of(change.prefix)))).or_insert(change.at);
            }
        }
        // What another origin announces was not ours before.
        let foreign = routing.foreign_origins.iter().chain(&routing.foreign_unopened);
        let foreign: BTreeSet<IpNet> = foreign.map(|foreign| foreign.prefix).collect();
        let first = routing.first_words();
        let late = wanted.into_iter().filter_map(|id| Some((id, first.get(&id)?)));
        let late = late.filter(|(_, change)| change.cause == ChangeCause::Announced);
        let late = late.filter_map(|(id, change)| {
            let prefix = routing.rib.prefix_of(id);
            let family = Family::of(&prefix);
            let lacked = told
                .iter()
                .filter(|((from, of), at)| *of == family && **at < change.at && routing.feeds.is_full_feed(*from, family));
            let ases: BTreeSet<Asn> = lacked.map(|((from, _), _)| self.vantages.point(*from).asn).collect();
            let enough = u32::try_from(ases.len()).is_ok_and(|count| count >= self.organization.settings.eligible_min);
            (enough && !foreign.contains(&prefix)).then_some((prefix, change.at, ases.len()))
        });
        let said = late.map(|(prefix, at, ases)| {
            let at = at.in_words();
            format!(
                "{prefix} was in no table which {ases} ASes told before it was announced at {at}: it may have been gone until then"
            )
        });
        said.collect()
    }

    /// If wherever anything was probed the controls failed too, sooner or later.
    fn muted_everywhere(&self) -> Option<String> {
        let found = &self.reachability;
        let watched = found.coverage.iter().filter(|covered| !matches!(covered.series.layer, Layer::Control | Layer::Status));
        let probing: BTreeSet<&str> = watched.map(|covered| &*covered.series.vantage).collect();
        let offline = crate::incident::Offline::of(found);
        let all = !probing.is_empty() && probing.is_subset(&offline.vantages());
        all.then(|| {
            "controls failed at every vantage which probed: what failed there meanwhile tells nothing of the services".to_owned()
        })
    }

    /// Services whose names, or which themselves, no probe ever saw well, nor failed often enough to count: of them nothing is known.
    fn never_up(&self) -> Option<String> {
        let found = &self.reachability;
        let lost: BTreeSet<&Series> = found.losses.iter().map(|loss| &*loss.series).collect();
        let mut probed: BTreeMap<(usize, bool), bool> = BTreeMap::new();
        for SeriesCoverage { series, successes, .. } in &found.coverage {
            let of_names = matches!(series.layer, Layer::Resolver | Layer::Authority);
            for service in series.services.iter().filter(|_| !matches!(series.layer, Layer::Control | Layer::Status)) {
                *probed.entry((*service, of_names)).or_default() |= *successes > 0 || lost.contains(&**series);
            }
        }
        let unknown: BTreeSet<usize> = probed.into_iter().filter(|(_, told)| !told).map(|((service, _), _)| service).collect();
        let services = unknown.into_iter().filter_map(|service| self.organization.services.get(service));
        let names: Vec<&str> = services.map(|service| service.name.as_str()).collect();
        (!names.is_empty()).then(|| {
            let (names, least) = (names.join(", "), self.organization.settings.down_after);
            format!("no probe of {names}, or of its names, ever succeeded, and none failed {least} times in a row: too few to tell")
        })
    }

    /// Spans at the beginning and the end in which probes were recorded and BGP was not, in words: what routes did then nobody knows.
    fn only_probed(&self) -> Vec<String> {
        let least = self.organization.settings.baseline_min;
        let Some(begins) = self.routing.first else { return Vec::new() };
        let (first, last) = (self.results.iter().map(|result| result.at).min(), self.results.iter().map(ProbeResult::end).max());
        let (Some(first), Some(last)) = (first, last) else { return Vec::new() };
        let before = (begins.since(first) > least)
            .then(|| format!("BGP was recorded from {} on, probes from {}", begins.in_words(), first.in_words()));
        let ends = self.routing.last;
        let after = (last.since(ends) > least)
            .then(|| format!("BGP was recorded until {}, probes until {}", ends.in_words(), last.in_words()));
        before.into_iter().chain(after).collect()
    }
}

impl Survey {
    /// Groups the withdrawals of one origin whose onsets are within the grouping time of the one before.
    pub fn outages(routing: &RoutingFindings, settings: &Settings) -> Vec<OriginOutage> {
        Self::outages_of(routing.withdrawals.iter().map(Withdrawn::of), settings)
    }

    /// The same of withdrawals in order of onset, by what decides.
    pub fn outages_of(withdrawals: impl IntoIterator<Item = Withdrawn>, settings: &Settings) -> Vec<OriginOutage> {
        let mut chains = Chains::new(settings.grouping);
        let mut outages: Vec<OriginOutage> = Vec::new();
        let severe = withdrawals.into_iter().enumerate().filter(|(_, withdrawal)| withdrawal.level > Level::Partial);
        for (index, Withdrawn { origin, onset, recovered, .. }) in severe {
            // Withdrawals stand in order of onset, so no chain absorbs another.
            match outages.get_mut(chains.join(origin, onset).number) {
                Some(outage) => {
                    outage.ended = ended([outage.ended, recovered]);
                    outage.withdrawals.push(index);
                }
                None => {
                    outages.push(OriginOutage { origin, began: onset, ended: recovered, withdrawals: vec![index] });
                }
            }
        }
        outages.sort_by_key(|outage| (outage.began, outage.origin));
        outages
    }

    /// The same survey, with its outages rolled up by who holds their origins.
    pub fn rolled_up(self, holders: &Holders) -> Survey {
        let roll_up = RollUp::of(&self.routing, &self.outages, &self.settings, holders);
        Survey { roll_up: Some(roll_up), ..self }
    }

    /// What it comes to.
    pub fn outcome(&self) -> Outcome {
        Outcome::of(self.outages.len(), &self.doubts())
    }

    /// Why the absence of an incident proves nothing, in words; empty if it does.
    pub fn doubts(&self) -> Vec<String> {
        let mut doubts = unread(&self.bgp_files);
        if self.routing.first.is_none() {
            doubts.push("nothing was observed: no BGP statement".to_owned());
        }
        doubts.extend(Family::BOTH.into_iter().filter_map(|family| self.too_few(family)));
        let gaps = self.routing.notes.iter().filter(|note| matches!(note.what, FeedEvent::Gap(_)));
        doubts.extend(gaps.map(|note: &FeedNote| {
            let until = note.until.map_or_else(|| "the end".to_owned(), Timestamp::in_words);
            format!("{}: nothing recorded from {} to {until}", note.whom.name(&self.vantages), note.at.in_words())
        }));
        doubts
    }

    /// If too few ASes have a full feed of a family to tell anything of it.
    fn too_few(&self, family: Family) -> Option<String> {
        let feeds = &self.routing.feeds;
        let voters = self.vantages.iter().filter(|(id, _)| feeds.is_full_feed(*id, family));
        let voters = voters.map(|(_, point)| point.asn).collect::<BTreeSet<Asn>>().len();
        let needed = self.settings.eligible_min;
        let spoken = self.vantages.iter().any(|(id, _)| feeds.standing(id, family).is_some());
        let few = spoken && usize::try_from(needed).is_ok_and(|needed| voters < needed);
        few.then(|| format!("{voters} ASes have a full feed of {family}; {needed} are needed to tell a withdrawal"))
    }
}

/// Why what a probe file holds is not enough: it cannot be read, or most of it cannot be used. A file of another kind met in a folder is no mistake, unless its name says that it is one of probe
/// results.
fn unusable(file: &ProbeFile) -> Option<String> {
    let name = file.path.file_name().unwrap_or_default().to_string_lossy();
    let meant = !file.in_folder || [".jsonl", ".ndjson", ".parquet", ".csv"].iter().any(|kind| name.contains(kind));
    if let Some(error) = &file.error {
        return meant.then(|| error.to_string());
    }
    (file.bad_count > file.results)
        .then(|| format!("{}: {} of {} records could not be used", file.path.display(), file.bad_count, file.records))
}

fn unread(files: &[FileAccount]) -> Vec<String> {
    files.iter().filter_map(|file| Some(format!("{}: {}", file.path.display(), file.error.as_ref()?))).collect()
}
