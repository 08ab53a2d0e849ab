//! The course of visibility and of the layers, row by row.

use super::area::{share, thinned};
use super::axis::Axis;
use super::{Detail, Figure, Layer, Piece, Row};
use crate::reachability::Layer as Tested;
use crate::report::view::timeline::TimelineView;
use crate::report::view::timeline::lane::{LaneStep, LaneView};
use crate::report::view::timeline::visibility::{GroupSeries, Role, VisibilitySeries, VisibilityStep};
use crate::report::words;

/// What the shapes of visibility mean.
const VISIBILITY: [(&str, &str); 3] = [("has", "has a route"), ("unknown", "cannot be told"), ("lost", "has none")];
/// What the shapes of lanes mean.
const LANES: [(&str, &str); 4] = [
    ("good", "works"),
    ("unsure", "between the last attempt of one kind and the first of the other"),
    ("failing", "fails"),
    ("unprobed", "not probed"),
];

/// What both mean, where they stand together.
const BOTH: [(&str, &str); 4] = [
    ("has", "has a route, works"),
    ("unknown", "cannot be told, or between the last attempt of one kind and the first of the other"),
    ("lost", "has no route, fails"),
    ("unprobed", "nothing known, not probed"),
];

/// Everything in a few rows: prefixes by what they are, and one lane a layer.
pub(super) fn glance(name: &str, timeline: &TimelineView, source: &str, axis: Axis) -> Figure {
    let mut rows: Vec<Row> = Vec::new();
    for (place, group) in timeline.groups.iter().enumerate() {
        let mut row = group_row(group, &format!("{source}/groups/{place}"), axis);
        row.heading = (place == 0).then_some("Routing: who has a route");
        rows.push(row);
    }
    for (place, lane) in timeline.layers.iter().enumerate() {
        let mut row = lane_row(lane, &format!("{source}/layers/{place}"), axis, Detail::FULL);
        row.heading = (place == 0).then_some("Clients: does it work");
        rows.push(row);
    }
    let legend = match (timeline.groups.is_empty(), timeline.layers.is_empty()) {
        (false, false) => BOTH.to_vec(),
        (false, true) => VISIBILITY.to_vec(),
        (true, _) => LANES.to_vec(),
    };
    Figure {
        id: format!("{name}-glance"),
        title: "At a glance: routing, DNS and services on one axis of time".to_owned(),
        caption: vec![Piece::text(
            "Routing rows: of all pairs of an AS and a prefix, how many have a route. Lanes: of all probed series, how many work. Full \
             height is all of them.",
        )],
        legend,
        ..Figure::of(axis, rows)
    }
}

/// Every prefix, as far as there is room.
pub(super) fn visibility(name: &str, timeline: &TimelineView, source: &str, axis: Axis, detail: Detail) -> Figure {
    let all = &timeline.visibility;
    // Covers and what services depend on are never crowded out by what was withdrawn.
    let others = all.iter().filter(|series| series.role != Role::Withdrawn && series.role != Role::Own).count();
    let room = detail.rows.saturating_sub(others.min(detail.rows / 3));
    let mut left = (room, detail.rows);
    let mut rows: Vec<Row> = Vec::new();
    let mut last = None;
    for (place, series) in all.iter().enumerate().filter(|(_, series)| !series.steps.is_empty()) {
        let first_of_all = matches!(series.role, Role::Withdrawn | Role::Own);
        if left.1 == 0 || first_of_all && left.0 == 0 {
            continue;
        }
        left = (left.0.saturating_sub(usize::from(first_of_all)), left.1 - 1);
        let mut row = series_row(series, &format!("{source}/visibility/{place}"), axis, detail);
        row.heading = (last != Some(series.role)).then(|| heading(series.role));
        last = Some(series.role);
        rows.push(row);
    }
    let seen = all.iter().filter(|series| !series.steps.is_empty()).count();
    let (unseen, cut) = (all.len() - seen, seen - rows.len());
    let mut left_out = Vec::new();
    if cut > 0 {
        left_out
            .push(format!("{} not drawn; the tables have them", words::count(words::size(cut), "more prefix", "more prefixes")));
    }
    if unseen > 0 {
        left_out.push(format!("{} never seen in this time", words::count(words::size(unseen), "prefix", "prefixes")));
    }
    Figure {
        id: format!("{name}-visibility"),
        title: "Visibility of each prefix".to_owned(),
        caption: vec![Piece::text(
            "Full height is every eligible AS. What lies between the two edges of the filled area cannot be told. The dashed line is the \
             share below which an incident opens.",
        )],
        legend: VISIBILITY.to_vec(),
        left_out: (!left_out.is_empty()).then(|| left_out.join("; ")),
        ..Figure::of(axis, rows)
    }
}

