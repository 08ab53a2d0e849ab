//! The screen of a survey: the largest outages of origins, and of organizations and countries if it is rolled up.

use super::screen::{Look, Screen, Weight};
use super::{because, clean, completeness, look, loud};
use crate::report::view::roll_up::{GroupOutageView, RollUpView};
use crate::report::view::survey::{OutageView, SurveyView};
use crate::report::words;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// Outages shown of a survey, and of one which shows organizations and countries too.
const OUTAGES: usize = 15;
const OUTAGES_BESIDE: usize = 5;
/// Outages shown of organizations, and of countries.
const ORGANIZATIONS: usize = 4;
const COUNTRIES: usize = 3;
/// Columns of a name.
const NAME: usize = 24;

/// The screen of a survey.
pub(in crate::report) fn survey(view: &SurveyView, width: usize, color: bool) -> String {
    let mut screen = Screen::new(width, color);
    let recorded = view.recorded_bgp.as_ref().map_or("nothing recorded", |period| period.words.as_str());
    screen.text(Weight::Must, look(view.outcome.code), &format!("All origins: {}", loud(&view.outcome.sentence)), 2);
    screen.text(Weight::Must, Look::Faint, recorded, 1);
    let most = if view.roll_up.is_some() { OUTAGES_BESIDE } else { OUTAGES };
    if !view.outages.is_empty() {
        let table = outages(&view.outages, most, screen.width());
        screen.laid_out(Weight::Must, &table);
    }
    more(&mut screen, view.outages.len(), most);
    if let Some(roll_up) = view.roll_up.as_ref().filter(|_| !view.outages.is_empty()) {
        rolled_up(&mut screen, roll_up);
    }
    completeness(&mut screen, &view.completeness);
    if view.outages.is_empty() {
        because(&mut screen, &view.doubts);
    } else if !view.doubts.is_empty() {
        screen.row(Weight::Should, "doubts", &words::some(&view.doubts, 1), 2);
    }
    screen.finish()
}

fn more(screen: &mut Screen, all: usize, shown: usize) {
    if all > shown {
        let left = words::grouped(words::size(all - shown));
        screen.row(Weight::Must, "", &format!("and {left} more: see the JSON form or the report"), 1);
    }
}

fn rolled_up(screen: &mut Screen, view: &RollUpView) {
    for (head, all, most) in [("organization", &view.organizations, ORGANIZATIONS), ("country", &view.countries, COUNTRIES)] {
        let table = groups(head, all, most, screen.width());
        screen.laid_out(Weight::Must, &table);
        more(screen, all.len(), most);
    }
    screen.row(Weight::Must, "holders", &view.sentence, 1);
}

fn outages(outages: &[OutageView], most: usize, width: usize) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["origin", "prefixes", "began (UTC)", "ended", "lost by ASes", "peers", "first of them"]);
    for outage in outages.iter().take(most) {
        table.add_row([
            outage.origin.map_or_else(|| "unknown".to_owned(), |origin| origin.to_string()),
            words::grouped(words::size(outage.prefix_count)),
            words::moment(outage.began),
            outage.ended.map_or_else(|| "not over".to_owned(), |ended| words::clock(ended, outage.began)),
            format!("{} of {}", outage.trough.lost, outage.trough.eligible),
            outage.peers_lost.to_string(),
            outage.prefixes.first().map(|prefix| prefix.prefix.clone()).unwrap_or_default(),
        ]);
    }
    lines(table, &[1, 5], width)
}

fn groups(head: &str, groups: &[GroupOutageView], most: usize, width: usize) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header([head, "withdrawn of seen", "began (UTC)", "ended", "origins"]);
    for group in groups.iter().take(most) {
        let name = clean(group.shown_name());
        let cut = name.chars().count() > NAME;
        table.add_row([
            if cut { name.chars().take(NAME - 1).chain(['…']).collect() } else { name },
            group.size.clone(),
            words::moment(group.began),
            group.ended.map_or_else(|| "not over".to_owned(), |ended| words::clock(ended, group.began)),
            group.shown_origins(1),
        ]);
    }
    lines(table, &[1], width)
}

/// The lines of a table, cut to a width; numbers stand to the right.
fn lines(mut table: Table, numbers: &[usize], width: usize) -> String {
    for number in numbers {
        if let Some(column) = table.column_mut(*number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines = table.lines().map(|line| line.trim_end().chars().take(width).collect::<String>());
    lines.collect::<Vec<_>>().join("\n")
}
