//! The findings as Parquet tables, for notebooks and other tools: times are whole microseconds since 1970, UTC.
//!
//! One table a kind of finding, one row each. Nothing is rounded and nothing is left out; verdicts stand in `incidents` only.

use crate::analysis::Analysis;
use crate::incident::{Incident, Reason, ServiceVerdict};
use crate::probe::to_parquet;
use crate::reachability::Series;
use crate::report::view::place::Files;
use crate::report::words;
use crate::rib::{ChangeCause, PrefixId, RouteState};
use crate::settings::{SETTINGS, Settings};
use crate::table::{Column, TableError, Values, write_parquet};
use crate::time::{Bounds, Timestamp};
use crate::withdrawal::Level;
use std::collections::HashMap;

/// File names and contents.
///
/// # Errors
/// If the program was built without the feature `tables`.
pub fn tables(analysis: &Analysis) -> Result<Vec<(&'static str, Vec<u8>)>, TableError> {
    Ok(vec![
        ("route_changes.parquet", route_changes(analysis)?),
        ("visibility.parquet", visibility(analysis)?),
        ("withdrawals.parquet", withdrawals(analysis)?),
        ("probes.parquet", to_parquet(&analysis.results)?),
        ("attempts.parquet", attempts(analysis)?),
        ("losses.parquet", losses(analysis)?),
        ("incidents.parquet", incidents(analysis)?),
        ("settings.parquet", settings(&analysis.organization.settings)?),
        ("files.parquet", files(analysis)?),
    ])
}

/// Columns being filled, row by row.
struct Rows {
    columns: Vec<Column>,
}

/// One cell.
enum Cell {
    Text(Option<String>),
    Whole(Option<i64>),
}

impl Rows {
    fn new(text: &[&str], whole: &[&str]) -> Self {
        let column = |name: &&str, values: Values| Column { name: (*name).to_owned(), values };
        let text = text.iter().map(|name| column(name, Values::Text(Vec::new())));
        let columns = text.chain(whole.iter().map(|name| column(name, Values::Whole(Vec::new())))).collect();
        Rows { columns }
    }

    /// Cells in the order of the columns; a cell of the wrong kind counts as missing.
    fn push(&mut self, cells: Vec<Cell>) {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            match (&mut column.values, cell) {
                (Values::Text(column), Cell::Text(text)) => column.push(text),
                (Values::Text(column), Cell::Whole(_)) => column.push(None),
                (Values::Whole(column), Cell::Whole(number)) => column.push(number),
                (Values::Whole(column), Cell::Text(_)) => column.push(None),
                (Values::Flag(column), _) => column.push(None),
            }
        }
    }

    fn bytes(self) -> Result<Vec<u8>, TableError> {
        write_parquet(self.columns)
    }
}

fn text(value: impl ToString) -> Cell {
    Cell::Text(Some(value.to_string()))
}

fn count(value: impl TryInto<i64>) -> Cell {
    Cell::Whole(value.try_into().ok())
}

fn time(at: Timestamp) -> Cell {
    Cell::Whole(Some(at.micros()).filter(|micros| *micros != i64::MIN))
}

fn maybe(at: Option<Timestamp>) -> Cell {
    Cell::Whole(at.map(Timestamp::micros))
}

fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> Cell {
    Cell::Text(Some(items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(" ")))
}

fn state(state: RouteState) -> &'static str {
    match state {
        RouteState::Present => "present",
        RouteState::Withdrawn => "withdrawn",
        RouteState::Unknown => "unknown",
    }
}

fn cause(cause: ChangeCause) -> &'static str {
    match cause {
        ChangeCause::Announced => "announced",
        ChangeCause::Withdrawn(_) => "withdrawn",
        ChangeCause::NotInTransfer => "not in transfer",
        ChangeCause::Table => "table",
        ChangeCause::Liveness => "liveness",
    }
}

fn route_changes(analysis: &Analysis) -> Result<Vec<u8>, TableError> {
    let mut rows = Rows::new(
        &["collector", "peer", "prefix", "before", "after", "cause", "path", "file"],
        &["at_us", "peer_asn", "origin_asn", "record"],
    );
    let (rib, files) = (&analysis.routing.rib, Files::of(analysis));
    for change in &analysis.routing.log.routes {
        let point = analysis.vantages.point(change.from);
        let route = change.route.map(|route| rib.route_of(route));
        rows.push(vec![
            text(&point.collector),
            text(point.peer),
            text(rib.prefix_of(change.prefix)),
            text(state(change.before)),
            text(state(change.after)),
            text(cause(change.cause)),
            list(route.map(|route| route.path.iter().map(|asn| asn.0).collect::<Vec<_>>()).unwrap_or_default()),
            Cell::Text(files.place(change.source).0),
            time(change.at),
            count(point.asn.0),
            Cell::Whole(route.and_then(|route| route.origin).map(|origin| i64::from(origin.0))),
            Cell::Whole(files.place(change.source).1.and_then(|record| record.try_into().ok())),
        ]);
    }
    rows.bytes()
}

