//! The page: everything on it in words, and what changes in place while somebody looks.
//!
//! Takes a [`Snapshot`], gives a [`Page`]; the template renders it, and [`Page::spots`] are the same words for a page which is open already. So
//! both always agree, and the script decides nothing. Every text is escaped by the template, or set as text.

use super::Snapshot;
use super::api::{ServiceCode, ServiceState, Services};
use super::chart::{Window, areas, bars};
use super::chronicle::{IncidentRow, IncidentState};
use crate::report::{count, feed_event, grouped, length, plain};
use crate::time::Timestamp;
use crate::watch::board::{Board, CollectorState, Condition, PrefixState, RouterState, SightCode, StreamState, Voice};
use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

pub(super) const STYLE: &str = include_str!("page/style.css");
pub(super) const SCRIPT: &str = include_str!("page/script.js");

/// Prefixes, and incidents which are over, which are shown: the API has all.
const SHOWN: usize = 100;
/// Vantage points which do not speak and are named.
const NAMED: usize = 12;
/// Values in the chart of frames a second.
const RATES: usize = 120;

/// A place on the page whose text, class or path changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    /// The element.
    pub id: String,
    /// What of it: `text`, `class` or `d`.
    pub what: &'static str,
    /// What it is now.
    pub value: String,
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "page.html", config = "src/dashboard/page/askama.toml")]
pub(super) struct Page {
    pub organization: String,
    pub note: Option<String>,
    pub title: Spot,
    pub as_of: Spot,
    pub sight: Spot,
    pub sight_words: Spot,
    pub limits: Spot,
    pub facts: Vec<(&'static str, Spot)>,
    /// How fast the stream is, drawn and in words; none if none is heard.
    pub rates: Option<(Spot, Spot)>,
    pub state: Spot,
    pub state_words: Spot,
    pub open: Vec<IncidentCard>,
    pub past: Vec<IncidentCard>,
    pub prefixes: Vec<PrefixCard>,
    pub prefixes_more: usize,
    pub axis: (Spot, Spot),
    pub services: Vec<ServiceCard>,
    pub collectors: Vec<CollectorLine>,
    pub quiet: Spot,
    pub notes: Spot,
    pub style: &'static str,
    pub script: &'static str,
}

#[derive(Debug)]
pub(super) struct IncidentCard {
    pub number: usize,
    pub report: Option<String>,
    pub card: Spot,
    pub headline: Spot,
    pub when: Spot,
    pub in_short: Spot,
}

#[derive(Debug)]
pub(super) struct PrefixCard {
    pub prefix: String,
    pub label: Option<String>,
    pub card: Spot,
    pub condition: Spot,
    pub since: Spot,
    pub counts: Spot,
    pub has: Spot,
    pub unknown: Spot,
    pub lost: Spot,
}

#[derive(Debug)]
pub(super) struct ServiceCard {
    pub service: String,
    pub card: Spot,
    pub state: Spot,
    pub sentence: Spot,
}

#[derive(Debug)]
pub(super) struct CollectorLine {
    pub name: String,
    pub line: Spot,
    pub state: Spot,
    pub speaking: Spot,
    pub tables: Spot,
    pub heard: Spot,
    pub gaps: Spot,
}

fn spot(id: impl Into<String>, what: &'static str, value: impl Into<String>) -> Spot {
    Spot { id: id.into(), what, value: plain(&value.into()) }
}

fn text(id: impl Into<String>, value: impl Into<String>) -> Spot {
    spot(id, "text", value)
}

fn class(id: impl Into<String>, value: impl Into<String>) -> Spot {
    spot(id, "class", value)
}

/// The hash of a script or a style, as policies name it.
pub(super) fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

impl Page {
    pub(super) fn of(snapshot: &Snapshot) -> Page {
        let board = &snapshot.board;
        let now = board.now.unwrap_or(board.made_at);
        let window = Window::of(&board.prefixes, now);
        let open: Vec<&IncidentRow> = snapshot.open().collect();
        let past = snapshot.incidents.iter().filter(|row| row.state != IncidentState::Open).take(SHOWN);
        let mut order: Vec<(usize, &PrefixState)> = board.prefixes.iter().enumerate().collect();
        order.sort_by_key(|(_, prefix)| std::cmp::Reverse(prefix.condition));
        let (state, state_words) = state(board, open.len());
        let quiet = quiet(board);
        Page {
            organization: plain(&board.organization),
            note: board.note.as_deref().map(plain),
            title: text("title", title(board, open.len())),
            as_of: text("as-of", as_of(board)),
            sight: class("sight", format!("band {}", sight_class(board.sight.code))),
            sight_words: text("sight-words", board.sight.sentence.clone()),
            limits: text("limits", board.sight.limits.join("\n")),
            facts: facts(board),
            rates: board.stream.as_ref().map(rates),
            state: class("state", format!("band {state}")),
            state_words: text("state-words", state_words),
            open: open.into_iter().map(incident).collect(),
            past: past.map(incident).collect(),
            prefixes_more: order.len().saturating_sub(SHOWN),
            prefixes: order.into_iter().take(SHOWN).map(|(place, state)| prefix(place, state, (now, window))).collect(),
            axis: (text("axis-length", length(window.length())), text("axis-from", clock(window.from))),
            services: Services::of(snapshot).services.iter().enumerate().map(service).collect(),
            collectors: board.collectors.iter().enumerate().map(collector).collect(),
            quiet: text("quiet", quiet),
            notes: text("notes", notes(board)),
            style: STYLE,
            script: SCRIPT,
        }
    }

