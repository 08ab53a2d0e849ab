//! Makes boards, and remembers what a moment does not tell.

use super::prefixes::Prefixes;
use super::sight::{Seen, sight};
use super::{
    Board, CanaryState, CollectorState, Complaint, FeedNoteState, OutboxState, RouterState, ServiceProbes, StreamState,
    VantageState, Voice,
};
use crate::feed::{FeedEvent, Liveness, NotedFeed};
use crate::source::bmp::RouterGlance;
use crate::time::{Span, Timestamp};
use crate::vantage::Family;
use crate::watch::Live;
use std::collections::VecDeque;
use std::sync::Arc;

/// Frames a second are those of this span.
const RECENT: Span = Span::from_seconds(10);
/// A rate is kept this often …
const RATE_EVERY: Span = Span::from_seconds(5);
/// … and so many are.
const RATES: usize = 120;
/// Notes on feeds which are shown.
const NOTES: usize = 20;

/// Looks at what is watched, again and again. It is told of the connection, of probes, of the canary and of alerts, which [`Live`] does not know.
#[derive(Debug)]
pub struct Lookout {
    /// When it looked last.
    at: Timestamp,
    replayed: bool,
    stream: Option<Stream>,
    /// Routers are listened for.
    hears_routers: bool,
    prefixes: Prefixes,
    services: Vec<ServiceProbes>,
    canary: Option<CanaryState>,
    outbox: Option<OutboxState>,
}

/// The stream, and how fast it is.
#[derive(Debug)]
struct Stream {
    state: StreamState,
    /// How many frames had come at some times within [`RECENT`].
    counts: VecDeque<(Timestamp, u64)>,
    /// The same when a rate was kept last.
    rated: (Timestamp, u64),
}

impl Lookout {
    /// Nothing was looked at yet. `stream`: its address, if one is heard. `at`: now, by the system's clock. `replayed`: what is heard has a clock of
    /// its own.
    pub fn new(stream: Option<&str>, replayed: bool, at: Timestamp) -> Self {
        Lookout {
            at,
            replayed,
            stream: stream.map(|address| Stream::new(address, at)),
            hears_routers: false,
            prefixes: Prefixes::default(),
            services: Vec::new(),
            canary: None,
            outbox: None,
        }
    }

    /// Routers are listened for.
    pub fn hearing_routers(mut self) -> Self {
        self.hears_routers = true;
        self
    }

    /// The connection to the stream is up.
    pub fn up(&mut self) {
        if let Some(Stream { state, .. }) = &mut self.stream {
            (state.connected, state.since, state.reason) = (true, self.at, None);
        }
    }

    /// The connection to the stream is lost or, if it was not up, cannot be made, for this reason.
    pub fn down(&mut self, reason: &str) {
        let Some(Stream { state, .. }) = &mut self.stream else { return };
        if std::mem::take(&mut state.connected) {
            state.since = self.at;
            state.lost += 1;
        } else {
            state.refused += 1;
        }
        state.reason = Some(reason.to_owned());
    }

    /// The server is not content.
    pub fn complaint(&mut self, words: &str) {
        if let Some(Stream { state, .. }) = &mut self.stream {
            state.complaint = Some(Complaint { at: self.at, words: words.to_owned() });
        }
    }

    /// How services were probed last.
    pub fn probed(&mut self, services: Vec<ServiceProbes>) {
        self.services = services;
    }

    /// How the canary is.
    pub fn canary(&mut self, canary: CanaryState) {
        self.canary = Some(canary);
    }

    /// How alerts are.
    pub fn outbox(&mut self, outbox: OutboxState) {
        self.outbox = Some(outbox);
    }

    /// Everything as it is now; `at`: by the system's clock.
    pub fn look(&mut self, live: &Live, at: Timestamp) -> Board {
        self.at = self.at.max(at);
        if let Some(stream) = &mut self.stream {
            stream.count(live, self.at, self.replayed);
        }
        let now = Some(live.now()).filter(|now| *now != Timestamp::MIN);
        let prefixes = self.prefixes.look(live, live.now());
        let (collectors, vantage_points) = feeds(live);
        let stream = self.stream.as_ref().map(|stream| stream.state.clone());
        let routers: Option<Vec<RouterState>> = self.hears_routers.then(|| live.routers().map(router).collect());
        let organization = live.organization();
        let seen = Seen {
            stream: stream.as_ref(),
            routers: routers.as_deref(),
            collectors: &collectors,
            prefixes: &prefixes,
            canary: self.canary.as_ref(),
            least: organization.settings.eligible_min,
        };
        Board {
            organization: organization.name.clone(),
            note: organization.note.clone(),
            made_at: self.at,
            now,
            sight: sight(&seen),
            replayed: self.replayed,
            stream,
            routers,
            prefixes,
            services: organization.services.iter().map(|service| self.service(&service.name)).collect(),
            collectors,
            vantage_points,
            notes: notes(live),
            canary: self.canary.clone(),
            outbox: self.outbox,
        }
    }

    /// What is known of a service: of one which nobody probes, its name.
    fn service(&self, name: &str) -> ServiceProbes {
        let known = self.services.iter().find(|known| known.service == name).cloned();
        known.unwrap_or_else(|| ServiceProbes {
            service: name.to_owned(),
            series: 0,
            failing: 0,
            unknown: 0,
            attempts: 0,
            last: None,
        })
    }
}

