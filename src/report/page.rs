//! A page before it has a format: headings, paragraphs, lists, tables and figures in the order in which they are read.
//!
//! Markdown and HTML are made from the same page, so they say the same. Texts are as they came: each format makes them harmless in its
//! own way.

use super::chart::Figure;
use super::words;

/// Rows which are looked through where they stand.
const LOOKED_THROUGH: usize = 12;

/// A part of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Block {
    /// A heading of a level from 1.
    Heading { level: u8, text: String },
    /// Running text.
    Paragraph(String),
    /// Running text which matters most.
    Strong(String),
    /// A remark by somebody else.
    Quote(String),
    /// Items.
    List(Vec<String>),
    /// Names and values.
    Facts(Vec<(String, String)>),
    /// Rows under heads.
    Table(Table),
    /// A picture.
    Figure(Box<Figure>),
    /// What is opened by those who want it.
    Fold { title: String, blocks: Vec<Block> },
}

/// Rows under heads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// One a column.
    pub heads: Vec<String>,
    /// As many cells as heads.
    pub rows: Vec<Vec<String>>,
    /// How many more there are in the JSON form.
    pub more: usize,
}

/// Items of a list which are shown: nobody reads a longer one to its end.
const ITEMS: usize = 20;

/// A page which grows.
#[derive(Debug, Default)]
pub struct Page {
    pub(super) blocks: Vec<Block>,
}

impl Page {
    pub(super) fn heading(&mut self, level: u8, text: &str) {
        self.blocks.push(Block::Heading { level, text: text.to_owned() });
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.blocks.push(Block::Paragraph(text.to_owned()));
    }

    pub(super) fn strong(&mut self, text: &str) {
        self.blocks.push(Block::Strong(text.to_owned()));
    }

    pub(super) fn quote(&mut self, text: &str) {
        self.blocks.push(Block::Quote(text.to_owned()));
    }

    /// A list, or nothing if it is empty; a long one is cut, and says so.
    pub(super) fn list<T: AsRef<str>>(&mut self, items: impl IntoIterator<Item = T>) {
        let mut items = items.into_iter().map(|item| item.as_ref().to_owned());
        let mut shown: Vec<String> = items.by_ref().take(ITEMS).collect();
        match items.count() {
            0 => {}
            more => shown.push(self::more(more)),
        }
        if !shown.is_empty() {
            self.blocks.push(Block::List(shown));
        }
    }

    /// A list under a line, or nothing if it is empty.
    pub(super) fn titled<T: AsRef<str>>(&mut self, title: &str, items: impl IntoIterator<Item = T>) {
        let mut items = items.into_iter().peekable();
        if items.peek().is_some() {
            self.paragraph(title);
            self.list(items);
        }
    }

    /// Names and values; rows without a value are left out.
    pub(super) fn facts(&mut self, rows: &[(&str, String)]) {
        let rows = rows.iter().filter(|(_, value)| !value.is_empty());
        self.blocks.push(Block::Facts(rows.map(|(name, value)| ((*name).to_owned(), value.clone())).collect()));
    }

    /// A table of at most `most` rows, which says how many more there are; nothing if it is empty. A column without anything in it goes.
    pub(super) fn table(&mut self, heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>, most: usize) {
        let mut rows = rows.into_iter();
        let shown: Vec<Vec<String>> = rows.by_ref().take(most).collect();
        if !shown.is_empty() {
            let more = rows.count();
            let filled: Vec<bool> = (0..heads.len())
                .map(|column| shown.iter().any(|row| row.get(column).is_some_and(|cell| !cell.is_empty())))
                .collect();
            let kept =
                |cells: Vec<String>| cells.into_iter().zip(&filled).filter(|(_, filled)| **filled).map(|(cell, _)| cell).collect();
            let heads = kept(heads.iter().map(|head| (*head).to_owned()).collect());
            self.blocks.push(Block::Table(Table { heads, rows: shown.into_iter().map(kept).collect(), more }));
        }
    }

    /// A table which is folded away under its length if it has more rows than one looks through; `what` it lists, in the plural.
    pub(super) fn long_table(&mut self, what: &str, heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>, most: usize) {
        let rows: Vec<Vec<String>> = rows.into_iter().collect();
        if rows.len() <= LOOKED_THROUGH {
            return self.table(heads, rows, most);
        }
        let title = format!("All {} {what}", words::grouped(words::size(rows.len())));
        self.fold(&title, |page| page.table(heads, rows, most));
    }

    pub(super) fn figure(&mut self, figure: Figure) {
        self.blocks.push(Block::Figure(Box::new(figure)));
    }

    /// What is opened by those who want it; nothing if `fill` adds nothing.
    pub(super) fn fold(&mut self, title: &str, fill: impl FnOnce(&mut Page)) {
        let mut inside = Page::default();
        fill(&mut inside);
        if !inside.blocks.is_empty() {
            self.blocks.push(Block::Fold { title: title.to_owned(), blocks: inside.blocks });
        }
    }
}

/// What stands under a table or a list which was cut.
pub(super) fn more(count: usize) -> String {
    format!("… and {} more: the JSON form has all of them.", words::grouped(words::size(count)))
}