/// Every lane, as far as there is room.
pub(super) fn lanes(name: &str, timeline: &TimelineView, source: &str, axis: Axis, detail: Detail) -> Figure {
    let mut rows: Vec<Row> = Vec::new();
    let mut last = None;
    for (place, lane) in timeline.lanes.iter().enumerate().take(detail.rows) {
        let mut row = lane_row(lane, &format!("{source}/lanes/{place}"), axis, detail);
        row.heading = (last != Some(lane.layer)).then(|| lane_heading(lane.layer));
        last = Some(lane.layer);
        rows.push(row);
    }
    let cut = timeline.lanes.len() - rows.len();
    Figure {
        id: format!("{name}-lanes"),
        title: "DNS, services and controls".to_owned(),
        caption: vec![Piece::text(
            "Full height is every probed series of the row. A failure begins and ends within the steps between.",
        )],
        legend: LANES.to_vec(),
        left_out: (cut > 0).then(|| format!("{} not drawn", words::count(words::size(cut), "more lane", "more lanes"))),
        ..Figure::of(axis, rows)
    }
}

const fn heading(role: Role) -> &'static str {
    match role {
        Role::Withdrawn => "Withdrawn prefixes",
        Role::Foreign => "Announced by another origin",
        Role::Own => "The organization's prefixes",
        Role::Cover => "Covering routes",
        Role::Dependency => "Prefixes which hold services and name servers",
    }
}

const fn lane_heading(layer: Tested) -> &'static str {
    match layer {
        Tested::Authority => "Name servers asked directly",
        Tested::Resolver => "Names through resolvers",
        Tested::ServiceByAddress => "Services at their addresses",
        Tested::ServiceByName => "Services by name",
        Tested::Status => "Status reports",
        Tested::Control => "Controls: somebody else's targets, to tell whether the probes themselves were well",
    }
}

const fn group_name(role: Role) -> (&'static str, &'static str) {
    match role {
        Role::Withdrawn => ("withdrawn prefix", "withdrawn prefixes"),
        Role::Foreign => ("prefix of another origin", "prefixes of another origin"),
        Role::Own => ("own prefix", "own prefixes"),
        Role::Cover => ("covering route", "covering routes"),
        Role::Dependency => ("prefix of services", "prefixes of services"),
    }
}

fn group_row(group: &GroupSeries, source: &str, axis: Axis) -> Row {
    let (one, many) = group_name(group.role);
    let label = format!("{}, {}", words::count(u64::from(group.prefixes), one, many), group.family);
    let mut row = visibility_row(&group.steps, source, axis, Detail::FULL);
    row.label = label;
    row
}

fn series_row(series: &VisibilitySeries, source: &str, axis: Axis, detail: Detail) -> Row {
    let mut row = visibility_row(&series.steps, source, axis, detail);
    row.label = match &series.label {
        Some(label) => format!("{} {label}", series.prefix),
        None => series.prefix.clone(),
    };
    row.threshold = series.open_below_millionths.and_then(|share| u32::try_from(10_000 - (share / 100).min(10_000)).ok());
    row
}

