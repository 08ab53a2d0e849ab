//! The published schemas: those of the types, complete, and not so wide that anything passes.

use crate::report::{generated, kept};
use crate::survey::followed;
use crate::written;
use faultline::alert::Notice;
use faultline::cli::Inputs;
use faultline::command::analyze::survey;
use faultline::holder::Holders;
use faultline::incident::Verdict;
use faultline::report::{self, IncidentLine, OutageLine, ReportView, Saved, Shown, SurveyView};
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// The schemas by the file in `docs/formats` which publishes each.
fn schemas() -> [(&'static str, String); 5] {
    [
        ("incidents.schema.json", report::schema::<ReportView>()),
        ("survey.schema.json", report::schema::<SurveyView>()),
        ("outage-events.schema.json", report::schema::<OutageLine>()),
        ("incident-events.schema.json", report::schema::<IncidentLine>()),
        ("notice.schema.json", report::schema::<Notice>()),
    ]
}

/// The one field which is not there where nobody asked for it.
const OPTIONAL: &str = "roll_up";

#[test]
fn published_schemas_are_those_of_the_types() {
    for (name, text) in schemas() {
        kept(&Path::new("docs/formats").join(name), &text);
        assert!(jsonschema::meta::is_valid(&serde_json::from_str(&text).unwrap()), "{name} is no schema");
    }
}

/// Every object in a schema which has named fields, with a name for errors.
fn objects(schema: &Value, name: &str, found: &mut Vec<(String, Map<String, Value>)>) {
    match schema {
        Value::Object(fields) => {
            if fields.get("properties").is_some_and(|properties| properties.get("type").is_none_or(|kind| !kind.is_string())) {
                found.push((name.to_owned(), fields.clone()));
            }
            for (key, value) in fields {
                objects(value, &format!("{name}/{key}"), found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| objects(item, name, found)),
        _ => {}
    }
}

// Why: a consumer who reads the schema must find every field, what it means, and that it is always there.
#[test]
fn every_field_is_required_described_and_the_only_one() {
    for (file, text) in schemas() {
        let mut all = Vec::new();
        objects(&serde_json::from_str(&text).unwrap(), file, &mut all);
        let least = if ["outage-events", "incident-events", "notice"].iter().any(|short| file.starts_with(short)) { 2 } else { 16 };
        assert!(all.len() >= least, "{file}: {}", all.len());
        for (name, object) in all {
            assert_eq!(object["additionalProperties"], false, "{name} is open");
            let required =
                object["required"].as_array().unwrap().iter().map(|field| field.as_str().unwrap()).collect::<BTreeSet<_>>();
            let properties = object["properties"].as_object().unwrap();
            assert_eq!(required, properties.keys().map(String::as_str).filter(|key| *key != OPTIONAL).collect(), "{name}");
            let bare: Vec<&String> =
                properties.iter().filter(|(_, field)| field.get("description").is_none()).map(|(key, _)| key).collect();
            // The one field which is a choice: what it means is said where the choice is.
            assert!(bare.is_empty() || bare == ["gap"], "{name}: {bare:?} have no description");
        }
    }
}

#[test]
fn the_schema_knows_every_layer_which_a_verdict_names() {
    let schema: Value = serde_json::from_str(&report::schema::<ReportView>()).unwrap();
    let verdicts = schema["$defs"]["Verdict"]["oneOf"].as_array().unwrap();
    let named = verdicts.iter().map(|verdict| serde_json::from_value::<Verdict>(verdict["const"].clone()).unwrap().layer());
    assert_eq!(named.collect::<BTreeSet<_>>(), Verdict::LAYERS.into());
}

/// Of every list the first item: short, and still valid.
fn first_of_each(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(first_of_each),
        Value::Array(items) => {
            items.truncate(1);
            items.iter_mut().for_each(first_of_each);
        }
        _ => {}
    }
}

/// JSON pointers to everything in a document but itself.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut step = |key: String, value: &Value| {
        let place = format!("{at}/{key}");
        places(value, &place, found);
        found.push(place);
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| step(key.replace('~', "~0").replace('/', "~1"), value)),
        Value::Array(items) => items.iter().enumerate().for_each(|(number, value)| step(number.to_string(), value)),
        _ => {}
    }
}

/// Fields which are maps: their keys come from the input.
const MAPS: [&str; 3] = ["other", "ignored_fields", "unsupported"];

