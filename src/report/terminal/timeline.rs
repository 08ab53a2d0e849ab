//! The course of an incident, or of the whole recording, for the terminal: who had a route and what worked, on one axis of time.
//!
//! Takes a view and the terminal's width; gives at most 24 lines. Rows are of prefixes by what they are, then of probes by layer; single
//! name servers, resolvers and services stand under their layer where some of them fail and others do not. What finds no room is said.
//! Nothing is decided here: every number is one of the view.

mod cell;
mod line;
mod scale;

use super::by_urgency;
use super::screen::{Look, Weight};
use crate::reachability::Layer;
use crate::report::chart::axis::Axis;
use crate::report::chart::course::seen_in_words;
use crate::report::chart::marks::Mark;
use crate::report::view::ReportView;
use crate::report::view::chain::{LinkView, Phase};
use crate::report::view::timeline::TimelineView;
use crate::report::view::timeline::lane::LaneView;
use crate::report::view::timeline::visibility::{GroupSeries, Role};
use crate::report::words;
use cell::Cell;
use line::{Line, Paper};
use scale::{Placed, Scale, runs};

/// Lines at most.
const LINES: usize = 24;
/// Columns of a terminal below which labels stand above their rows.
const NARROW: usize = 60;
/// Columns of labels at most, where they stand beside their rows.
const LABEL: usize = 24;
/// Columns below which a row says nothing.
const ROW: usize = 20;
/// Columns of a terminal below which legends are short.
const WORDY: usize = 80;
/// Lanes shown under one layer.
const SINGLE: usize = 6;

/// What can be shown by the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    /// Block elements of Unicode.
    Blocks,
    /// ASCII alone, for a locale which is not UTF-8.
    Ascii,
}

/// A row before it is drawn.
struct Row<'a> {
    label: String,
    words: String,
    weight: Weight,
    steps: Steps<'a>,
}