fn visibility_row(all: &[VisibilityStep], source: &str, axis: Axis, detail: Detail) -> Row {
    let steps = thinned(all, |step| step.at, upper, axis, detail.columns);
    let of = |class, part: fn(&VisibilityStep) -> u32| {
        Layer::of(class, steps.iter().map(|step| (step.at, part(step), step.eligible())), axis)
    };
    let layers =
        vec![of("lost", VisibilityStep::eligible), of("unknown", |step| step.seeing + step.unknown), of("has", |step| step.seeing)];
    let told = steps.iter().map(|step| (step.at, [step.seeing, step.lost, step.unknown]));
    let row = Row::of(source).telling("has a route,has none,cannot be told", axis, told);
    Row { words: seen_by(all, source), layers, ..row }
}

/// How many may have a route, as a share.
fn upper(step: &VisibilityStep) -> u32 {
    share(step.seeing + step.unknown, step.eligible()).unwrap_or(0)
}

/// What is said beside a row of visibility, in one text.
pub(in crate::report) fn seen_in_words(steps: &[VisibilityStep]) -> String {
    seen_by(steps, "").into_iter().map(|piece| piece.text).collect()
}

/// `6 → 0 → 6 of 6 ASes`: at first, at worst, at last.
fn seen_by(all: &[VisibilityStep], source: &str) -> Vec<Piece> {
    let (Some(first), Some(last)) = (all.first(), all.last()) else { return Vec::new() };
    let place = |number: usize, field: &str| format!("{source}/steps/{number}/{field}");
    // While a recording begins, who has a route is only being told.
    let usual = all.iter().enumerate().max_by_key(|(number, step)| (step.seeing, usize::MAX - number));
    let (best_at, best) = usual.unwrap_or((0, first));
    let later = all.iter().enumerate().skip(best_at);
    let (worst_at, worst) = later.min_by_key(|(_, step)| upper(step)).unwrap_or((0, first));
    let mut pieces = vec![Piece::number(best.seeing, place(best_at, "seeing"))];
    if worst.seeing != best.seeing {
        pieces.push(Piece::text(" → "));
        pieces.push(Piece::number(worst.seeing, place(worst_at, "seeing")));
    }
    if last.seeing != worst.seeing {
        pieces.push(Piece::text(" → "));
        pieces.push(Piece::number(last.seeing, place(all.len() - 1, "seeing")));
    }
    pieces.push(Piece::text(" of "));
    // The sum of the step's three counts has no field of its own, so it names the step.
    pieces.push(Piece::number(last.eligible(), format!("{source}/steps/{}", all.len() - 1)));
    pieces
}

fn lane_row(lane: &LaneView, source: &str, axis: Axis, detail: Detail) -> Row {
    let well = |step: &LaneStep| step.good;
    let steps = thinned(&lane.steps, |step| step.at, well, axis, detail.columns);
    let of =
        |class, part: fn(&LaneStep) -> u32| Layer::of(class, steps.iter().map(|step| (step.at, part(step), lane.series)), axis);
    let layers = vec![
        of("failing", |step| step.good + step.unsure + step.failing),
        of("unsure", |step| step.good + step.unsure),
        of("good", |step| step.good),
    ];
    let worst = lane.steps.iter().enumerate().max_by_key(|(number, step)| (step.failing, usize::MAX - number));
    let words = match worst {
        Some((number, step)) if step.failing > 0 => vec![
            Piece::number(step.failing, format!("{source}/steps/{number}/failing")),
            Piece::text(" of "),
            Piece::number(lane.series, format!("{source}/series")),
            Piece::text(" failing at worst"),
        ],
        _ => vec![Piece::text("none of "), Piece::number(lane.series, format!("{source}/series")), Piece::text(" failing")],
    };
    let told = steps.iter().map(|step| (step.at, [step.good, step.failing, step.unsure, step.unprobed]));
    let row = Row::of(source).telling("good,failing,in between,not probed", axis, told);
    Row { label: lane.name.clone(), words, layers, ..row }
}
