//! Markdown: for reading, filing and sending on.
//!
//! Takes a [`Page`], gives text. Names, paths and bodies come from outside: none of them may end a table, open a link or smuggle in
//! HTML. Figures are links to the SVG files which stand beside the report.

use super::page::{Block, Page, Table, more};

/// The page as Markdown.
pub(super) fn markdown(page: &Page) -> String {
    let mut text = String::new();
    write(&mut text, &page.blocks);
    while text.ends_with("\n\n") {
        text.pop();
    }
    text
}

fn write(text: &mut String, blocks: &[Block]) {
    for block in blocks {
        match block {
            Block::Heading { level, text: heading } => {
                *text += &format!("{} {}\n\n", "#".repeat(usize::from(*level)), escape(heading));
            }
            Block::Paragraph(paragraph) => *text += &format!("{}\n\n", escape(paragraph)),
            Block::Strong(strong) => *text += &format!("**{}**\n\n", escape(strong)),
            Block::Quote(quote) => *text += &format!("> **{}**\n\n", escape(quote)),
            Block::List(items) => {
                *text += &items.iter().map(|item| format!("- {}\n", escape(item))).collect::<String>();
                text.push('\n');
            }
            Block::Facts(facts) => {
                *text += "| | |\n|---|---|\n";
                *text +=
                    &facts.iter().map(|(name, value)| format!("| {} | {} |\n", escape(name), escape(value))).collect::<String>();
                text.push('\n');
            }
            Block::Table(rows) => table(text, rows),
            Block::Figure(figure) => *text += &format!("![{}]({})\n\n", escape(&figure.title), figure.file()),
            Block::Fold { title, blocks } => {
                *text += &format!("#### {}\n\n", escape(title));
                write(text, blocks);
            }
        }
    }
}

fn table(text: &mut String, table: &Table) {
    *text += &format!("| {} |\n|{}\n", table.heads.join(" | "), "---|".repeat(table.heads.len()));
    for row in &table.rows {
        let cells: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
        *text += &format!("| {} |\n", cells.join(" | "));
    }
    text.push('\n');
    if table.more > 0 {
        *text += &format!("{}\n\n", escape(&more(table.more)));
    }
}

/// Text which Markdown and HTML take as text: one line, nothing special left in it.
fn escape(text: &str) -> String {
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
        page.table(&["name"], vec![vec![hostile.to_owned()]], 10);
        assert_eq!(markdown(&page).lines().count(), 3, "a cell cannot begin a line");
    }

    #[test]
    fn a_long_table_says_how_many_more() {
        let mut page = Page::default();
        page.table(&["n"], vec![vec!["1".to_owned()]; 12], 10);
        assert!(markdown(&page).ends_with("… and 2 more: the JSON form has all of them.\n"));
    }

    #[test]
    fn a_long_list_does_so_too() {
        let mut page = Page::default();
        page.list(vec!["item"; 32]);
        assert!(markdown(&page).ends_with("- item\n- … and 12 more: the JSON form has all of them.\n"));
        assert_eq!(markdown(&page).lines().filter(|line| *line == "- item").count(), 20);
    }
}
