//! Does a timeline make sense? The first thing which cannot be played is an error with its place and what to write.

use super::cast::{self, Cast};
use super::error::DrillError;
use super::select;
use super::timeline::{Action, Collector, Document, Event, Kind, Probes, Row, Timeline};
use crate::time::{Span, Timestamp};
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::ops::Range;

/// Room for addresses and AS numbers of generated peers.
const PEERS_MAX: usize = 200;

/// Generated AS numbers of all collectors' peers together.
const PEERS_IN_ALL: usize = 700;
/// The longest drill: everything is put together before the first byte is written.
const LONGEST: Span = Span::from_seconds(31 * 86_400);
/// Generated AS numbers of transits.
const PATHS_MAX: u32 = 100;
/// Generated background prefixes of a family.
const BACKGROUND_MAX: u32 = 65_536;

struct Check<'a> {
    timeline: &'a Timeline,
    document: &'a Document,
}

/// Checks a whole timeline.
pub(super) fn check(timeline: &Timeline) -> Result<(), DrillError> {
    let check = Check { timeline, document: &timeline.document };
    check.drill()?;
    check.collectors()?;
    check.background()?;
    check.routes()?;
    let cast = cast::cast(&timeline.document);
    for (index, event) in timeline.document.events.iter().enumerate() {
        check.event(event, &cast)?;
        if event.as_ref().action != Action::FeedCut
            && let Err(message) = select::plan(&cast, event.as_ref(), index, timeline.document.drill.seed)
        {
            return check.fail(event.span(), message);
        }
    }
    check.probes()?;
    check.rows()?;
    check.sources()
}

