//! The map of vantage points and time: who had routes, who lost them when, of whom it cannot be told.

use super::area::{Step, area, share, thinned};
use super::axis::Axis;
use super::{Detail, Figure, Layer, Piece, Row};
use crate::report::view::timeline::TimelineView;
use crate::report::view::timeline::map::{MapRow, MapStep};
use crate::report::words;

/// With more vantage points than this, rows are thin and stand without names.
const NAMED: usize = 60;
/// Bytes of paths at most: above it rows are drawn more coarsely.
const PATHS: usize = 600_000;

const LEGEND: [(&str, &str); 4] =
    [("has", "has routes"), ("foreign", "another origin's route"), ("unknown", "cannot be told"), ("lost", "has none")];

pub(super) fn map(name: &str, timeline: &TimelineView, source: &str, axis: Axis, detail: Detail) -> Figure {
    let (all, prefixes) = (&timeline.map.rows, &timeline.map.prefixes);
    let shown = &all[..all.len().min(detail.vantages)];
    let rows = if shown.len() <= NAMED {
        shown.iter().enumerate().map(|(place, seen)| named(seen, &format!("{source}/map/rows/{place}"), axis, detail)).collect()
    } else {
        vec![thin(shown, &format!("{source}/map/rows"), axis, detail)]
    };
    let foreign = all.iter().any(|row| row.steps.iter().any(|step| step.foreign > 0));
    let caption = vec![
        Piece::number(all.len(), format!("{source}/map/rows")),
        Piece::text(" vantage points, routes to "),
        Piece::number(prefixes.len(), format!("{source}/map/prefixes")),
        Piece::text(if prefixes.len() == 1 { " prefix: " } else { " prefixes: " }),
        Piece::text(words::some(prefixes, 6)),
        Piece::text(
            ". Above stand those which kept their routes longest. Full height is every one of these prefixes of which the vantage point \
             ever spoke. ○: no full feed, so no vote.",
        ),
    ];
    Figure {
        id: format!("{name}-map"),
        title: "Who had a route, and when".to_owned(),
        caption,
        legend: LEGEND.iter().filter(|(class, _)| foreign || *class != "foreign").copied().collect(),
        left_out: (all.len() > shown.len()).then(|| {
            format!("{} not drawn", words::count(words::size(all.len() - shown.len()), "vantage point", "vantage points"))
        }),
        ..Figure::of(axis, rows)
    }
}

fn label(seen: &MapRow) -> String {
    format!("{}{}", if seen.votes { "" } else { "○ " }, seen.vantage)
}

fn total(step: &MapStep) -> u32 {
    step.has + step.lost + step.unknown + step.foreign
}

/// The layers of a row, from below: class and how much of the whole.
type Part = fn(&MapStep) -> u32;
const LAYERS: [(&str, Part); 4] = [
    ("lost", total),
    ("unknown", |step| step.has + step.foreign + step.unknown),
    ("foreign", |step| step.has + step.foreign),
    ("has", |step| step.has),
];

fn kept(seen: &MapRow, axis: Axis, columns: u32) -> Vec<MapStep> {
    thinned(&seen.steps, |step| step.at, |step| share(step.has + step.unknown, total(step)).unwrap_or(0), axis, columns)
}

fn path(steps: &[MapStep], part: Part, axis: Axis, top: u32) -> String {
    let steps: Vec<Step> = steps.iter().map(|step| (step.at, part(step), total(step))).collect();
    area(steps, axis, top)
}

fn named(seen: &MapRow, source: &str, axis: Axis, detail: Detail) -> Row {
    let steps = kept(seen, axis, detail.columns);
    let layers = LAYERS.iter().map(|(class, part)| Layer { class, path: path(&steps, *part, axis, 0) });
    let told = steps.iter().map(|step| (step.at, [step.has, step.lost, step.unknown, step.foreign]));
    let row = Row::of(source).telling("has,has lost,cannot be told,has another origin's", axis, told);
    Row { label: label(seen), layers: layers.filter(|layer| !layer.path.is_empty()).collect(), ..row }
}

/// All of them in one row of many lines.
fn thin(shown: &[MapRow], source: &str, axis: Axis, detail: Detail) -> Row {
    let mut columns = detail.columns;
    loop {
        let mut layers: Vec<Layer> = LAYERS.iter().map(|(class, _)| Layer { class, path: String::new() }).collect();
        for (top, seen) in (0..).step_by(10_000).zip(shown) {
            let steps = kept(seen, axis, columns);
            for (layer, (_, part)) in layers.iter_mut().zip(&LAYERS) {
                layer.path += &path(&steps, *part, axis, top);
            }
        }
        if columns <= 16 || layers.iter().map(|layer| layer.path.len()).sum::<usize>() <= PATHS {
            layers.retain(|layer| !layer.path.is_empty());
            return Row {
                label: words::count(words::size(shown.len()), "vantage point", "vantage points"),
                words: vec![Piece::text(outlasting(shown))],
                height: u32::try_from(shown.len()).unwrap_or(u32::MAX),
                layers,
                steps: shown.iter().map(|seen| label(seen) + "\n").collect(),
                ..Row::of(source)
            };
        }
        columns /= 2;
    }
}

/// Who stands above: those who kept routes longest.
fn outlasting(shown: &[MapRow]) -> String {
    format!("above: {}", words::some(shown.iter().map(label), 3))
}
