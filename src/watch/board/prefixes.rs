//! How the organization's prefixes are, and their courses.

use super::{Condition, Course, PrefixState};
use crate::org::WatchedPrefix;
use crate::rib::PrefixId;
use crate::time::Timestamp;
use crate::vantage::Asn;
use crate::visibility::Visibility;
use crate::watch::Live;
use ipnet::IpNet;
use std::collections::HashMap;

/// What is remembered of the organization's prefixes.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    known: Vec<Known>,
    places: HashMap<PrefixId, usize>,
    /// Changes of visibility which were taken from the log.
    taken: usize,
    /// So many prefixes which were spoken of were looked at.
    met: usize,
}

/// No more prefixes than this are shown.
const MOST: usize = 1_000;

#[derive(Debug)]
struct Known {
    prefix: IpNet,
    /// What the profile calls it.
    label: Option<String>,
    /// The profile means prefixes inside of it, too.
    is_range: bool,
    id: Option<PrefixId>,
    course: Course,
    /// How it is, and since when.
    condition: Option<(Condition, Timestamp)>,
}

impl Prefixes {
    /// How they are now.
    pub fn look(&mut self, live: &Live, now: Timestamp) -> Vec<PrefixState> {
        self.meet(live);
        self.follow(live);
        let foreign = foreign(live);
        let look = |known: &mut Known| {
            let mut state = known.look(live, now);
            state.label.clone_from(&known.label);
            state.foreign_origins =
                foreign.iter().filter(|(prefix, _)| known.prefix.contains(prefix)).map(|(_, asn)| *asn).collect();
            state.foreign_origins.sort_unstable();
            state.foreign_origins.dedup();
            state
        };
        // Of a range of prefixes those count which are announced.
        let inside: Vec<IpNet> = self.known.iter().filter(|known| known.id.is_some()).map(|known| known.prefix).collect();
        let is_shown = |known: &&mut Known| {
            known.id.is_some() || !known.is_range || !inside.iter().any(|prefix| known.prefix.contains(prefix))
        };
        self.known.iter_mut().filter(is_shown).map(look).collect()
    }

    /// Finds the places of prefixes which were spoken of for the first time.
    fn meet(&mut self, live: &Live) {
        let rib = live.pipeline().rib();
        if self.known.is_empty() {
            self.known = live.organization().prefixes.iter().map(Known::of).collect();
        }
        for (place, known) in self.known.iter_mut().enumerate().filter(|(_, known)| known.id.is_none()) {
            known.id = rib.id_of(&known.prefix);
            if let Some(id) = known.id {
                self.places.insert(id, place);
            }
        }
        let ranges = self.known.iter().any(|known| known.is_range);
        for (id, prefix) in rib.prefixes().skip(if ranges { self.met } else { usize::MAX }) {
            let means = |own: &WatchedPrefix| own.prefix.contains(&prefix) && prefix.prefix_len() <= own.lengths.longest;
            let is_own = live.organization().prefixes.iter().any(means);
            if is_own && !self.places.contains_key(&id) && self.known.len() < MOST {
                self.places.insert(id, self.known.len());
                self.known.push(Known { id: Some(id), ..Known::new(prefix) });
            }
        }
        self.met = rib.prefix_count();
    }

    /// Takes what changed since.
    fn follow(&mut self, live: &Live) {
        let log = &live.pipeline().log().visibility;
        // A log which was cut begins anew: what it held is taken already.
        let new = log.get(self.taken..).unwrap_or_default();
        for change in new {
            if let Some(known) = self.places.get(&change.prefix).and_then(|place| self.known.get_mut(*place)) {
                known.course.put(change.at, change.now);
            }
        }
        self.taken = log.len();
    }
}

impl Known {
    fn new(prefix: IpNet) -> Self {
        Known { prefix, label: None, is_range: false, id: None, course: Course::default(), condition: None }
    }

    fn of(own: &WatchedPrefix) -> Self {
        let is_range = own.lengths.longest > own.prefix.prefix_len();
        Known { label: own.label.clone(), is_range, ..Known::new(own.prefix) }
    }

    fn look(&mut self, live: &Live, now: Timestamp) -> PrefixState {
        let (pipeline, settings) = (live.pipeline(), &live.organization().settings);
        let visibility = self.id.map(|id| pipeline.votes().visibility(id)).unwrap_or_default();
        if self.id.is_some() {
            self.course.put(now, visibility);
            self.course.forget(now);
        }
        let open = self.id.and_then(|id| pipeline.detector().open_of(id));
        let fell = self.id.and_then(|id| pipeline.detector().crossed(id).into_iter().flatten().min());
        let back = self.id.and_then(|id| pipeline.detector().returned(id));
        let (condition, began) = match open {
            Some(_) if back.is_some() => (Condition::Returning, back),
            Some(open) => (Condition::Withdrawn, Some(open.onset.earliest)),
            None => match untold(visibility, settings.eligible_min) {
                Some(untold) => (untold, None),
                None if fell.is_some() => (Condition::Falling, fell),
                None => (Condition::Usual, None),
            },
        };
        let since = match self.condition {
            Some((was, since)) if was == condition => since,
            Some(_) | None => began.unwrap_or(now),
        };
        self.condition = Some((condition, since));
        PrefixState {
            prefix: self.prefix.to_string(),
            label: None,
            condition,
            level: open.map(|open| open.level),
            since: (since != Timestamp::MIN).then_some(since),
            visibility,
            share: visibility.upper(),
            usual: self.id.and_then(|id| pipeline.detector().usual(id, now)),
            foreign_origins: Vec::new(),
            course: self.course.points().clone(),
        }
    }
}

/// Why nothing can be said of a prefix, if so.
fn untold(visibility: Visibility, least: u32) -> Option<Condition> {
    let told = visibility.seeing + visibility.lost;
    (told < least).then_some(if visibility.eligible() == 0 { Condition::NeverSeen } else { Condition::Untold })
}

/// Foreign origins which enough took, and which have not ended.
fn foreign(live: &Live) -> Vec<(IpNet, Asn)> {
    let events = live.pipeline().foreign().events().filter(|foreign| foreign.opened.is_some() && foreign.ended.is_none());
    events.map(|foreign| (foreign.prefix, foreign.origin)).collect()
}