fn visibility(analysis: &Analysis) -> Result<Vec<u8>, TableError> {
    let mut rows = Rows::new(&["prefix"], &["at_us", "seeing", "lost", "unknown"]);
    for change in &analysis.routing.log.visibility {
        let now = change.now;
        let prefix = analysis.routing.rib.prefix_of(change.prefix);
        rows.push(vec![text(prefix), time(change.at), count(now.seeing), count(now.lost), count(now.unknown)]);
    }
    rows.bytes()
}

fn withdrawals(analysis: &Analysis) -> Result<Vec<u8>, TableError> {
    let mut rows = Rows::new(
        &["incident", "prefix", "origins", "level", "cover", "lost_by", "common_transit", "zombies"],
        &[
            "first_statement_us",
            "onset_earliest_us",
            "onset_latest_us",
            "below_warn_us",
            "below_open_us",
            "below_critical_us",
            "opened_us",
            "trough_us",
            "trough_seeing",
            "trough_lost",
            "trough_unknown",
            "first_back_us",
            "back_at_open_us",
            "recovered_earliest_us",
            "recovered_us",
            "closed_us",
            "stragglers",
            "statements",
            "baseline_millionths",
        ],
    );
    let incidents = analysis.correlation.incidents.iter();
    let held = incidents.flat_map(|incident| incident.evidence.withdrawals.iter().map(move |held| (incident, held)));
    let incident_of: HashMap<(PrefixId, Bounds), &Incident> =
        held.map(|(incident, held)| ((held.id, held.onset), incident)).collect();
    for withdrawal in &analysis.routing.withdrawals {
        let incident = incident_of.get(&(withdrawal.id, withdrawal.onset));
        let crossed = |level: Level| maybe(withdrawal.crossed[level as usize]);
        let trough = withdrawal.trough;
        rows.push(vec![
            Cell::Text(incident.map(|incident| incident.id.clone())),
            text(withdrawal.prefix),
            list(&withdrawal.origins),
            text(withdrawal.level.word()),
            Cell::Text(withdrawal.cover.as_ref().map(|cover| cover.prefix.to_string())),
            list(&withdrawal.lost_by),
            list(&withdrawal.common_transit),
            list(&withdrawal.zombies),
            time(withdrawal.first_statement),
            time(withdrawal.onset.earliest),
            time(withdrawal.onset.latest),
            crossed(Level::Partial),
            crossed(Level::Major),
            crossed(Level::Full),
            time(withdrawal.opened),
            time(trough.at),
            count(trough.visibility.seeing),
            count(trough.visibility.lost),
            count(trough.visibility.unknown),
            maybe(withdrawal.first_back),
            maybe(withdrawal.back_at_open),
            maybe(withdrawal.recovery().map(|recovery| recovery.earliest)),
            maybe(withdrawal.recovered),
            maybe(withdrawal.closed),
            count(withdrawal.stragglers.len()),
            count(withdrawal.evidence.len()),
            count(withdrawal.baseline.millionths()),
        ]);
    }
    rows.bytes()
}

/// The names of the services which a series speaks of.
fn services(analysis: &Analysis, series: &Series) -> Cell {
    let services = series.services.iter().filter_map(|index| analysis.organization.services.get(*index));
    Cell::Text(Some(services.map(|service| service.name.as_str()).collect::<Vec<_>>().join("; ")))
}

fn attempts(analysis: &Analysis) -> Result<Vec<u8>, TableError> {
    let mut rows = Rows::new(&["vantage", "target", "check", "layer", "services", "failure"], &["began_us", "ended_us"]);
    for attempt in &analysis.attempts {
        let series = &attempt.series;
        rows.push(vec![
            text(&series.vantage),
            text(series.target_in_words()),
            text(&series.check),
            text(series.layer.word()),
            services(analysis, series),
            Cell::Text(attempt.failure.map(|kind| kind.word().to_owned())),
            time(attempt.began),
            time(attempt.ended),
        ]);
    }
    rows.bytes()
}

