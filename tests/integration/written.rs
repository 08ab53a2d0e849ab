//! Reports as JSON, as every test writes and reads them: what is written must be valid against the schema of its format, and must be read
//! back as it was.

use faultline::report::{self, OutageLine, ReportView, Shown, SurveyView};
use jsonschema::Validator;
use serde_json::Value;
use std::fmt::Debug;
use std::sync::OnceLock;

/// The schema of a format.
pub fn schema(format: &str) -> &'static Validator {
    static INCIDENTS: OnceLock<Validator> = OnceLock::new();
    static SURVEY: OnceLock<Validator> = OnceLock::new();
    static EVENTS: OnceLock<Validator> = OnceLock::new();
    let made = |text: String| {
        let schema = serde_json::from_str(&text).unwrap();
        jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
    };
    match format {
        ReportView::FORMAT => INCIDENTS.get_or_init(|| made(report::schema::<ReportView>())),
        SurveyView::FORMAT => SURVEY.get_or_init(|| made(report::schema::<SurveyView>())),
        OutageLine::FORMAT => EVENTS.get_or_init(|| made(report::schema::<OutageLine>())),
        other => panic!("no schema of {other}"),
    }
}

/// What a program run wrote, if it is valid.
pub fn valid(text: &str) -> Value {
    let value: Value = serde_json::from_str(text).unwrap();
    let schema = schema(value["format"].as_str().unwrap());
    let errors = schema.iter_errors(&value).take(5).map(|error| format!("{}: {error}", error.instance_path()));
    let errors: Vec<String> = errors.map(|error| error.chars().take(500).collect()).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    value
}

/// A view as JSON, valid.
pub fn json(view: &impl Shown) -> String {
    let text = report::json(view);
    valid(&text);
    text
}

/// What is read back from the JSON is the same view, and every format made from it the same bytes.
pub fn reads_back<V: Shown + PartialEq + Debug>(view: &V) {
    let again: V = report::from_json("a test", &json(view)).unwrap_or_else(|error| panic!("{error}"));
    assert!(again == *view, "a view is not what was read back");
    for ((name, first), (_, second)) in report::files(view).into_iter().zip(report::files(&again)) {
        assert!(first == second, "{name} differs");
    }
    for (width, color) in [(40, false), (100, false), (100, true)] {
        assert_eq!(report::terminal(view, width, color), report::terminal(&again, width, color));
    }
}