enum Steps<'a> {
    Seen(&'a GroupSeries),
    Tested(&'a LaneView),
}

/// Where rows stand.
struct Layout {
    paper: Paper,
    scale: Scale,
    /// Columns of labels; `None` where they stand above.
    label: Option<usize>,
}

/// The picture of the most urgent incident; of the recording where there is none.
pub(in crate::report) fn timeline(view: &ReportView, width: usize, color: bool, glyphs: Glyphs) -> String {
    let paper = Paper { width: width.clamp(40, 160), color, glyphs };
    let lines = match (by_urgency(view).first(), &view.timeline) {
        (Some(incident), _) => {
            let of = if view.incidents.len() > 1 { format!(" of {}", view.incidents.len()) } else { String::new() };
            let title = format!("Timeline of incident {}{of}", incident.number);
            picture(view, &title, &incident.timeline, &incident.chain, paper)
        }
        (None, Some(timeline)) => picture(view, "Timeline of the recording", timeline, &[], paper),
        (None, None) => paper.flow(Look::Plain, &["No timeline: nothing was recorded"], 1),
    };
    lines.into_iter().map(|line| line.finish(paper)).collect()
}

fn picture(view: &ReportView, title: &str, timeline: &TimelineView, chain: &[LinkView], paper: Paper) -> Vec<Line> {
    let (rows, more) = rows(timeline);
    let layout = Layout::of(&rows, timeline, paper);
    let mut lines = paper.title(title, &timeline.window.words);
    lines.extend(absent(view, timeline, paper));
    let foot = if rows.is_empty() { Vec::new() } else { layout.foot(chain) };
    let mut key = layout.key(chain);
    let legends = usize::from(!timeline.groups.is_empty()) + usize::from(!timeline.layers.is_empty());
    let others = lines.len() + legends + foot.len();
    let drawn: Vec<(Row, Vec<Line>)> = rows
        .into_iter()
        .map(|row| {
            let lines = layout.row(&row);
            (row, lines)
        })
        .collect();
    // Numbers which nothing explains say nothing: only rows which must stay go before their key.
    let kept = fitting(&drawn, others + key.len(), !more.is_empty(), Weight::Should).or_else(|| {
        if key.len() > 1 {
            key = layout.elsewhere(chain);
        }
        fitting(&drawn, others + key.len(), !more.is_empty(), Weight::Must)
    });
    let kept = kept.unwrap_or_default();
    let mut left = Vec::new();
    // Above each kind of row what its shapes mean: a full column is good among routes, and bad among probes.
    let mut before = None;
    for (place, (row, drawn)) in drawn.into_iter().enumerate() {
        if !kept.contains(&place) {
            left.push(row.label.trim_start().to_owned());
            continue;
        }
        let kind = std::mem::discriminant(&row.steps);
        if before.replace(kind) != Some(kind) {
            lines.extend(paper.flow(Look::Faint, &[row.legend(paper)], 1));
        }
        lines.extend(drawn);
    }
    lines.extend(foot);
    lines.extend(key);
    left.extend(more);
    if !left.is_empty() {
        let count = words::count(words::size(left.len()), "row", "rows");
        lines.extend(paper.flow(Look::Faint, &[&format!("{count} not drawn: {}", words::some(&left, 3))], 1));
    }
    lines
}

/// The places of those rows which find room beside so many other lines, and beside one which says what is left, if anything is. The
/// lightest go first, the last of them before the others; `None` if that is not enough without such as weigh more than `most`.
fn fitting(drawn: &[(Row, Vec<Line>)], others: usize, left: bool, most: Weight) -> Option<Vec<usize>> {
    let mut kept: Vec<usize> = (0..drawn.len()).collect();
    loop {
        let said = usize::from(left || kept.len() < drawn.len());
        if others + said + kept.iter().map(|place| drawn[*place].1.len()).sum::<usize>() <= LINES {
            return Some(kept);
        }
        let (lightest, last) = kept.iter().map(|place| drawn[*place].0.weight).zip(0..).max()?;
        if lightest < most {
            return None;
        }
        kept.remove(last);
    }
}

/// The rows of a picture, and the labels of those which are too many for any terminal.
fn rows(timeline: &TimelineView) -> (Vec<Row<'_>>, Vec<String>) {
    let mut rows: Vec<Row> = timeline.groups.iter().map(Row::of_group).collect();
    let mut left = Vec::new();
    for layer in &timeline.layers {
        rows.push(Row::of_lane(layer, lane_label(layer.layer).to_owned(), Weight::Must));
        let fails = |lane: &&LaneView| lane.steps.iter().any(|step| step.failing > 0);
        let (ill, well): (Vec<&LaneView>, Vec<&LaneView>) =
            timeline.lanes.iter().filter(|lane| lane.layer == layer.layer).partition(fails);
        if well.is_empty() {
            continue;
        }
        let single = ill.into_iter().map(|lane| Row::of_lane(lane, format!("  {}", lane.name), Weight::May));
        let (shown, more): (Vec<_>, Vec<_>) = single.enumerate().partition(|(number, _)| *number < SINGLE);
        rows.extend(shown.into_iter().map(|(_, row)| row));
        left.extend(more.into_iter().map(|(_, row)| row.label.trim_start().to_owned()));
    }
    (rows, left)
}

/// Says so where one half is missing: an empty picture could be taken for a quiet one.
fn absent(view: &ReportView, timeline: &TimelineView, paper: Paper) -> Vec<Line> {
    let mut said = Vec::new();
    if timeline.groups.is_empty() {
        said.push(if view.recorded_bgp.is_none() { "no BGP recorded" } else { "routes: nothing known of any prefix" });
    }
    if timeline.layers.is_empty() {
        said.push(if view.recorded_probes.is_none() { "no probes recorded" } else { "probes: none of what the profile names" });
    }
    if said.is_empty() { Vec::new() } else { paper.flow(Look::Warning, &said, 2) }
}

const fn lane_label(layer: Layer) -> &'static str {
    match layer {
        Layer::Authority => "name servers",
        Layer::Resolver => "resolvers",
        Layer::ServiceByAddress => "services by IP",
        Layer::ServiceByName => "services by name",
        Layer::Status => "status reports",
        Layer::Control => "controls",
    }
}

impl<'a> Row<'a> {
    fn of_group(group: &'a GroupSeries) -> Self {
        let (role, weight) = match group.role {
            Role::Withdrawn => ("withdrawn", Weight::Must),
            Role::Foreign => ("other origin", Weight::Must),
            Role::Own => ("own", Weight::Should),
            Role::Cover => ("covering", Weight::Should),
            Role::Dependency => ("of services", Weight::May),
        };
        Row {
            label: format!("{} {role} {}", words::grouped(u64::from(group.prefixes)), group.family),
            words: seen_in_words(&group.steps).replace(" → ", "→"),
            weight,
            steps: Steps::Seen(group),
        }
    }

