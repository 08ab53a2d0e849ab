//! The outages of a survey on one axis of time: how many prefixes of each origin were gone when.

use super::area::thinned;
use super::axis::Axis;
use super::{Detail, Figure, Layer, Piece, Row};
use crate::report::view::survey::{OutageView, SurveyView};
use crate::report::words;

/// The largest outages; `None` where there is none.
pub(in crate::report) fn outages(view: &SurveyView, detail: Detail) -> Option<Figure> {
    let axis = Axis::of(view.recorded_bgp.as_ref()?);
    let rows: Vec<Row> = (0..).zip(&view.outages).take(detail.rows).map(|(place, outage)| drawn(place, outage, axis)).collect();
    let cut = view.outages.len() - rows.len();
    let figure = Figure {
        id: "survey-outages".to_owned(),
        title: "Outages in time, the largest first".to_owned(),
        caption: vec![Piece::text(
            "Filled: how many of the origin's prefixes in this outage were withdrawn. Full height is all of them.",
        )],
        legend: vec![("lost", "withdrawn")],
        left_out: (cut > 0).then(|| format!("{} not drawn", words::count(words::size(cut), "smaller outage", "smaller outages"))),
        ..Figure::of(axis, rows)
    };
    (!figure.rows.is_empty()).then_some(figure)
}

fn drawn(place: usize, outage: &OutageView, axis: Axis) -> Row {
    let source = format!("/outages/{place}");
    let whole = u32::try_from(outage.prefix_count).unwrap_or(u32::MAX);
    let kept = thinned(&outage.steps, |step| step.at, |step| whole - step.prefixes.min(whole), axis, Detail::FULL.columns);
    let first = outage.prefixes.first().map_or("", |prefix| prefix.prefix.as_str());
    Row {
        label: format!("{} {first}", outage.origin.map_or_else(|| "unknown origin".to_owned(), |origin| origin.to_string())),
        words: vec![
            Piece::number(outage.prefix_count, format!("{source}/prefix_count")),
            Piece::text(if outage.prefix_count == 1 { " prefix" } else { " prefixes" }),
        ],
        layers: vec![Layer::of("lost", kept.iter().map(|step| (step.at, step.prefixes, whole)), axis)],
        ..Row::of(&source).telling("prefixes withdrawn", axis, kept.iter().map(|step| (step.at, [step.prefixes])))
    }
}
