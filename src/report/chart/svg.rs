//! A figure as an SVG file of its own, for slides: on white, with its words in it, nothing fetched.

use super::axis::{Axis, Tick, units};
use super::{Figure, Piece, Row};
use crate::report::page::{Block, Page};
use crate::report::terminal::clean;

/// Sizes in pixels.
const WIDTH: usize = 1_600;
const LEFT: usize = 470;
const PLOT: usize = WIDTH - LEFT - 40;
const ROW: usize = 26;
const HEADING: usize = 28;
/// Rows of many are as tall as this at most.
const MANY: usize = 900;
/// Signs of a label: those beyond it are cut, and the cut shows.
const LABEL: usize = 38;

/// The colours of the page in light, whoever looks.
const STYLE: &str = "text{font:16px system-ui,'Segoe UI',Roboto,Arial,'DejaVu Sans',sans-serif;fill:#16202b}\
.title{font-size:24px;font-weight:600}.faint{fill:#536070;font-size:14px}.head{font-weight:650;font-size:15px;fill:#536070}\
.name{font-family:Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:14px}\
.has,.good{fill:#2166a8}.lost,.failing{fill:#f3b2a4}.unknown,.unsure{fill:#a5adb8}.foreign{fill:#7a3d9c}.bare,.unprobed,.never{fill:#eef0f3}\
.key{stroke:#536070}.threshold{stroke:#16202b;stroke-dasharray:4 4;vector-effect:non-scaling-stroke}\
.breaks{stroke:#b3261e}.back{stroke:#1b6e45;stroke-dasharray:5 3}.tick{stroke:#536070}";

/// Every figure of a page, by file name below the report's folder.
pub(in crate::report) fn files(page: &Page) -> Vec<(String, String)> {
    let figures = page.blocks.iter().filter_map(|block| if let Block::Figure(figure) = block { Some(figure) } else { None });
    figures.map(|figure| (figure.file(), file(figure))).collect()
}

fn file(figure: &Figure) -> String {
    let axis = Axis::between(figure.window.0, figure.window.1);
    let mut body = String::new();
    let mut y = 44;
    body += &text(20, y, "title", &figure.title);
    y += 14;
    for line in wrapped(&plain(&figure.caption), 190) {
        y += 20;
        body += &text(20, y, "faint", &line);
    }
    y += 30;
    body += &legend(figure, y);
    y += 20;
    let top = y;
    for row in &figure.rows {
        if let Some(heading) = row.heading {
            y += HEADING;
            body += &text(20, y - 7, "head", heading);
        }
        let height =
            if row.height == 1 { ROW - 4 } else { usize::try_from(row.height).unwrap_or(MANY).saturating_mul(2).min(MANY) };
        body += &drawn(row, y, height);
        y += height + 4;
    }
    for mark in &figure.marks {
        let x = place(axis.x(mark.latest));
        body += &format!("<path class=\"{}\" d=\"M{x} {top}V{y}\"><title>{}</title></path>", mark.class, escape(&mark.words));
    }
    // A day beside the clock is wide: at the right edge it would be cut.
    let fits = |tick: &Tick| tick.words.len() <= 10 || tick.x < 95_000;
    for tick in axis.ticks(10).into_iter().filter(fits) {
        let x = place(tick.x);
        body += &format!(
            "<path class=\"tick\" d=\"M{x} {y}v6\"/><text class=\"faint\" text-anchor=\"middle\" x=\"{x}\" y=\"{}\">{}</text>",
            y + 22,
            tick.words
        );
    }
    body += &text(LEFT - 165, y + 22, "faint", &format!("UTC, {}", axis.day()));
    if let Some(left_out) = &figure.left_out {
        y += 24;
        body += &text(20, y + 22, "faint", left_out);
    }
    let height = y + 40;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\
         <title>{}</title><style>{STYLE}</style><rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>{body}</svg>\n",
        escape(&figure.title)
    )
}

fn legend(figure: &Figure, y: usize) -> String {
    let mut x = 20;
    let mut written = String::new();
    for (class, word) in &figure.legend {
        written += &format!("<rect class=\"key {class}\" x=\"{x}\" y=\"{}\" width=\"20\" height=\"14\"/>", y - 12);
        written += &text(x + 28, y, "", word);
        x += 60 + word.chars().count() * 8;
    }
    written
}

fn drawn(row: &Row, y: usize, height: usize) -> String {
    let words = plain(&row.words);
    let room = if words.is_empty() || row.height > 1 {
        LABEL + 14
    } else {
        LABEL.saturating_sub(words.chars().count().saturating_sub(10))
    };
    let mut written = text(20, y + 16, "name", &cut(&row.label, room.max(16)));
    if row.height == 1 {
        let numbers: String = row.words.iter().map(piece).collect();
        written += &format!("<text class=\"faint\" text-anchor=\"end\" x=\"{}\" y=\"{}\">{numbers}</text>", LEFT - 12, y + 16);
    }
    written += &format!("<rect class=\"bare\" x=\"{LEFT}\" y=\"{y}\" width=\"{PLOT}\" height=\"{height}\"/>");
    written += &format!(
        "<svg x=\"{LEFT}\" y=\"{y}\" width=\"{PLOT}\" height=\"{height}\" viewBox=\"0 0 1000 {}\" preserveAspectRatio=\"none\" \
         data-json=\"{}\">",
        u64::from(row.height) * 100,
        row.source
    );
    for layer in &row.layers {
        written += &format!("<path class=\"{}\" d=\"{}\"/>", layer.class, layer.path);
    }
    if let Some(threshold) = row.threshold {
        written += &format!("<path class=\"threshold\" d=\"M0 {}H1000\"/>", units(threshold));
    }
    written + "</svg>"
}

/// A place along the axis, in pixels from the left.
fn place(hundredths: u32) -> usize {
    LEFT + usize::try_from(hundredths).unwrap_or(0) * PLOT / 100_000
}

/// Text, or a number which names its place in the JSON form.
fn piece(piece: &Piece) -> String {
    match &piece.source {
        Some(source) => format!("<tspan data-json=\"{source}\">{}</tspan>", escape(&piece.text)),
        None => escape(&piece.text),
    }
}

fn plain(pieces: &[Piece]) -> String {
    pieces.iter().map(|piece| piece.text.as_str()).collect()
}

fn text(x: usize, y: usize, class: &str, text: &str) -> String {
    format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escape(text))
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most { text.to_owned() } else { text.chars().take(most - 1).chain(['…']).collect() }
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < width => *line += &format!(" {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Text which XML takes as text.
fn escape(text: &str) -> String {
    clean(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_names() {
        let escaped = escape("<script>\"&\u{202e}\u{0}</script>");
        assert_eq!(escaped, "&lt;script&gt;&quot;&amp;  &lt;/script&gt;");
        assert_eq!(cut("abcdefgh", 4), "abc…");
    }
}