fn losses(analysis: &Analysis) -> Result<Vec<u8>, TableError> {
    let mut rows = Rows::new(
        &["incident", "vantage", "check", "layer", "services", "kinds", "recovered_in"],
        &[
            "onset_earliest_us",
            "onset_latest_us",
            "recovery_earliest_us",
            "recovery_latest_us",
            "last_failure_us",
            "failures",
            "cached_for_s",
            "recovered_record",
        ],
    );
    let files = Files::of(analysis);
    // One of a control may belong to several incidents: the first names it.
    let mut incident_of: HashMap<(&Series, Bounds), &Incident> = HashMap::new();
    for incident in &analysis.correlation.incidents {
        let evidence = &incident.evidence;
        for held in evidence.losses.iter().chain(&evidence.muted).chain(&evidence.controls) {
            incident_of.entry((&held.series, held.onset)).or_insert(incident);
        }
    }
    for loss in &analysis.reachability.losses {
        let incident = incident_of.get(&(&*loss.series, loss.onset));
        let recovery = |pick: fn(Bounds) -> Timestamp| maybe(loss.recovery.map(pick));
        rows.push(vec![
            Cell::Text(incident.map(|incident| incident.id.clone())),
            text(&loss.series.vantage),
            text(&loss.series.check),
            text(loss.series.layer.word()),
            services(analysis, &loss.series),
            Cell::Text(Some(loss.kinds.iter().map(|(kind, n)| format!("{} {n}", kind.word())).collect::<Vec<_>>().join("; "))),
            Cell::Text(files.place(loss.recovered_by).0),
            time(loss.onset.earliest),
            time(loss.onset.latest),
            recovery(|bounds| bounds.earliest),
            recovery(|bounds| bounds.latest),
            time(loss.last_failure),
            count(loss.evidence.len()),
            count(loss.cached_for),
            Cell::Whole(files.place(loss.recovered_by).1.and_then(|record| record.try_into().ok())),
        ]);
    }
    rows.bytes()
}

fn codes(reasons: &[Reason]) -> String {
    reasons.iter().map(|reason| words::code(reason.code)).collect::<Vec<_>>().join(" ")
}

fn incidents(analysis: &Analysis) -> Result<Vec<u8>, TableError> {
    let mut rows = Rows::new(
        &["incident", "incident_verdict", "service", "verdict", "layer", "reasons_for", "reasons_against"],
        &[
            "began_earliest_us",
            "began_latest_us",
            "ended_earliest_us",
            "ended_latest_us",
            "name_servers_lost",
            "name_servers",
            "addresses_lost",
            "addresses",
            "withdrawals",
            "losses",
        ],
    );
    for incident in &analysis.correlation.incidents {
        let verdict = incident.verdict();
        // An incident which concerns no known service has a row too.
        let services = verdict.services.iter().map(Some).chain(verdict.services.is_empty().then_some(None));
        for service in services {
            let said = |what: fn(&ServiceVerdict) -> String| Cell::Text(service.map(what));
            let number =
                |what: fn(&ServiceVerdict) -> usize| Cell::Whole(service.and_then(|service| what(service).try_into().ok()));
            rows.push(vec![
                text(&incident.id),
                text(verdict.verdict.phrase()),
                said(|service| service.service.clone()),
                said(|service| service.verdict.phrase().to_owned()),
                said(|service| service.verdict.layer().to_owned()),
                said(|service| codes(&service.reasons_for)),
                said(|service| codes(&service.reasons_against)),
                time(incident.began.earliest),
                time(incident.began.latest),
                maybe(incident.ended.map(|ended| ended.earliest)),
                maybe(incident.ended.map(|ended| ended.latest)),
                number(|service| service.name_servers.0),
                number(|service| service.name_servers.1),
                number(|service| service.addresses.0),
                number(|service| service.addresses.1),
                count(incident.evidence.withdrawals.len()),
                count(incident.evidence.losses.len()),
            ]);
        }
    }
    rows.bytes()
}

fn settings(settings: &Settings) -> Result<Vec<u8>, TableError> {
    let defaults = Settings::default();
    let mut rows = Rows::new(&["key", "value", "default", "unit", "reason", "source"], &["number", "default_number"]);
    for key in SETTINGS {
        let (value, default) = (key.get(settings), key.get(&defaults));
        let (number, unit) = value.number();
        rows.push(vec![
            text(key.key),
            text(value),
            text(default),
            text(unit),
            text(key.reason),
            text(key.source),
            count(number),
            count(default.number().0),
        ]);
    }
    rows.bytes()
}

fn files(analysis: &Analysis) -> Result<Vec<u8>, TableError> {
    let mut rows = Rows::new(&["file", "holds", "collector"], &["first_us", "last_us", "records"]);
    for file in &analysis.bgp_files {
        rows.push(vec![
            text(file.path.display()),
            text("BGP"),
            text(&file.collector),
            maybe(file.first),
            maybe(file.last),
            count(file.records),
        ]);
    }
    for file in &analysis.probe_files {
        rows.push(vec![
            text(file.path.display()),
            text("probes"),
            Cell::Text(None),
            maybe(file.first),
            maybe(file.last),
            count(file.records),
        ]);
    }
    rows.bytes()
}
