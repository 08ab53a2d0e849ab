//! `faultline man`: the manual, one page a command.
//!
//! What the command line says of itself is taken from it, so that the pages cannot lag behind; what it does not say (examples, files)
//! stands in `chapter`. The pages hold no date: the same program writes the same bytes.

mod chapter;

use crate::analysis::Outcome;
use crate::cli::{Cli, Man};
use crate::report;
use chapter::Chapter;
use clap::{Command, CommandFactory};
use clap_mangen::roff::{Roff, bold, roman};
use miette::IntoDiagnostic;
use std::io;

/// Runs it.
///
/// # Errors
/// If the pages cannot be written.
pub fn run(typed: &Man) -> miette::Result<Outcome> {
    let pages = pages().into_diagnostic()?;
    match (&typed.out, pages.first()) {
        (Some(dir), _) => {
            let files: Vec<(&str, &str)> = pages.iter().map(|page| (page.name.as_str(), page.text.as_str())).collect();
            report::write_dir(dir, &files)?;
            super::tell(&format!("wrote {} pages to {}", files.len(), dir.display()));
        }
        (None, Some(page)) => super::print(&page.text)?,
        (None, None) => {}
    }
    Ok(Outcome::NoIncident)
}

/// A page of the manual.
struct Page {
    /// Its file, such as `faultline-org-check.1`.
    name: String,
    text: String,
}

/// Every page, that of the program first.
fn pages() -> io::Result<Vec<Page>> {
    // `faultline help` is told by the other pages.
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let version = program.get_version().unwrap_or_default().to_owned();
    let mut pages = Vec::new();
    collect(&program, None, &version, &mut pages)?;
    Ok(pages)
}

fn collect(command: &Command, parent: Option<&str>, version: &str, pages: &mut Vec<Page>) -> io::Result<()> {
    let title = title(command);
    pages.push(Page { name: format!("{title}.1"), text: text(command, parent, version)? });
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        collect(inner, Some(title), version, pages)?;
    }
    Ok(())
}

/// `faultline-org-check`
fn title(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn text(command: &Command, parent: Option<&str>, version: &str) -> io::Result<String> {
    let page = clap_mangen::Man::new(command.clone().subcommand_value_name("command"));
    let title = title(command);
    let chapter = Chapter::of(title);
    // With the date left empty, not left out: else what follows would stand in its place.
    let mut text = format!(".TH {title} 1 \"\" \"faultline {version}\" \"Faultline manual\"\n").into_bytes();
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    if let Some(chapter) = chapter {
        text.extend(description(chapter).render().into_bytes());
    }
    page.render_options_section(&mut text)?;
    if command.has_subcommands() {
        page.render_subcommands_section(&mut text)?;
    }
    if let Some(chapter) = chapter {
        text.extend(rest(chapter).render().into_bytes());
    }
    text.extend(see_also(command, parent).render().into_bytes());
    Ok(plain(&String::from_utf8_lossy(&text)))
}

/// What each section begins with stands once; and letters which a formatter may not know are written by their number, so that no
/// formatter has to guess the encoding.
fn plain(text: &str) -> String {
    let beginning = Roff::new().render();
    let sections = text.replace(&beginning, "");
    let mut page = beginning;
    for letter in sections.chars() {
        if letter.is_ascii() {
            page.push(letter);
        } else {
            page.push_str(&format!("\\[u{:04X}]", u32::from(letter)));
        }
    }
    page
}

fn description(chapter: &Chapter) -> Roff {
    let mut text = Roff::new();
    for paragraph in chapter.description {
        text.control("PP", []).text([roman(*paragraph)]);
    }
    text
}

fn rest(chapter: &Chapter) -> Roff {
    let mut text = Roff::new();
    list(&mut text, "EXIT STATUS", chapter.exit);
    list(&mut text, "FILES", chapter.files);
    text.control("SH", ["EXAMPLES"]);
    for (purpose, typed) in chapter.examples {
        text.control("PP", []).text([roman(*purpose)]);
        text.control("PP", []).control("RS", ["4"]).control("nf", []);
        text.text([bold(*typed)]);
        text.control("fi", []).control("RE", []);
    }
    text
}

fn list(text: &mut Roff, heading: &str, items: &[(&str, &str)]) {
    if items.is_empty() {
        return;
    }
    text.control("SH", [heading]);
    for (item, meaning) in items {
        text.control("TP", []).text([bold(*item)]).text([roman(*meaning)]);
    }
}

/// The page above and those below; the program's own page names all.
fn see_also(command: &Command, parent: Option<&str>) -> Roff {
    fn below(command: &Command, names: &mut Vec<String>) {
        for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
            names.push(title(inner).to_owned());
            below(inner, names);
        }
    }
    let mut names: Vec<String> = parent.map(str::to_owned).into_iter().collect();
    below(command, &mut names);
    let mut text = Roff::new();
    let mut line = Vec::new();
    for (place, name) in names.into_iter().enumerate() {
        line.push(roman(if place > 0 { ", " } else { "" }));
        line.push(bold(name));
        line.push(roman("(1)"));
    }
    // Names are not to be broken.
    text.control("SH", ["SEE ALSO"]).control("nh", []).text(line);
    text
}

#[cfg(test)]
mod tests;
