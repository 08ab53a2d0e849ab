//! HTML: one file which fetches nothing, reads without script, prints, and fits a phone and a wall.
//!
//! Takes a [`Page`], gives the document. Every text is escaped by the templates, and what could steer or reorder text is taken out of the
//! whole; the policy in the head forbids all script but our own.

mod flags;

use super::chart::Figure;
use super::chart::axis::{Axis, units};
use super::page::{Block, Page};
use super::terminal::is_unsafe;
use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flags::{Flag, flags};
use sha2::{Digest, Sha256};

/// Larger documents are drawn anew with less detail.
const BYTES: usize = 4_500_000;

/// Rows of a folded table which are printed; longer ones are for the screen.
const PAPER: usize = 60;

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

#[derive(Template)]
#[template(path = "page.html", config = "src/report/html/askama.toml")]
struct Document<'a> {
    title: &'a str,
    outcome: &'a str,
    version: &'static str,
    intro: String,
    sections: Vec<Section>,
    style: &'static str,
    script: &'static str,
    script_hash: String,
}

/// A heading with what stands under it, down to the next of its level.
struct Section {
    id: String,
    title: String,
    body: String,
    parts: Vec<Section>,
}

/// Entries of contents which are taken in at a glance: with more, they name sections only.
const ENTRIES: usize = 20;

#[derive(Template)]
#[template(path = "blocks.html", config = "src/report/html/askama.toml")]
struct Blocks<'a> {
    blocks: &'a [Block],
}

#[derive(Template)]
#[template(path = "figure.html", config = "src/report/html/askama.toml")]
struct Picture<'a> {
    figure: &'a Figure,
    from: i64,
    until: i64,
    day: String,
    levels: usize,
    flags: Vec<Flag>,
    marks: Vec<Stretch>,
    ticks: Vec<Label>,
}

/// A stretch of time across a picture: places in percent and in units.
struct Stretch {
    class: &'static str,
    left: String,
    width: String,
    x: String,
    wide: String,
}

/// What stands under a moment.
struct Label {
    left: String,
    x: String,
    words: String,
}

/// The document of a page; of the coarser one if that comes out too large.
pub(super) fn html(title: &str, outcome: &str, page: &Page, coarser: impl FnOnce() -> Page) -> String {
    let full = document(title, outcome, page);
    if full.len() <= BYTES { full } else { document(title, outcome, &coarser()) }
}

fn document(title: &str, outcome: &str, page: &Page) -> String {
    let (intro, sections) = sections(&page.blocks, 2, "part");
    let document = Document {
        title,
        outcome,
        version: env!("CARGO_PKG_VERSION"),
        intro: blocks(intro),
        sections,
        style: STYLE,
        script: SCRIPT,
        script_hash: format!("sha256-{}", STANDARD.encode(Sha256::digest(SCRIPT))),
    };
    inert(&rendered(&document))
}

/// What stands before the first heading of a level, and the sections under such headings.
fn sections<'a>(all: &'a [Block], level: u8, id: &str) -> (&'a [Block], Vec<Section>) {
    let begins = |block: &Block| matches!(block, Block::Heading { level: other, .. } if *other == level);
    let (before, rest) = all.split_at(all.iter().position(begins).unwrap_or(all.len()));
    let sections = rest.chunk_by(|_, next| !begins(next)).zip(1..).filter_map(|(part, number)| {
        let (Block::Heading { text, .. }, body) = part.split_first()? else { return None };
        let id = format!("{id}-{number}");
        let (body, parts) = if level < 3 { sections(body, level + 1, &id) } else { (body, Vec::new()) };
        Some(Section { title: text.clone(), body: blocks(body), parts, id })
    });
    (before, sections.collect())
}

impl Document<'_> {
    /// Whether the contents name the parts of sections.
    fn names_parts(&self) -> bool {
        self.sections.iter().map(|section| 1 + section.parts.len()).sum::<usize>() <= ENTRIES
    }
}

fn blocks(blocks: &[Block]) -> String {
    rendered(&Blocks { blocks })
}

#[allow(clippy::expect_used, reason = "the templates call nothing which can fail, and memory does not refuse to be written")]
fn rendered(template: &impl Template) -> String {
    template.render().expect("a template can be rendered")
}

/// Without what could steer or reorder text.
fn inert(text: &str) -> String {
    text.chars().map(|c| if c != '\n' && is_unsafe(c) { '\u{fffd}' } else { c }).collect()
}

impl Blocks<'_> {
    fn figure(&self, figure: &Figure) -> String {
        let (from, until) = figure.window;
        let axis = Axis::between(from, until);
        let (levels, flags) = flags(&figure.marks, axis);
        let marks = figure.marks.iter().map(|mark| {
            let (x, until) = (axis.x(mark.earliest), axis.x(mark.latest));
            Stretch { class: mark.class, left: percent(x), width: percent(until - x), x: units(x), wide: units(until - x) }
        });
        let ticks = axis.ticks(10).into_iter().filter(|tick| (2_000..=98_000).contains(&tick.x));
        rendered(&Picture {
            figure,
            from: from.micros(),
            until: until.micros(),
            day: axis.day(),
            levels,
            flags,
            marks: marks.collect(),
            ticks: ticks.map(|tick| Label { left: percent(tick.x), x: units(tick.x), words: tick.words }).collect(),
        })
    }

    /// Too long for paper.
    fn is_bulk(&self, blocks: &[Block]) -> bool {
        blocks.iter().any(|block| matches!(block, Block::Table(table) if table.rows.len() > PAPER))
    }

    fn inside(&self, blocks: &[Block]) -> String {
        self::blocks(blocks)
    }
}

/// Hundredths of a unit of a thousand as percent.
fn percent(hundredths: u32) -> String {
    format!("{}.{:03}", hundredths / 1_000, hundredths % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text_wherever_it_stands() {
        let hostile = "</title><script>alert(1)</script><img src=x onerror=alert(1)>\"'\u{202e}\u{1b}[2J";
        let mut page = Page::default();
        page.heading(1, hostile);
        page.heading(2, hostile);
        page.strong(hostile);
        page.list([hostile]);
        page.facts(&[(hostile, hostile.to_owned())]);
        page.table(&[hostile], [vec![hostile.to_owned()]], 1);
        page.fold(hostile, |page| page.paragraph(hostile));
        let document = html(hostile, "incident", &page, Page::default);
        assert_eq!(document.matches("<script").count(), 1, "our own");
        assert_eq!(document.matches("<img").count(), 0);
        assert!(!document.contains(['\u{202e}', '\u{1b}']));
        assert_eq!(
            document.matches("&#60;img src=x").count() + document.matches("&lt;img src=x").count(),
            13,
            "title, headings, contents, lists, facts, cells, folds"
        );
    }

    #[test]
    fn a_document_which_grows_too_large_is_drawn_with_less_detail() {
        let mut page = Page::default();
        page.paragraph(&"x".repeat(BYTES));
        assert!(html("t", "incident", &page, Page::default).len() < 100_000);
    }
}
