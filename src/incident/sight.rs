//! What the routing side could not see while an incident lasted.
//!
//! A gap of one collector among many hides little: what matters is whether enough ASes could tell, enough of all for a withdrawal to cross the
//! threshold. Where they could not, nothing can be excluded; where they could, the gap is told all the same.

use super::Blindness;
use super::correlate::overlap;
use super::offline::Interval;
use super::scene::ServiceScene;
use crate::feed::{FeedEvent, FeedNote, NotedFeed};
use crate::pipeline::{BlindTogether, RoutingFindings, named};
use crate::settings::Settings;
use crate::time::Timestamp;
use crate::vantage::{CollectorId, Family, Vantages};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

/// Of one part in so many of an incident nothing may be known: a table dump takes its time to be written.
const NOT_HEARD_OF: i64 = 10;

/// What tells how much could be seen.
pub(super) struct Sight<'a> {
    pub routing: &'a RoutingFindings,
    pub vantages: &'a Vantages,
    pub settings: &'a Settings,
}

/// What could not be seen, in order of time.
#[derive(Default)]
pub(super) struct Unseen {
    /// So that nothing can be excluded.
    pub blind: Vec<Blindness>,
    /// By some collectors, while enough others could tell.
    pub partly: Vec<Blindness>,
}

impl Sight<'_> {
    /// What could not be seen during something which concerns these services.
    pub fn during(&self, span: Interval, services: &[ServiceScene]) -> Unseen {
        let least = self.settings.eligible_min;
        let mut unseen = Unseen::default();
        unseen.blind.extend(BlindTogether::of(&self.routing.blind).into_iter().map(|blind| Blindness {
            from: blind.from,
            until: blind.until,
            what: format!("of {} only {} ASes could tell, {least} are needed", blind.which(), blind.told),
        }));
        unseen.blind.retain(|blind| overlap((blind.from, Some(blind.until)), span));
        let families = families(services);
        for gap in self.gaps(span) {
            let (from, until) = (gap.at, gap.until.unwrap_or(self.routing.last));
            let what = format!("{}: nothing recorded", gap.whom.name(self.vantages));
            match self.told_by_others((from, until), &families) {
                Some(others) => {
                    let what = format!("{what}; {others} ASes with a full feed of other collectors were heard");
                    unseen.partly.push(Blindness { from, until, what });
                }
                None => unseen.blind.push(Blindness { from, until, what }),
            }
        }
        unseen.blind.extend(self.not_heard_of(span, services));
        unseen.blind.extend(self.recording_ends(span));
        unseen.blind.sort_by(|a, b| (a.from, &a.what).cmp(&(b.from, &b.what)));
        unseen
    }

    /// Gaps of collectors which overlap a span.
    fn gaps(&self, span: Interval) -> impl Iterator<Item = &FeedNote> {
        let last = self.routing.last;
        let gap = move |note: &&FeedNote| {
            matches!(note.what, FeedEvent::Gap(_)) && overlap((note.at, Some(note.until.unwrap_or(last))), span)
        };
        self.routing.notes.iter().filter(gap)
    }

    /// How many ASes carried a full feed to collectors which had no gap at the time, of each family the fewest; `None` if it was too few, or if a
    /// withdrawal could have stayed above the threshold because of those which could not be heard, and count as seeing.
    fn told_by_others(&self, (from, until): (Timestamp, Timestamp), families: &BTreeSet<Family>) -> Option<usize> {
        let collector = |note: &FeedNote| match note.whom {
            NotedFeed::Collector(collector) => Some(collector),
            NotedFeed::Vantage(_) => None,
        };
        let silent: BTreeSet<CollectorId> = self.gaps((from, Some(until))).filter_map(collector).collect();
        let Settings { eligible_min, open_percent, .. } = *self.settings;
        let of_family = |family: &Family| {
            let full = self.vantages.iter().filter(|(id, _)| self.routing.feeds.is_full_feed(*id, *family));
            let (mut all, mut others) = (BTreeSet::new(), BTreeSet::new());
            for (id, point) in full {
                all.insert(point.asn);
                if !silent.contains(&self.vantages.collector_of(id)) {
                    others.insert(point.asn);
                }
            }
            let unheard = all.len() - others.len();
            let enough = others.len() >= eligible_min as usize && unheard * 100 < open_percent as usize * all.len();
            enough.then_some(others.len())
        };
        families.iter().map(of_family).min().flatten()
    }

    /// Prefixes which services need and of which nothing was said during much of the incident: they may have been gone before it was
    /// recorded, and have come back in it.
    fn not_heard_of(&self, (began, ended): Interval, services: &[ServiceScene]) -> Option<Blindness> {
        let routing = self.routing;
        let from = began.max(routing.first?);
        let length = ended.unwrap_or(routing.last).since(from).micros();
        let late: BTreeMap<IpNet, Timestamp> = services
            .iter()
            .flat_map(ServiceScene::prefixes)
            .filter_map(|prefix| Some((prefix, routing.first_words().get(&routing.rib.id_of(&prefix)?)?.at)))
            .filter(|(_, first)| first.since(from).micros() > length / NOT_HEARD_OF && ended.is_none_or(|ended| *first <= ended))
            .collect();
        let until = late.values().copied().max()?;
        let which: Vec<IpNet> = late.into_keys().collect();
        Some(Blindness { from, until, what: format!("nothing was known yet of {}", named(&which)) })
    }

    /// A withdrawal may become visible a little later than what it causes.
    fn recording_ends(&self, (began, ended): Interval) -> Option<Blindness> {
        let RoutingFindings { first, last, .. } = *self.routing;
        first.filter(|_| began + self.settings.cause_before > last)?;
        let what = if began > last { "the BGP recording had ended" } else { "the BGP recording ended too soon after" };
        Some(Blindness { from: last, until: ended.unwrap_or(began), what: what.to_owned() })
    }
}

/// The families which services need; both where that is not known.
fn families(services: &[ServiceScene]) -> BTreeSet<Family> {
    let needed: BTreeSet<Family> = services.iter().flat_map(ServiceScene::prefixes).map(|prefix| Family::of(&prefix)).collect();
    if needed.is_empty() { Family::BOTH.into() } else { needed }
}
