//! Reports: what is shown of an analysis.
//!
//! A [`ReportView`] (one organization) or a [`SurveyView`] (every origin) is made first: in it everything is decided, counted and put into
//! words, so that formats cannot disagree. [`json`] is the view itself, whole, [`schema`] says what may stand in it, and [`from_json`] reads
//! it back; [`markdown`] is for reading and filing; [`terminal`] is the one screen for whoever was just woken. [`files`] are all files made
//! from a view. [`explain`] prints every observation behind a verdict, and [`write_dir`] puts files into a folder whole or not at all.
//!
//! Nothing here judges or reads the clock: the time of generation is an argument, and stands in one field.

mod chart;
mod check;
mod content;
mod explain;
mod html;
mod markdown;
mod page;
mod read;
mod tables;
mod terminal;
mod view;
mod words;
mod write;

use chart::{Detail, svg};
pub use check::{CheckView, MessageView};
pub use explain::{ExplainError, explain, explanation, explanation_text};
use page::Page;
pub use read::{ReadError, Saved, from_json};
pub use tables::tables;
pub use terminal::timeline::Glyphs;
pub use view::chain::{ChainLayer, DelayView, LinkView, Phase};
pub use view::completeness::{
    BlindView, CollectorView, CompletenessView, ExcludedPeer, FeedNoteView, InsufficientView, PeerView, SeriesView, UnmatchedView,
};
pub use view::dependency::{AddressView, DependenciesView, HostView, NameServerView, ServiceDependenciesView, ZoneView};
pub use view::explanation::{AttemptView, ExplainedIncident, ExplainedLoss, ExplanationView, InputFile};
pub use view::file::{BadRecordView, BgpFileView, ProbeFileView};
pub use view::foreign::{ForeignStatementView, ForeignView};
pub use view::incident::{ControlView, IncidentBlindView, IncidentView};
pub use view::incident_line::IncidentLine;
pub use view::loss::{ExtendedErrorView, KindView, LossGroup, LossView, Records};
pub use view::observed::{ObservedKind, ObservedView};
pub use view::outage_line::{OutageEventView, OutageLine, OutageSummaryView};
pub use view::place::{Period, When};
pub use view::roll_up::{GroupOutageView, RollUpView};
pub use view::service::{LayerView, ServiceView, SeverityView};
pub use view::survey::{OutagePrefix, OutageView, SurveyShare, SurveyView};
pub use view::withdrawal::{CoverView, Crossings, MomentView, StatementView, WithdrawalGroup, WithdrawalView};
pub use view::{OrganizationView, OutcomeView, PrefixView, ReportView};
#[cfg(feature = "live")]
pub(crate) use words::{count, feed_event, grouped, length};
pub use write::{WriteError, write_dir};

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::io::{self, Write};

/// Lines for a terminal, without what could steer it: names in profiles and recordings come from outside.
pub fn plain(text: &str) -> String {
    text.split('\n').map(terminal::clean).collect::<Vec<_>>().join("\n")
}

/// A view which can be shown in every format.
pub trait Shown: Serialize + DeserializeOwned + JsonSchema {
    /// The `format` which its JSON names.
    const FORMAT: &'static str;
    /// What it comes to.
    fn outcome(&self) -> &OutcomeView;
    /// What its page is called in a browser.
    fn title(&self) -> String;
    /// A field which another contradicts: where, as a JSON pointer (RFC 6901), and what is wrong.
    fn contradiction(&self) -> Option<(String, String)>;
    /// As a page, from which Markdown, HTML and the pictures are made.
    fn page(&self, detail: Detail) -> Page;
    /// For a terminal of this width, with colours or without.
    fn to_terminal(&self, width: usize, color: bool) -> String;
    /// The picture for a terminal; `None` if there is none of such a view.
    fn to_timeline(&self, width: usize, color: bool, glyphs: Glyphs) -> Option<String>;
}

impl Shown for ReportView {
    const FORMAT: &'static str = "faultline-incidents";

    fn outcome(&self) -> &OutcomeView {
        &self.outcome
    }

    fn title(&self) -> String {
        format!("Incident report: {}", self.organization.name)
    }

    fn contradiction(&self) -> Option<(String, String)> {
        read::contradiction(self)
    }

    fn page(&self, detail: Detail) -> Page {
        content::report(self, detail)
    }

    fn to_terminal(&self, width: usize, color: bool) -> String {
        terminal::report(self, width, color)
    }

    fn to_timeline(&self, width: usize, color: bool, glyphs: Glyphs) -> Option<String> {
        Some(timeline(self, width, color, glyphs))
    }
}