/// Both the schema and the reader refuse it.
fn refused(schema: &Validator, document: &Value, why: &str) {
    assert!(!schema.is_valid(document), "schema: {why}");
    assert!(Saved::from_json("a test", &document.to_string()).is_err(), "reader: {why}");
}

/// Every field of a valid document in turn is taken out, joined by one nobody knows, made of a wrong type and, if it is of a closed set or a
/// time, given a value outside it: all of that is refused. How many places were tried.
fn every_change_is_refused(text: &str) -> usize {
    let mut document = written::valid(text);
    let schema = written::schema(document["format"].as_str().unwrap());
    first_of_each(&mut document);
    written::valid(&document.to_string());
    assert!(Saved::from_json("a test", &document.to_string()).is_ok());
    let mut all = Vec::new();
    places(&document, "", &mut all);
    for place in &all {
        let (holder, key) = place.rsplit_once('/').unwrap();
        let within_map = MAPS.contains(&holder.rsplit('/').next().unwrap());
        let changed = |change: &dyn Fn(&mut Value)| {
            let mut changed = document.clone();
            change(changed.pointer_mut(place).unwrap());
            changed
        };
        refused(schema, &changed(&|value| *value = json!([{ "wrong": 0 }])), &format!("{place} of a wrong type"));
        if document.pointer(place).unwrap().is_object() {
            let unknown =
                |value: &mut Value| value.as_object_mut().unwrap().insert("unknown".to_owned(), "x".into()).map_or((), drop);
            refused(schema, &changed(&unknown), &format!("a field more in {place}"));
        }
        let mut without = document.clone();
        let holder = without.pointer_mut(holder).unwrap();
        if let Some(fields) = holder.as_object_mut().filter(|_| !within_map && key != OPTIONAL) {
            fields.remove(key).unwrap();
            refused(schema, &without, &format!("{place} is missing"));
        }
        let closed = ["verdict", "level", "said", "phase", "event", "compression", "relation", "code", "kind", "format", "version"];
        let time = |value: &Value| {
            value.as_str().is_some_and(|text| text.len() >= 20 && text.parse::<faultline::time::Timestamp>().is_ok())
        };
        // A probe file's format is in words, an incident's name looks like a time.
        let free = place.contains("probe_files") && key == "format" || key == "id";
        if !free && (closed.contains(&key) || document.pointer(place).is_some_and(time)) {
            refused(schema, &changed(&|value| *value = "no_such_value".into()), &format!("{place} outside its set"));
        }
    }
    all.len()
}

#[test]
fn neither_schema_nor_reader_lets_a_changed_report_pass() {
    let incidents = std::fs::read_to_string("tests/golden/lab-A.json").unwrap();
    let tried = every_change_is_refused(&incidents);
    assert!(tried > 300, "{tried}");
    let inputs = Inputs { inputs: vec!["data/lab/A/mrt".into()], collectors: Vec::new(), probes: Vec::new(), threads: None };
    let survey = written::json(&SurveyView::of(&survey(&inputs, &faultline::timing::Timing::default()).unwrap(), generated()));
    assert!(every_change_is_refused(&survey) > 80);
    let (_, rolled_up) = followed("data/lab/A/mrt");
    let holders = Holders::read(Path::new("holders.csv"), b"asn,org,country\n64500,Megacorp,AT\n").unwrap();
    let rolled_up = written::json(&SurveyView::of(&rolled_up.rolled_up(&holders), generated()));
    assert!(every_change_is_refused(&rolled_up) > 120);
    let mut nothing: Value = serde_json::from_str(&rolled_up).unwrap();
    nothing[OPTIONAL] = Value::Null;
    refused(written::schema(SurveyView::FORMAT), &nothing, "a field which is either there or not");
    // An error of the schema alone, to see that it is the change which is refused.
    let mut changed: Value = serde_json::from_str(&incidents).unwrap();
    changed["incidents"][0]["withdrawals"][0]["level"] = "half".into();
    let errors: Vec<_> = written::schema(ReportView::FORMAT).iter_errors(&changed).collect();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].instance_path().to_string(), "/incidents/0/withdrawals/0/level");
    let error = Saved::from_json("r.json", &serde_json::to_string(&changed).unwrap()).unwrap_err().to_string();
    assert!(error.starts_with("r.json:1:") && error.contains("unknown variant `half`, expected one of `partial`"), "{error}");
}