impl Check<'_> {
    fn fail<T>(&self, span: Range<usize>, message: impl Into<String>) -> Result<T, DrillError> {
        Err(DrillError::Meaning { place: self.timeline.place(span.start), message: message.into() })
    }

    fn drill(&self) -> Result<(), DrillError> {
        let drill = &self.document.drill;
        if drill.start < Timestamp::from_parts(0, 0) || drill.end.seconds() > i64::from(u32::MAX) {
            return self.fail(0..0, "MRT stamps reach from 1970 to 2106; write a `start` and an `end` between them");
        }
        if drill.end.since(drill.start) > LONGEST {
            return self.fail(0..0, format!("[drill] lasts from {} to {}; write at most 31 days", drill.start, drill.end));
        }
        if drill.end <= drill.start {
            return self
                .fail(0..0, format!("[drill] ends at {} and starts at {}; write an `end` after `start`", drill.end, drill.start));
        }
        if self.document.collectors.is_empty() && self.document.probes.is_none() {
            return self.fail(0..0, "there is nobody to see anything; write at least one [[collectors]] or [probes]");
        }
        Ok(())
    }

    fn collectors(&self) -> Result<(), DrillError> {
        let mut names = BTreeSet::new();
        for row in &self.document.collectors {
            let collector = row.as_ref();
            let plain =
                !collector.name.is_empty() && collector.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
            if !plain || collector.name.starts_with('.') {
                return self
                    .fail(row.span(), format!("`{}` cannot be a folder's name; write letters, digits, - and _", collector.name));
            }
            if !names.insert(&collector.name) {
                return self.fail(row.span(), format!("there are two collectors named `{}`; name each once", collector.name));
            }
            self.peers(row.span(), collector)?;
        }
        let peers = |collector: &Collector| {
            usize::from(collector.peers)
                + usize::from(collector.partial_peers)
                + usize::from(collector.idle_peers)
                + collector.peer.len()
        };
        let all: usize = self.document.collectors.iter().map(|row| peers(row.as_ref())).sum();
        match self.document.collectors.last() {
            Some(row) if all > PEERS_IN_ALL => {
                self.fail(row.span(), format!("there are {all} peers at all collectors together; write at most {PEERS_IN_ALL}"))
            }
            _ => Ok(()),
        }
    }

    fn background(&self) -> Result<(), DrillError> {
        let Some(row) = &self.document.background else { return Ok(()) };
        let background = row.as_ref();
        if background.prefixes_v4.max(background.prefixes_v6) > BACKGROUND_MAX {
            return self.fail(row.span(), format!("the background has at most {BACKGROUND_MAX} prefixes of a family"));
        }
        if background.updates_per_minute > 100_000 || background.session_resets > 100_000 {
            return self.fail(row.span(), "updates_per_minute and session_resets reach to 100000");
        }
        Ok(())
    }

    fn peers(&self, span: Range<usize>, collector: &Collector) -> Result<(), DrillError> {
        let name = &collector.name;
        if collector.families.is_empty() {
            return self
                .fail(span, format!("collector `{name}` has no families; write families = [\"ipv4\", \"ipv6\"] or leave it out"));
        }
        let generated = usize::from(collector.peers) + usize::from(collector.partial_peers) + usize::from(collector.idle_peers);
        let peers = generated + collector.peer.len();
        if peers > PEERS_MAX {
            return self.fail(span, format!("collector `{name}` has {peers} peers; write at most {PEERS_MAX}"));
        }
        if collector.peers == 0 && collector.peer.iter().all(|peer| peer.idle) {
            return self.fail(span, format!("collector `{name}` has no peers; write peers = 16 or [[collectors.peer]] rows"));
        }
        if collector.peer.iter().any(|peer| peer.idle && peer.partial) {
            return self.fail(span, format!("a peer of collector `{name}` is both partial and idle; write one of them"));
        }
        if collector.peer.iter().any(|peer| peer.addresses.is_empty()) {
            return self.fail(span, format!("a peer of collector `{name}` has no address; write addresses = [\"198.51.100.7\"]"));
        }
        let periods = [("keepalives", collector.keepalives), ("rib_every", collector.rib_every)];
        for (key, period) in periods {
            if period.is_some_and(|period| period.seconds() < 1) {
                return self
                    .fail(span, format!("{key} of collector `{name}` is shorter than a second; write 60s, or leave it out"));
            }
        }
        Ok(())
    }

    fn routes(&self) -> Result<(), DrillError> {
        let mut seen = BTreeSet::new();
        for row in &self.document.routes {
            let routes = row.as_ref();
            self.prefixes(row.span(), &routes.prefixes)?;
            if routes.prefixes.is_empty() && routes.fill.is_none() {
                return self.fail(row.span(), "these routes have no prefix; write prefixes = [\"192.0.2.0/24\"] or a fill");
            }
            if routes.paths.is_some_and(|paths| paths == 0 || paths > PATHS_MAX || !routes.transits.is_empty()) {
                let message = format!("write either paths = 4 (how many transits, 1 to {PATHS_MAX}) or transits = [64500, 64501]");
                return self.fail(row.span(), message);
            }
            for prefix in &routes.prefixes {
                if !seen.insert(*prefix) {
                    return self.fail(row.span(), format!("{prefix} is in two rows of [[routes]]; write it once"));
                }
            }
            if let Some(fill) = &routes.fill {
                self.prefixes(row.span(), &[fill.within])?;
                if fill.count > BACKGROUND_MAX {
                    return self.fail(
                        row.span(),
                        format!("a fill of {} prefixes is too much; write at most {BACKGROUND_MAX}", fill.count),
                    );
                }
                if fill.length < fill.within.prefix_len() || fill.length > fill.within.max_prefix_len() {
                    return self.fail(
                        row.span(),
                        format!("{} holds no prefix of length {}; write a longer one", fill.within, fill.length),
                    );
                }
            }
        }
        let announced = cast::announced(self.document);
        for (row, short) in self.document.routes.iter().zip(&announced.short) {
            if *short > 0 {
                return self
                    .fail(row.span(), format!("the fill lacks {short} free prefixes; write a smaller count or a larger block"));
            }
        }
        Ok(())
    }

    fn prefixes(&self, span: Range<usize>, prefixes: &[IpNet]) -> Result<(), DrillError> {
        match prefixes.iter().find(|prefix| prefix.trunc() != **prefix) {
            Some(prefix) => self.fail(span, format!("{prefix} has bits behind its length; write {}", prefix.trunc())),
            None => Ok(()),
        }
    }

    fn within(&self, span: Range<usize>, at: Timestamp, until: Option<Timestamp>) -> Result<(), DrillError> {
        let drill = &self.document.drill;
        if at < drill.start || at >= drill.end {
            return self.fail(span, format!("{at} lies outside the drill, which lasts from {} to {}", drill.start, drill.end));
        }
        match until {
            Some(until) if until <= at => self.fail(span, format!("until = {until} is not after at = {at}")),
            _ => Ok(()),
        }
    }

    fn event(&self, row: &Row<Event>, cast: &Cast) -> Result<(), DrillError> {
        let event = row.as_ref();
        self.within(row.span(), event.at, event.until)?;
        self.prefixes(row.span(), &event.prefixes)?;
        self.event_keys(row)?;
        self.selection(row)?;
        for prefix in &event.prefixes {
            let known = cast.announced.routes.contains_key(prefix);
            if !known && event.action != Action::Hijack {
                return self.fail(row.span(), format!("{prefix} is in no [[routes]], so nobody has it; add it there"));
            }
            if !known && event.transit.is_some() {
                return self.fail(
                    row.span(),
                    format!("{prefix} is in no [[routes]], so no path to it has a transit; leave `transit` out"),
                );
            }
        }
        for straggler in &event.stragglers {
            self.within(row.span(), straggler.at, None)?;
            if straggler.at < event.at {
                return self.fail(row.span(), format!("the straggler at {} comes before its event at {}", straggler.at, event.at));
            }
            self.known(row.span(), "collector", straggler.collector.as_slice(), &self.collector_names())?;
        }
        Ok(())
    }

    /// Which keys an action needs, and which it has no use for.
    fn event_keys(&self, row: &Row<Event>) -> Result<(), DrillError> {
        let event = row.as_ref();
        let takes_prefixes = match event.action {
            Action::Withdraw | Action::Announce | Action::PathChange | Action::Hijack | Action::Flap => true,
            Action::SessionDown | Action::TableTransfer | Action::StateChange | Action::FeedCut => false,
        };
        if takes_prefixes == event.prefixes.is_empty() {
            let word = if takes_prefixes { "needs prefixes = [\"192.0.2.0/24\"]" } else { "takes no prefixes; leave them out" };
            return self.fail(row.span(), format!("this action {word}"));
        }
        if (event.action == Action::Hijack) != event.origin.is_some() {
            return self
                .fail(row.span(), "`origin` is the AS which announces foreign prefixes: a hijack needs it, nothing else takes it");
        }
        let flap = event.action == Action::Flap;
        let change = event.action == Action::StateChange;
        let repeats = flap || change;
        if repeats != event.times.is_some() || repeats != event.period.is_some() || (!flap && event.down.is_some()) {
            let message = "a flap and a state_change need times = 5 and period = \"60s\", and a flap may have `down`; nothing else takes them";
            return self.fail(row.span(), message);
        }
        if change != event.states.is_some() {
            let message = "a state_change needs states = [\"established\", \"idle\"], old and new; nothing else takes them";
            return self.fail(row.span(), message);
        }
        if let (Some(period), down) = (event.period, event.down)
            && (period.seconds() < 1 || down.is_some_and(|down| down >= period))
        {
            return self.fail(row.span(), "the period is at least 1s, and a flap's is longer than `down`");
        }
        if change && event.until.is_some() {
            return self.fail(row.span(), "a state_change does not end; write `times` and `period`");
        }
        if !event.stragglers.is_empty() && event.action != Action::Withdraw {
            return self.fail(row.span(), "only a withdraw has stragglers");
        }
        if event.action == Action::FeedCut && (event.spread.is_some() || !event.asns.is_empty() || event.percent.is_some()) {
            return self.fail(row.span(), "a feed_cut silences whole collectors at once; it takes at, until and collectors only");
        }
        if event.action == Action::Announce && event.until.is_some() {
            return self.fail(row.span(), "an announce does not end; write a withdraw row for that");
        }
        Ok(())
    }

    fn selection(&self, row: &Row<Event>) -> Result<(), DrillError> {
        let event = row.as_ref();
        self.known(row.span(), "collector", &event.collectors, &self.collector_names())?;
        if event.percent.is_some() && event.count.is_some() {
            return self.fail(row.span(), "write either percent or count");
        }
        if event.percent.unwrap_or(0).saturating_add(event.skip_percent) > 100 || event.hunting > 100 {
            return self.fail(row.span(), "percentages reach from 0 to 100, and skip_percent + percent too");
        }
        if event.transit.is_some() && event.prefixes.is_empty() {
            return self.fail(row.span(), "`transit` chooses peers by their paths to the prefixes; this action has none");
        }
        if event.spread.is_some_and(|spread| spread.micros() < 0) {
            return self.fail(row.span(), "`spread` is negative");
        }
        Ok(())
    }

    fn collector_names(&self) -> Vec<&str> {
        self.document.collectors.iter().map(|row| row.as_ref().name.as_str()).collect()
    }

    fn known(&self, span: Range<usize>, what: &str, names: &[String], known: &[&str]) -> Result<(), DrillError> {
        match names.iter().find(|name| !known.contains(&name.as_str())) {
            Some(name) => self.fail(span, format!("there is no {what} `{name}`; there are: {}", known.join(", "))),
            None => Ok(()),
        }
    }

    fn probes(&self) -> Result<(), DrillError> {
        let Some(row) = &self.document.probes else {
            let first = [
                self.document.dns.first().map(Row::span),
                self.document.http.first().map(Row::span),
                self.document.status.first().map(Row::span),
            ];
            return match first.into_iter().flatten().next() {
                Some(span) => self.fail(span, "results need somebody who probes; write [probes] with its vantages"),
                None => Ok(()),
            };
        };
        let probes = row.as_ref();
        if probes.period.seconds() < 1 || probes.status_period.seconds() < 1 {
            return self.fail(row.span(), "the periods of [probes] are at least 1s");
        }
        if probes.vantages.is_empty() {
            return self.fail(row.span(), "[probes] has no vantages; write [[probes.vantages]] with name and resolver");
        }
        let zones = zone_names(probes);
        for host in &probes.hostnames {
            self.known(row.span(), "zone", host.zone.as_slice(), &zones)?;
        }
        for page in &probes.pages {
            let host = std::slice::from_ref(&page.host);
            self.known(row.span(), "host name", host, &host_names(probes))?;
        }
        Ok(())
    }

    fn rows(&self) -> Result<(), DrillError> {
        let Some(probes) = self.document.probes.as_ref().map(AsRef::as_ref) else { return Ok(()) };
        let vantages: Vec<&str> = probes.vantages.iter().map(|vantage| vantage.name.as_str()).collect();
        let names: Vec<&str> = host_names(probes).into_iter().chain(zone_names(probes)).collect();
        let servers: Vec<&str> = probes.zones.iter().flat_map(|zone| &zone.servers).map(|server| server.name.as_str()).collect();
        for row in &self.document.dns {
            let dns = row.as_ref();
            self.within(row.span(), dns.at, dns.until)?;
            self.known(row.span(), "vantage", &dns.vantages, &vantages)?;
            self.known(row.span(), "host name or zone", &dns.names, &names)?;
            self.known(row.span(), "name server", &dns.servers, &servers)?;
            if dns.percent > 100 {
                return self.fail(row.span(), "percent reaches from 0 to 100");
            }
        }
        let pages: Vec<&str> = probes.pages.iter().map(|page| page.name.as_str()).collect();
        for row in &self.document.http {
            let http = row.as_ref();
            self.within(row.span(), http.at, http.until)?;
            self.known(row.span(), "vantage", &http.vantages, &vantages)?;
            self.known(row.span(), "page", &http.pages, &pages)?;
            if http.percent > 100 {
                return self.fail(row.span(), "percent reaches from 0 to 100");
            }
        }
        for row in &self.document.status {
            let status = row.as_ref();
            self.within(row.span(), status.at, status.until)?;
            for name in &status.services {
                let Some(service) = probes.services.iter().find(|service| service.name == *name) else {
                    let known: Vec<&str> = probes.services.iter().map(|service| service.name.as_str()).collect();
                    return self.known(row.span(), "service", std::slice::from_ref(name), &known);
                };
                let reporters: Vec<&str> = service.reporters.iter().map(String::as_str).collect();
                self.known(row.span(), &format!("reporter of {name}"), std::slice::from_ref(&status.reporter), &reporters)?;
            }
        }
        Ok(())
    }

    /// A rebuilt incident stands on its sources.
    fn sources(&self) -> Result<(), DrillError> {
        if self.document.drill.kind == Kind::Exercise {
            return Ok(());
        }
        let missing = |source: &Option<String>| source.as_ref().is_none_or(|source| source.trim().is_empty());
        let document = self.document;
        let mut rows: Vec<(Range<usize>, bool)> = Vec::new();
        rows.extend(document.collectors.iter().map(|row| (row.span(), missing(&row.as_ref().source))));
        rows.extend(document.background.iter().map(|row| (row.span(), missing(&row.as_ref().source))));
        rows.extend(document.routes.iter().map(|row| (row.span(), missing(&row.as_ref().source))));
        rows.extend(document.events.iter().map(|row| (row.span(), missing(&row.as_ref().source))));
        rows.extend(document.probes.iter().map(|row| (row.span(), missing(&row.as_ref().source))));
        rows.extend(document.dns.iter().map(|row| (row.span(), missing(&row.as_ref().source))));
        rows.extend(document.http.iter().map(|row| (row.span(), missing(&row.as_ref().source))));
        rows.extend(document.status.iter().map(|row| (row.span(), missing(&row.as_ref().source))));
        match rows.into_iter().find(|(_, missing)| *missing) {
            Some((span, _)) => self.fail(
                span,
                "this row has no source; a rebuilt incident names one for each: write source = \"…\", or \"interpolated: why\" where there is none",
            ),
            None => Ok(()),
        }
    }
}

fn zone_names(probes: &Probes) -> Vec<&str> {
    probes.zones.iter().map(|zone| zone.name.as_str()).collect()
}

fn host_names(probes: &Probes) -> Vec<&str> {
    probes.hostnames.iter().map(|host| host.name.as_str()).collect()
}
