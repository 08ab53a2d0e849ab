//! Pictures of a stretch of time: what is drawn, apart from what it is drawn on.
//!
//! Takes a [`TimelineView`]; gives [`Figure`]s of rows on one axis of time, each row made of stepped areas. Shapes are paths in a box of
//! 1000 by 100, so that a page may stretch them to any width and zoom by looking at a part. Every number beside a row names the place in
//! the JSON form from which it was taken. Nothing is decided here.

mod area;
pub(super) mod axis;
pub(super) mod course;
pub(super) mod map;
pub(super) mod marks;
pub(super) mod outages;
pub(super) mod svg;

use crate::report::view::timeline::TimelineView;
use crate::time::{Span, Timestamp};
use area::{Step, area};
use axis::Axis;
use marks::Mark;
use std::fmt::Write;

/// What fills less than one part in so many of the axis is drawn once more by itself.
const CLOSER: i64 = 4;

/// How much is drawn: a page of ten thousand prefixes must stay one which opens at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detail {
    /// Rows of a figure at most.
    pub rows: usize,
    /// Vantage points on a map at most.
    pub vantages: usize,
    /// Steps along the axis at most, where a row has more than twice as many.
    pub columns: u32,
}

impl Detail {
    /// For pages of usual size.
    pub const FULL: Detail = Detail { rows: 60, vantages: 2_000, columns: 500 };
    /// For large ones.
    pub const COARSE: Detail = Detail { rows: 40, vantages: 1_000, columns: 125 };
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Figure {
    /// Unique on a page, and the name of its file.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// How to read it.
    pub caption: Vec<Piece>,
    /// From when to when.
    pub window: (Timestamp, Timestamp),
    /// From above to below.
    pub rows: Vec<Row>,
    /// What the shapes mean: class and word.
    pub legend: Vec<(&'static str, &'static str)>,
    /// Moments marked across all rows.
    pub marks: Vec<Mark>,
    /// What was left out.
    pub left_out: Option<String>,
}

impl Figure {
    /// Of these rows, with everything else still to be said.
    fn of(axis: Axis, rows: Vec<Row>) -> Figure {
        Figure {
            id: String::new(),
            title: String::new(),
            caption: Vec::new(),
            window: axis.window(),
            rows,
            legend: Vec::new(),
            marks: Vec::new(),
            left_out: None,
        }
    }

    /// Its file, beside the report.
    pub fn file(&self) -> String {
        format!("charts/{}.svg", self.id)
    }
}

/// A row of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Stands above it, where a new part begins.
    pub heading: Option<&'static str>,
    /// Whose row it is.
    pub label: String,
    /// Beside it: text and numbers.
    pub words: Vec<Piece>,
    /// How tall, in units of 100.
    pub height: u32,
    /// Drawn one over the other.
    pub layers: Vec<Layer>,
    /// Height of the opening threshold, in hundredths of a unit from above.
    pub threshold: Option<u32>,
    /// Where it stands in the JSON form: what has the steps, or a list of such for a row of many.
    pub source: String,
    /// Its steps for those who point at it: microseconds from the beginning of the window, then the counts.
    pub steps: String,
    /// The counts' names, in their order.
    pub counts: &'static str,
}

impl Row {
    /// With a place in the JSON form, and everything else still to be said.
    fn of(source: &str) -> Row {
        Row {
            heading: None,
            label: String::new(),
            words: Vec::new(),
            height: 1,
            layers: Vec::new(),
            threshold: None,
            source: source.to_owned(),
            steps: String::new(),
            counts: "",
        }
    }

    /// The same with these counts of each step, for those who point at it.
    fn telling<const N: usize>(
        self,
        counts: &'static str,
        axis: Axis,
        steps: impl IntoIterator<Item = (Timestamp, [u32; N])>,
    ) -> Row {
        let mut told = String::new();
        for (at, step) in steps {
            let step: Vec<String> = step.iter().map(u32::to_string).collect();
            let _ = write!(told, "{}:{};", at.since(axis.window().0).micros(), step.join(","));
        }
        Row { steps: told, counts, ..self }
    }
}

/// A stepped area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layer {
    /// What it means; the legend has the word.
    pub class: &'static str,
    /// An SVG path.
    pub path: String,
}

impl Layer {
    fn of(class: &'static str, steps: impl IntoIterator<Item = Step>, axis: Axis) -> Layer {
        Layer { class, path: area(steps, axis, 0) }
    }
}

/// Text, or a number with its place in the JSON form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// What is shown.
    pub text: String,
    /// A JSON pointer (RFC 6901): the number itself, a list whose items it counts, or a step whose counts it sums; `None` for text.
    pub source: Option<String>,
}

impl Piece {
    pub fn text(text: impl Into<String>) -> Piece {
        Piece { text: text.into(), source: None }
    }

    pub fn number(number: impl ToString, source: String) -> Piece {
        Piece { text: number.to_string(), source: Some(source) }
    }
}

/// The figures of a timeline, whose place in the JSON form is `source`.
pub(super) fn figures(name: &str, timeline: &TimelineView, source: &str, marks: &[Mark], detail: Detail) -> Vec<Figure> {
    let axis = Axis::of(&timeline.window);
    let marked = |figure: Figure| Figure { marks: marks.to_vec(), ..figure };
    let mut figures = vec![marked(course::glance(name, timeline, source, axis))];
    for (class, kind, title) in [("breaks", "onset", "Closer: while it broke"), ("back", "recovery", "Closer: while it came back")]
    {
        let marks: Vec<Mark> = marks.iter().filter(|mark| mark.class == class).cloned().collect();
        figures.extend(closer(&marks, axis).map(|axis| Figure {
            id: format!("{name}-{kind}"),
            title: title.to_owned(),
            marks,
            ..course::glance(name, timeline, source, axis)
        }));
    }
    figures.extend([
        marked(course::visibility(name, timeline, source, axis, detail)),
        marked(map::map(name, timeline, source, axis, detail)),
        marked(course::lanes(name, timeline, source, axis, detail)),
    ]);
    figures.retain(|figure| !figure.rows.is_empty());
    figures
}

/// The axis on which marks fill the picture; `None` where they do on the whole one, more or less.
fn closer(marks: &[Mark], axis: Axis) -> Option<Axis> {
    let (from, until) = (marks.iter().map(|mark| mark.earliest).min()?, marks.iter().map(|mark| mark.latest).max()?);
    let room = Span::from_micros(until.since(from).micros() / 8).max(Span::from_seconds(5));
    let (begin, end) = axis.window();
    let (from, until) = ((from - room).max(begin), (until + room).min(end));
    (until.since(from).micros() < end.since(begin).micros() / CLOSER).then(|| Axis::between(from, until))
}
