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
pub use view::loss::{ExtendedErrorView, KindView, LossGroup, LossView, Records};
pub use view::observed::{ObservedKind, ObservedView};
pub use view::place::{Period, When};
pub use view::service::{LayerView, ServiceView, SeverityView};
pub use view::survey::{OutagePrefix, OutageView, SurveyView};
pub use view::withdrawal::{CoverView, Crossings, MomentView, StatementView, WithdrawalGroup, WithdrawalView};
pub use view::{OrganizationView, OutcomeView, PrefixView, ReportView};
pub use write::{WriteError, write_dir};

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde::de::DeserializeOwned;

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
    /// As Markdown.
    fn to_markdown(&self) -> String;
    /// As HTML.
    fn to_html(&self) -> String;
    /// Pictures as SVG files, by name.
    fn to_charts(&self) -> Vec<(String, String)>;
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

    fn to_markdown(&self) -> String {
        markdown::markdown(&content::report(self, Detail::FULL))
    }

    fn to_html(&self) -> String {
        let title = format!("Incident report: {}", self.organization.name);
        html::html(&title, self.outcome.code.word(), |detail| content::report(self, detail))
    }

    fn to_charts(&self) -> Vec<(String, String)> {
        svg::files(&content::report(self, Detail::FULL))
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

    fn to_markdown(&self) -> String {
        markdown::markdown(&content::survey(self, Detail::FULL))
    }

    fn to_html(&self) -> String {
        html::html("Survey of all origins", self.outcome.code.word(), |detail| content::survey(self, detail))
    }

    fn to_charts(&self) -> Vec<(String, String)> {
        svg::files(&content::survey(self, Detail::FULL))
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
pub fn json(view: &impl Serialize) -> String {
    pretty(view)
}

/// The JSON Schema (2020-12) of what [`json`] writes of such a view: every field, required, and no other.
pub fn schema<V: Shown>() -> String {
    pretty(&SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<V>())
}

#[allow(
    clippy::expect_used,
    reason = "views and schemas hold only strings, numbers, lists and maps with text keys, which serde_json always writes"
)]
fn pretty(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("it can be written as JSON");
    text.push('\n');
    text.chars().fold(String::with_capacity(text.len()), |mut inert, c| {
        // JSON allows these raw in texts, where alone they can stand; a terminal or an editor might obey them.
        if c != '\n' && terminal::is_unsafe(c) {
            inert.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            inert.push(c);
        }
        inert
    })
}

/// The report for reading. Text which came from outside is escaped.
pub fn markdown(view: &impl Shown) -> String {
    view.to_markdown()
}

/// The report to look at: one HTML file which fetches nothing and reads without script.
pub fn html(view: &impl Shown) -> String {
    view.to_html()
}

/// The report's pictures as SVG files, by their names below the report's folder.
pub fn charts(view: &impl Shown) -> Vec<(String, String)> {
    view.to_charts()
}

/// Every file made from a view alone: names below the report's folder, and contents.
pub fn files(view: &impl Shown) -> Vec<(String, Vec<u8>)> {
    let mut files = vec![
        ("report.html".to_owned(), html(view).into_bytes()),
        ("report.md".to_owned(), markdown(view).into_bytes()),
        ("incidents.json".to_owned(), json(view).into_bytes()),
    ];
    files.extend(charts(view).into_iter().map(|(name, chart)| (name, chart.into_bytes())));
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