impl Shown for SurveyView {
    const FORMAT: &'static str = "faultline-survey";

    fn outcome(&self) -> &OutcomeView {
        &self.outcome
    }

    fn title(&self) -> String {
        "Survey of all origins".to_owned()
    }

    fn contradiction(&self) -> Option<(String, String)> {
        None
    }

    fn page(&self, detail: Detail) -> Page {
        content::survey(self, detail)
    }

    fn to_terminal(&self, width: usize, color: bool) -> String {
        terminal::survey(self, width, color)
    }

    fn to_timeline(&self, _width: usize, _color: bool, _glyphs: Glyphs) -> Option<String> {
        None
    }
}

/// The whole view as JSON: pretty, in the order of the fields, with a final newline. `docs/formats/report.md` names the fields of
/// reports, `docs/formats/commands.md` those of everything else.
#[allow(
    clippy::expect_used,
    reason = "views and schemas hold only strings, numbers, lists and maps with text keys, which serde_json always writes"
)]
pub fn json(view: &impl Serialize) -> String {
    let mut text = Vec::new();
    write_json(view, &mut text).expect("it can be written as JSON");
    String::from_utf8(text).expect("JSON is text")
}

/// Writes the same as it is made, in many small pieces.
///
/// # Errors
/// Those of the writer.
pub fn write_json(view: &impl Serialize, out: impl Write) -> io::Result<()> {
    let mut out = Inert(out);
    serde_json::to_writer_pretty(&mut out, view)?;
    out.write_all(b"\n")
}

/// The same on one line, for JSON Lines.
#[allow(clippy::expect_used, reason = "as for `json`")]
pub fn line(view: &impl Serialize) -> String {
    inert(&(serde_json::to_string(view).expect("it can be written as JSON") + "\n")).into_owned()
}

/// Writes JSON without what could steer a terminal. No piece which serde_json writes ends within a character.
struct Inert<W>(W);

impl<W: Write> Write for Inert<W> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(piece).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        self.0.write_all(inert(text).as_bytes())?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// JSON without what could steer a terminal.
fn inert(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c != '\n' && terminal::is_unsafe(c)) {
        return text.into();
    }
    let inert = text.chars().fold(String::with_capacity(text.len()), |mut inert, c| {
        // JSON allows these raw in texts, where alone they can stand; a terminal or an editor might obey them.
        if c != '\n' && terminal::is_unsafe(c) {
            inert.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            inert.push(c);
        }
        inert
    });
    inert.into()
}

/// The JSON Schema (2020-12) of what [`json`] or [`line()`] writes of such a view: every field, required unless it says when it is not there, and no
/// other.
pub fn schema<V: JsonSchema>() -> String {
    json(&SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<V>())
}

/// The report for reading. Text which came from outside is escaped.
pub fn markdown(view: &impl Shown) -> String {
    markdown::markdown(&view.page(Detail::FULL))
}

/// The report to look at: one HTML file which fetches nothing and reads without script.
pub fn html(view: &impl Shown) -> String {
    document(view, &view.page(Detail::FULL))
}

fn document(view: &impl Shown, page: &Page) -> String {
    html::html(&view.title(), view.outcome().code.word(), page, || view.page(Detail::COARSE))
}

/// The report's pictures as SVG files, by their names below the report's folder.
pub fn charts(view: &impl Shown) -> Vec<(String, String)> {
    svg::files(&view.page(Detail::FULL))
}

/// Every file made from a view alone: names below the report's folder, and contents.
pub fn files(view: &impl Shown) -> Vec<(String, Vec<u8>)> {
    let page = view.page(Detail::FULL);
    let mut files = vec![
        ("report.html".to_owned(), document(view, &page).into_bytes()),
        ("report.md".to_owned(), markdown::markdown(&page).into_bytes()),
        ("incidents.json".to_owned(), json(view).into_bytes()),
    ];
    files.extend(svg::files(&page).into_iter().map(|(name, chart)| (name, chart.into_bytes())));
    files
}

/// The first screen: at most 24 lines of at most `width` (at least 40) characters; it says how much more there is. Control characters
/// which came from outside are taken out.
pub fn terminal(view: &impl Shown, width: usize, color: bool) -> String {
    view.to_terminal(width, color)
}

/// The course of the most urgent incident, or of the recording if there is none, drawn in at most 24 lines of at most `width` (40 to 160)
/// columns: visibility, name servers, resolvers, services and controls on one axis of time.
pub fn timeline(view: &ReportView, width: usize, color: bool, glyphs: Glyphs) -> String {
    terminal::timeline::timeline(view, width, color, glyphs)
}
