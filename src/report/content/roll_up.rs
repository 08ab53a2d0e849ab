//! Outages of organizations and countries, as a page tells them.

use super::ROWS;
use crate::report::page::Page;
use crate::report::view::roll_up::{GroupOutageView, RollUpView};
use crate::report::words;

/// Writes both, and what is not in the table.
pub(super) fn write(page: &mut Page, view: &RollUpView) {
    for (title, head, groups) in
        [("Outages by organization", "organization", &view.organizations), ("Outages by country", "country", &view.countries)]
    {
        page.heading(2, title);
        page.paragraph(&view.sentence);
        let heads = [head, "origins", "prefixes withdrawn, of those seen", "level", "began (UTC)", "ended (UTC)", "lasted"];
        page.table(&heads, groups.iter().map(row), ROWS);
    }
}

fn row(group: &GroupOutageView) -> Vec<String> {
    vec![
        group.shown_name().to_owned(),
        group.shown_origins(4),
        group.size.clone(),
        group.level.word().to_owned(),
        words::moment(group.began),
        group.ended.map_or_else(|| "not over".to_owned(), |ended| words::clock(ended, group.began)),
        group.lasted.clone(),
    ]
}