impl Stream {
    fn new(address: &str, at: Timestamp) -> Self {
        let state = StreamState {
            address: public(address),
            connected: false,
            since: at,
            reason: None,
            lost: 0,
            refused: 0,
            frames: 0,
            bytes: 0,
            unreadable: 0,
            heard: None,
            newest: None,
            lag_seconds: None,
            per_second: 0,
            rates: Arc::default(),
            complaint: None,
        };
        Stream { state, counts: VecDeque::new(), rated: (at, 0) }
    }

    /// Counts what has come.
    fn count(&mut self, live: &Live, at: Timestamp, replayed: bool) {
        let (heard, account) = (live.stream(), live.stream().account());
        let stream = &mut self.state;
        if heard.frames() > stream.frames {
            stream.heard = Some(at);
        }
        (stream.frames, stream.bytes, stream.unreadable) = (heard.frames(), account.bytes, account.skipped_count);
        stream.newest = heard.newest();
        stream.lag_seconds = stream.newest.filter(|_| !replayed).map(|newest| at.since(newest).seconds().max(0));
        if self.counts.back().is_none_or(|(last, _)| at.since(*last) >= Span::from_seconds(1)) {
            self.counts.push_back((at, stream.frames));
        }
        while self.counts.get(1).is_some_and(|(next, _)| at.since(*next) >= RECENT) {
            self.counts.pop_front();
        }
        stream.per_second = self.counts.front().map_or(0, |before| rate(*before, (at, stream.frames)));
        if at.since(self.rated.0) >= RATE_EVERY {
            let rates = Arc::make_mut(&mut stream.rates);
            rates.push(rate(self.rated, (at, stream.frames)));
            if rates.len() > RATES {
                rates.remove(0);
            }
            self.rated = (at, stream.frames);
        }
    }
}

/// How many a second came from one time to another, rounded.
fn rate(before: (Timestamp, u64), now: (Timestamp, u64)) -> u64 {
    let millis = u64::try_from(now.0.since(before.0).micros() / 1_000).unwrap_or(0).max(1_000);
    ((now.1 - before.1).saturating_mul(1_000) + millis / 2) / millis
}

/// An address without user, password and query: these may be secret.
fn public(address: &str) -> String {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = path.split_once("://") else { return path.to_owned() };
    let (authority, place) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{place}")
}

fn router(router: RouterGlance<'_>) -> RouterState {
    let RouterGlance { name, address, connected, messages, bytes } = router;
    RouterState { name: name.to_owned(), address, connected, messages, bytes }
}

fn feeds(live: &Live) -> (Vec<CollectorState>, Vec<VantageState>) {
    let (feeds, vantages) = (live.pipeline().feeds(), live.stream().vantages());
    let now = live.now();
    let state = |(id, name): (_, &Arc<str>)| {
        let heard = feeds.last_heard(id);
        CollectorState {
            name: name.to_string(),
            silent: feeds.is_silent(id),
            heard,
            silent_seconds: heard.map(|heard| now.since(heard).seconds().max(0)),
            vantage_points: 0,
            speaking: 0,
            known_tables: 0,
            full_feeds: 0,
            gaps: 0,
        }
    };
    let mut collectors: Vec<CollectorState> = vantages.collectors().map(state).collect();
    for note in feeds.notes() {
        if let (FeedEvent::Gap(_), NotedFeed::Collector(id)) = (note.what, note.whom)
            && let Some(collector) = collectors.get_mut(id.index())
        {
            collector.gaps += 1;
        }
    }
    let point = |(from, point): (_, &crate::vantage::VantagePoint)| {
        let state = VantageState {
            collector: vantages.collector_of(from).index(),
            peer: point.peer,
            asn: point.asn,
            voice: match feeds.liveness(from) {
                Liveness::Never => Voice::Never,
                Liveness::Up => Voice::Speaks,
                Liveness::Suspended => Voice::Silent,
                Liveness::Down => Voice::Down,
            },
            heard: feeds.heard(from),
            known_tables: Family::BOTH.map(|family| feeds.is_seeded(from, family)),
            full_feeds: Family::BOTH.map(|family| feeds.is_full_feed(from, family)),
        };
        if let Some(collector) = collectors.get_mut(state.collector) {
            collector.vantage_points += 1;
            collector.speaking += u32::from(state.voice == Voice::Speaks);
            collector.known_tables += u32::from(state.known_tables.contains(&true));
            collector.full_feeds += u32::from(state.full_feeds.contains(&true));
        }
        state
    };
    let points = vantages.iter().map(point).collect();
    (collectors, points)
}

fn notes(live: &Live) -> Vec<FeedNoteState> {
    let vantages = live.stream().vantages();
    let state = |note: &crate::feed::FeedNote| FeedNoteState {
        at: note.at,
        until: note.until,
        whom: note.whom.name(vantages),
        what: note.what,
    };
    live.pipeline().feeds().notes().iter().rev().take(NOTES).map(state).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        assert_eq!(public("wss://user:pass@ris.example/v1/ws/?client=x&key=y"), "wss://ris.example/v1/ws/");
        assert_eq!(public("ws://127.0.0.1:8080"), "ws://127.0.0.1:8080");
        assert_eq!(public("ws://host?a@b"), "ws://host");
    }

    #[test]
    fn a_rate_is_of_the_time_which_passed() {
        let at = |seconds| Timestamp::from_parts(seconds, 0);
        assert_eq!(rate((at(0), 100), (at(10), 150)), 5);
        assert_eq!(rate((at(0), 0), (at(0), 7)), 7, "less than a second counts as one");
    }
}