    /// What stands on the page, and in which order: a page of another shape must be loaded anew.
    pub(super) fn shape(&self) -> String {
        let incidents = self.open.iter().map(|card| format!("o{}", card.number));
        let past = self.past.iter().map(|card| format!("p{}{}", card.number, card.report.is_some()));
        let prefixes = self.prefixes.iter().map(|card| format!("{}{}", card.card.id, card.prefix));
        let services = self.services.iter().map(|card| card.card.id.clone());
        let collectors = self.collectors.iter().map(|line| line.line.id.clone());
        let facts = self.facts.iter().map(|(_, spot)| spot.id.clone());
        let all: Vec<String> = facts.chain(incidents).chain(past).chain(prefixes).chain(services).chain(collectors).collect();
        Sha256::digest(all.join(" ")).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Everything which changes in place.
    pub(super) fn spots(&self) -> Vec<&Spot> {
        let mut spots = vec![&self.title, &self.as_of, &self.sight, &self.sight_words, &self.limits];
        spots.extend(self.facts.iter().map(|(_, spot)| spot));
        spots.extend(self.rates.iter().flat_map(|(drawn, words)| [drawn, words]));
        spots.extend([&self.state, &self.state_words, &self.axis.0, &self.axis.1]);
        let incidents = self.open.iter().chain(&self.past);
        spots.extend(incidents.flat_map(|card| [&card.card, &card.headline, &card.when, &card.in_short]));
        for card in &self.prefixes {
            spots.extend([&card.card, &card.condition, &card.since, &card.counts, &card.has, &card.unknown, &card.lost]);
        }
        spots.extend(self.services.iter().flat_map(|card| [&card.card, &card.state, &card.sentence]));
        for line in &self.collectors {
            spots.extend([&line.line, &line.state, &line.speaking, &line.tables, &line.heard, &line.gaps]);
        }
        spots.extend([&self.quiet, &self.notes]);
        spots
    }
}

/// What a tab is called: it is seen while others are looked at.
fn title(board: &Board, open: usize) -> String {
    let name = &board.organization;
    match (open, board.sight.code) {
        (0, SightCode::Blind) => format!("? {name}"),
        (0, SightCode::Clear | SightCode::Limited) => format!("✔ {name}"),
        (open, _) => format!("✖ {} – {name}", count(size(open), "incident", "incidents")),
    }
}

fn size(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn as_of(board: &Board) -> String {
    match board.now {
        Some(now) if board.replayed => format!("a replay, at {}", now.in_words()),
        Some(_) | None => format!("as of {}", board.made_at.in_words()),
    }
}

const fn sight_class(code: SightCode) -> &'static str {
    match code {
        SightCode::Clear => "good",
        SightCode::Limited => "doubt",
        SightCode::Blind => "bad",
    }
}

/// Whether anything is wrong. Where nothing can be seen nothing is claimed.
fn state(board: &Board, open: usize) -> (&'static str, String) {
    let lost = board.prefixes.iter().filter(|prefix| prefix.condition == Condition::Withdrawn).count();
    let falling = board.prefixes.iter().filter(|prefix| prefix.condition == Condition::Falling).count();
    let prefixes = |number: usize| count(size(number), "prefix", "prefixes");
    if open > 0 {
        let withdrawn =
            if lost > 0 { format!(", {} of {} withdrawn", lost, prefixes(board.prefixes.len())) } else { String::new() };
        return ("bad", format!("{} open{withdrawn}.", count(size(open), "incident", "incidents")));
    }
    if falling > 0 {
        return ("doubt", format!("No incident yet, but {} falling.", prefixes(falling)));
    }
    match board.sight.code {
        SightCode::Blind => ("doubt", "No incident is known, but nothing can be seen.".to_owned()),
        SightCode::Limited => ("good", "No incident, as far as can be seen.".to_owned()),
        SightCode::Clear => ("good", "No incident.".to_owned()),
    }
}

fn facts(board: &Board) -> Vec<(&'static str, Spot)> {
    let mut facts = board.stream.as_ref().map(|stream| of_stream(stream, board.made_at)).unwrap_or_default();
    facts.extend(board.routers.as_ref().map(|routers| ("routers", text("routers", of_routers(routers)))));
    facts.extend(board.canary.as_ref().map(|canary| ("canary", text("canary", canary.sentence.clone()))));
    let outbox = board.outbox.as_ref();
    let alerts = outbox.map(|outbox| format!("{} waiting, {} delivered", grouped(outbox.waiting), grouped(outbox.delivered)));
    facts.extend(alerts.map(|words| ("alerts", text("alerts", words))));
    facts
}

/// Each router, whether it is connected, and how much came from it.
fn of_routers(routers: &[RouterState]) -> String {
    if routers.is_empty() {
        return "none has told anything yet".to_owned();
    }
    let told = |router: &RouterState| {
        let state = if router.connected { "connected" } else { "not connected" };
        format!("{} {state}, {} so far", router.name, count(router.messages, "message", "messages"))
    };
    routers.iter().map(told).collect::<Vec<_>>().join("; ")
}

fn of_stream(stream: &StreamState, now: Timestamp) -> Vec<(&'static str, Spot)> {
    let connection = match (&stream.reason, stream.connected) {
        (_, true) => format!("up since {}", day_or_clock(stream.since, now)),
        (Some(reason), false) => format!("down since {}: {reason}", day_or_clock(stream.since, now)),
        (None, false) => "being made".to_owned(),
    };
    let lost = match stream.lost {
        0 => String::new(),
        lost => format!("; lost {}", count(lost, "time", "times")),
    };
    let heard = stream.heard.map_or_else(|| "never".to_owned(), |heard| ago(now, heard));
    let behind = match stream.lag_seconds {
        Some(seconds) => format!("; messages are {} old", words_of(seconds)),
        None => String::new(),
    };
    let unreadable = match stream.unreadable {
        0 => String::new(),
        unreadable => format!(", {} unreadable", grouped(unreadable)),
    };
    let mut facts = vec![
        ("connection", text("connection", format!("{connection}{lost}"))),
        ("last heard", text("heard", format!("{heard}{behind}"))),
        (
            "messages",
            text("messages", format!("{} a second, {} so far{unreadable}", grouped(stream.per_second), grouped(stream.frames))),
        ),
        ("stream", text("stream", stream.address.clone())),
    ];
    let complaint = stream.complaint.as_ref();
    facts.extend(complaint.map(|said| ("the server said", text("complaint", format!("{} ({})", said.words, ago(now, said.at))))));
    facts
}

/// How fast the stream is, drawn and in words.
fn rates(stream: &StreamState) -> (Spot, Spot) {
    let most = stream.rates.iter().copied().max().unwrap_or(0);
    let words = format!("messages a second in the last 10 minutes, {} at most", grouped(most));
    (spot("rates", "d", bars(&stream.rates, RATES)), text("rates-words", words))
}

fn incident(row: &IncidentRow) -> IncidentCard {
    let id = format!("i{}", row.number);
    let (class_word, when) = match (&row.ended, row.state) {
        (_, IncidentState::Withdrawn) => ("gone", "part of another one, or none".to_owned()),
        (Some(ended), _) => ("over", format!("{} to {}, {}", row.began.words, ended.words, row.lasted)),
        (None, _) => ("bad", format!("since {}; as told at {}", row.began.words, day_or_clock(row.changed_at, row.began.latest))),
    };
    IncidentCard {
        number: row.number,
        report: row.report.clone(),
        card: class(id.clone(), format!("card {class_word}")),
        headline: text(format!("{id}-headline"), row.headline.clone()),
        when: text(format!("{id}-when"), when),
        in_short: text(format!("{id}-short"), row.in_short.join("\n")),
    }
}

const fn condition_class(condition: Condition) -> &'static str {
    match condition {
        Condition::Usual => "good",
        Condition::NeverSeen | Condition::Untold => "unsure",
        Condition::Falling | Condition::Returning => "doubt",
        Condition::Withdrawn => "bad",
    }
}

fn prefix(place: usize, state: &PrefixState, (now, window): (Timestamp, Window)) -> PrefixCard {
    let id = format!("p{place}");
    let seen = state.visibility;
    let mut condition = state.condition.words().to_owned();
    if let Some(level) = state.level {
        condition = format!("{condition}, {}", level.word());
    }
    if !state.foreign_origins.is_empty() {
        let origins: Vec<String> = state.foreign_origins.iter().map(ToString::to_string).collect();
        condition = format!("{condition}; foreign origin {}", origins.join(", "));
    }
    let foreign = if state.foreign_origins.is_empty() { "" } else { " foreign" };
    let unknown = if seen.unknown > 0 { format!(", {} unknown", seen.unknown) } else { String::new() };
    let usual = state.usual.map(|usual| format!("; usual {usual}")).unwrap_or_default();
    let counts = match seen.eligible() {
        0 => "nobody can tell".to_owned(),
        all => format!("{} of {all} ASes see it{unknown}{usual}", seen.seeing),
    };
    let areas = areas(&state.course, window);
    PrefixCard {
        prefix: state.prefix.clone(),
        label: state.label.as_deref().map(plain),
        card: class(id.clone(), format!("card {}{foreign}", condition_class(state.condition))),
        condition: text(format!("{id}-condition"), condition),
        since: text(
            format!("{id}-since"),
            state.since.map(|since| format!("since {}", day_or_clock(since, now))).unwrap_or_default(),
        ),
        counts: text(format!("{id}-counts"), counts),
        has: spot(format!("{id}-has"), "d", areas.has),
        unknown: spot(format!("{id}-unknown"), "d", areas.unknown),
        lost: spot(format!("{id}-lost"), "d", areas.lost),
    }
}

fn service((place, state): (usize, &ServiceState)) -> ServiceCard {
    let id = format!("s{place}");
    let (class_word, words) = match state.code {
        ServiceCode::Failing => ("bad", "failing"),
        ServiceCode::Concerned => ("doubt", "concerned"),
        ServiceCode::NotProbed if state.probes.series > 0 => ("unsure", "not known"),
        ServiceCode::NotProbed => ("unsure", "not probed"),
        ServiceCode::Up => ("good", "up"),
    };
    ServiceCard {
        service: plain(&state.service),
        card: class(id.clone(), format!("card {class_word}")),
        state: text(format!("{id}-state"), words),
        sentence: text(format!("{id}-sentence"), state.sentence.clone()),
    }
}

fn collector((place, state): (usize, &CollectorState)) -> CollectorLine {
    let id = format!("c{place}");
    let (class_word, words) = match state.silent {
        true => ("bad", "silent"),
        false if state.speaking == 0 => ("bad", "nobody speaks"),
        false if state.speaking < state.vantage_points => ("doubt", "speaks in part"),
        false => ("good", "speaks"),
    };
    CollectorLine {
        name: plain(&state.name),
        line: class(id.clone(), class_word),
        state: text(format!("{id}-state"), words),
        speaking: text(format!("{id}-speaking"), format!("{} of {}", state.speaking, state.vantage_points)),
        tables: text(format!("{id}-tables"), format!("{} known, {} full", state.known_tables, state.full_feeds)),
        heard: text(
            format!("{id}-heard"),
            state.silent_seconds.map_or_else(|| "never".to_owned(), |seconds| format!("{} ago", words_of(seconds))),
        ),
        gaps: text(format!("{id}-gaps"), grouped(u64::from(state.gaps))),
    }
}

/// Who does not speak, by name.
fn quiet(board: &Board) -> String {
    let all: Vec<_> = board.vantage_points.iter().filter(|point| point.voice != Voice::Speaks).collect();
    if all.is_empty() {
        return String::new();
    }
    let name = |place: usize| board.collectors.get(place).map_or("", |collector| collector.name.as_str());
    let named: Vec<String> = all
        .iter()
        .take(NAMED)
        .map(|point| format!("{} ({}) at {}: {}", point.asn, point.peer, name(point.collector), point.voice.word()))
        .collect();
    let more = match all.len() - named.len() {
        0 => String::new(),
        more => format!("\nand {}", count(size(more), "more", "more")),
    };
    format!("{}{more}", named.join("\n"))
}

fn notes(board: &Board) -> String {
    let now = board.now.unwrap_or(board.made_at);
    let line = |note: &crate::watch::board::FeedNoteState| {
        let until = note.until.map(|until| format!(" to {}", day_or_clock(until, now))).unwrap_or_default();
        format!("{}{until}  {}: {}", day_or_clock(note.at, now), note.whom, feed_event(note.what))
    };
    board.notes.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// `12:34:56`.
fn clock(at: Timestamp) -> String {
    at.in_words().get(11..19).unwrap_or_default().to_owned()
}

/// `12:34:56 UTC`, with the day if it is another one.
fn day_or_clock(at: Timestamp, now: Timestamp) -> String {
    const DAY: i64 = 86_400;
    let words = at.in_words();
    if at.seconds().div_euclid(DAY) == now.seconds().div_euclid(DAY) { words.get(11..).unwrap_or(&words).to_owned() } else { words }
}

fn ago(now: Timestamp, at: Timestamp) -> String {
    format!("{} ago", words_of(now.since(at).seconds().max(0)))
}

/// Seconds in words: `42 s`, `3 min`, `2 h 5 min`.
fn words_of(seconds: i64) -> String {
    match (seconds / 3_600, seconds / 60 % 60) {
        (0, 0) => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}