    fn of_lane(lane: &'a LaneView, label: String, weight: Weight) -> Self {
        let worst = lane.steps.iter().map(|step| step.failing).max().unwrap_or(0);
        Row { label, words: format!("{worst} of {} fail", lane.series), weight, steps: Steps::Tested(lane) }
    }

    /// What the shapes of its kind of row mean, in one line.
    const fn legend(&self, paper: Paper) -> &'static str {
        match (&self.steps, paper.glyphs, paper.width < WORDY) {
            (Steps::Seen(_), Glyphs::Blocks, false) => "routes by AS and prefix: █ all  ▁ none  ░▒▓ unknown  blank: nothing known",
            (Steps::Seen(_), Glyphs::Blocks, true) => "routes: █ all ▁ none ░▒▓ unknown",
            (Steps::Seen(_), Glyphs::Ascii, false) => {
                "routes by AS and prefix: # all  =- some  . none  ? unknown  blank: nothing known"
            }
            (Steps::Seen(_), Glyphs::Ascii, true) => "routes: # all =- some . none ? unknown",
            (Steps::Tested(_), Glyphs::Blocks, false) => "probes: · work  ▄ some fail  █ all fail  ? in between  blank: not probed",
            (Steps::Tested(_), Glyphs::Blocks, true) => "probes · work ▄ some █ all fail ? unsure",
            (Steps::Tested(_), Glyphs::Ascii, false) => "probes: . work  = some fail  # all fail  ? in between  blank: not probed",
            (Steps::Tested(_), Glyphs::Ascii, true) => "probes . work = some # all fail ? unsure",
        }
    }

    fn cells(&self, scale: Scale) -> Vec<Cell> {
        match self.steps {
            Steps::Seen(group) => cell::visibility(&group.steps, scale),
            Steps::Tested(lane) => cell::lane(&lane.steps, scale),
        }
    }
}

impl Layout {
    fn of(rows: &[Row], timeline: &TimelineView, paper: Paper) -> Layout {
        let axis = Axis::of(&timeline.window);
        let widest = |texts: &mut dyn Iterator<Item = &String>| texts.map(|text| paper.columns(text)).max().unwrap_or(0);
        let label = widest(&mut rows.iter().map(|row| &row.label)).clamp(5, LABEL);
        let beside = paper.width.saturating_sub(label + widest(&mut rows.iter().map(|row| &row.words)) + 3);
        if paper.width < NARROW || beside < ROW {
            return Layout { paper, scale: Scale { axis, columns: paper.width }, label: None };
        }
        Layout { paper, scale: Scale { axis, columns: beside }, label: Some(label) }
    }

    fn row(&self, row: &Row) -> Vec<Line> {
        let cells = row.cells(self.scale);
        let mut picture = Line::default();
        for run in cells.chunk_by(|a, b| a.look() == b.look()) {
            let look = run.first().map_or(Look::Plain, |cell| cell.look());
            picture.push(look, &run.iter().map(|cell| cell.glyph(self.paper.glyphs)).collect::<String>());
        }
        let mut line = Line::default();
        if let Some(label) = self.label {
            line.push(Look::Plain, &self.paper.fitted(&row.label, label));
            line.push(Look::Plain, " ");
            line.extend(picture);
            line.push(Look::Plain, &format!("  {}", self.paper.text(&row.words)));
            return vec![line];
        }
        let steady = steady(&cells);
        let throughout = if steady && matches!(row.steps, Steps::Seen(_)) { " throughout" } else { "" };
        let words = self.paper.text(&format!("{}{throughout}", row.words));
        let beside = self.paper.width.saturating_sub(words.chars().count() + 1);
        line.push(Look::Plain, &self.paper.fitted(&row.label, beside.min(self.paper.columns(&row.label).max(17))));
        line.push(Look::Plain, &format!(" {words}"));
        // Where rows are short of room, one on which nothing happens is told, not drawn.
        if steady { vec![line] } else { vec![line, picture] }
    }

