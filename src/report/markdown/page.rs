//! A page of Markdown: headings, paragraphs, lists and tables, every text in them escaped.
//!
//! Names, paths and bodies come from outside: none of them may end a table, open a link or smuggle in HTML.

use crate::report::words;

/// A page which grows.
#[derive(Default)]
pub(super) struct Page {
    text: String,
}

impl Page {
    pub fn finish(mut self) -> String {
        while self.text.ends_with("\n\n") {
            self.text.pop();
        }
        self.text
    }

    pub fn heading(&mut self, level: usize, text: &str) {
        self.text += &format!("{} {}\n\n", "#".repeat(level), escape(text));
    }

    pub fn paragraph(&mut self, text: &str) {
        self.text += &format!("{}\n\n", escape(text));
    }

    pub fn bold(&mut self, text: &str) {
        self.text += &format!("**{}**\n\n", escape(text));
    }

    pub fn quote(&mut self, text: &str) {
        self.text += &format!("> **{}**\n\n", escape(text));
    }

    pub fn list<T: AsRef<str>>(&mut self, items: impl IntoIterator<Item = T>) {
        let mut any = false;
        for item in items {
            any = true;
            self.text += &format!("- {}\n", escape(item.as_ref()));
        }
        if any {
            self.text.push('\n');
        }
    }

    /// A list under a line, or nothing if it is empty.
    pub fn titled<T: AsRef<str>>(&mut self, title: &str, items: impl IntoIterator<Item = T>) {
        let mut items = items.into_iter().peekable();
        if items.peek().is_some() {
            self.paragraph(title);
            self.list(items);
        }
    }

    /// Names and values; rows without a value are left out.
    pub fn facts(&mut self, rows: &[(&str, String)]) {
        self.text += "| | |\n|---|---|\n";
        for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
            self.text += &format!("| {} | {} |\n", escape(name), escape(value));
        }
        self.text.push('\n');
    }

    /// A table of at most `most` rows; it says how many more there are and where.
    pub fn table(&mut self, heads: &[&str], rows: &[Vec<String>], most: usize) {
        if rows.is_empty() {
            return;
        }
        self.text += &format!("| {} |\n|{}\n", heads.join(" | "), "---|".repeat(heads.len()));
        for row in rows.iter().take(most) {
            let cells: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
            self.text += &format!("| {} |\n", cells.join(" | "));
        }
        self.text.push('\n');
        if rows.len() > most {
            let more = words::grouped(words::size(rows.len() - most));
            self.paragraph(&format!("… and {more} more: the JSON form has all of them."));
        }
    }
}

/// Text which Markdown and HTML take as text: one line, nothing special left in it.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '~' | '#' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c if crate::report::terminal::is_unsafe(c) => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let hostile = "a|b<script>`x`\n# head [l](u) ~~s~~ \u{202e}r";
        assert_eq!(escape(hostile), "a\\|b&lt;script&gt;\\`x\\` \\# head \\[l\\](u) \\~\\~s\\~\\~  r");
        let mut page = Page::default();
        page.table(&["name"], &[vec![hostile.to_owned()]], 10);
        assert_eq!(page.finish().lines().count(), 3, "a cell cannot begin a line");
    }

    #[test]
    fn a_long_table_says_how_many_more() {
        let mut page = Page::default();
        page.table(&["n"], &vec![vec!["1".to_owned()]; 12], 10);
        assert!(page.finish().ends_with("… and 2 more: the JSON form has all of them.\n"));
    }
}