    /// Everything under the rows: numbers of the chain, axis and clock.
    fn foot(&self, chain: &[LinkView]) -> Vec<Line> {
        let marks = Mark::of(chain);
        let mut lines = Vec::new();
        if !marks.is_empty() {
            lines.push(self.placed("chain", &self.scale.numbers(&marks)));
        }
        let ticks = self.scale.ticks();
        let (plain, tick, mark) = match self.paper.glyphs {
            Glyphs::Blocks => ('─', '┬', '▲'),
            Glyphs::Ascii => ('-', '+', '^'),
        };
        let mut axis = vec![plain; self.scale.columns];
        for (places, glyph) in [
            (ticks.iter().map(|tick| tick.column).collect::<Vec<_>>(), tick),
            (marks.iter().map(|mark| self.scale.column(mark.latest)).collect(), mark),
        ] {
            for place in places {
                axis[place] = glyph;
            }
        }
        let axis = Placed { column: 0, start: 0, text: axis.into_iter().collect(), look: Look::Faint };
        lines.push(self.placed("", &[axis]));
        lines.push(self.placed("UTC", &ticks));
        lines
    }

    /// Texts at their places, beside a label.
    fn placed(&self, label: &str, texts: &[Placed]) -> Line {
        let mut line = Line::default();
        let before = self.label.map_or(0, |label| label + 1);
        if before > 0 {
            line.push(Look::Faint, &self.paper.fitted(label, before));
        }
        for text in texts {
            line.pad(before + text.start);
            line.push(text.look, &text.text);
        }
        line
    }

    /// Which numbers are of which layer: all of them, in as many lines as that takes.
    fn key(&self, chain: &[LinkView]) -> Vec<Line> {
        let phases = [self.layers(chain, Phase::Breaks, "broke"), self.layers(chain, Phase::ComesBack, "back")];
        let joined: Vec<String> = phases.iter().filter(|layers| !layers.is_empty()).map(|layers| layers.join(" ")).collect();
        let joined = joined.join("  ");
        if !joined.is_empty() && self.paper.columns(&joined) <= self.paper.width {
            return self.paper.flow(Look::Plain, &[&joined], 1);
        }
        phases.iter().flat_map(|layers| self.paper.packed(Look::Plain, layers, " ", usize::MAX)).collect()
    }

    /// What is said of the layers of one phase, each to stand on one line with its numbers.
    fn layers(&self, chain: &[LinkView], phase: Phase, word: &str) -> Vec<String> {
        let mut layers: Vec<(&str, Vec<usize>)> = Vec::new();
        for (number, link) in (1..).zip(chain).filter(|(_, link)| link.phase == phase) {
            match layers.iter_mut().find(|(layer, _)| *layer == link.layer.word()) {
                Some((_, numbers)) => numbers.push(number),
                None => layers.push((link.layer.word(), vec![number])),
            }
        }
        let mut said: Vec<String> = layers.into_iter().map(|(layer, numbers)| format!("{layer} {};", runs(numbers))).collect();
        if let Some(first) = said.first_mut() {
            first.insert_str(0, &format!("{word}: "));
        }
        if let Some(last) = said.last_mut() {
            last.pop();
        }
        // What no line can hold is broken between numbers: half a number would be another number.
        said.iter_mut().filter(|layer| layer.len() > self.paper.width).for_each(|layer| *layer = layer.replace(',', ", "));
        said
    }

    /// Instead of a key which finds no room: where the numbers are explained.
    fn elsewhere(&self, chain: &[LinkView]) -> Vec<Line> {
        self.paper.flow(Look::Plain, &[&format!("numbers {}: see the report's chain", runs(1..=chain.len()))], 1)
    }
}

/// True if nothing happens on a row, and it is known nearly throughout.
fn steady(cells: &[Cell]) -> bool {
    let blank = |cell: &&Cell| **cell == Cell::Blank;
    let (before, after) = (cells.iter().take_while(blank).count(), cells.iter().rev().take_while(blank).count());
    let known = cells.get(before..cells.len().saturating_sub(after)).unwrap_or_default();
    known.len() * 4 >= cells.len() * 3 && known.iter().all(|cell| matches!(cell, Cell::All | Cell::Works))
}

#[cfg(test)]
mod tests;
