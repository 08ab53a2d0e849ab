//! What is shown, and whether all its forms agree.

use super::scene::{Answer, MARKUP, Scene, at};
use faultline::source::bmp::{ConnectionId, RouterEvent};
use faultline::watch::board::{CanaryState, Lookout, OutboxState, ServiceProbes};
use jsonschema::Validator;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The schema of an answer, as the document tells it.
fn schema(document: &Value, path: &str) -> Option<Validator> {
    let mut schema = document["paths"][path]["get"]["responses"]["200"]["content"].get("application/json")?.get("schema")?.clone();
    schema["components"] = document["components"].clone();
    Some(jsonschema::options().should_validate_formats(true).build(&schema).unwrap())
}

/// Everything which can be told is.
fn told_all(scene: &mut Scene) {
    let service = scene.live.organization().services[0].name.clone();
    let lookout = &mut scene.publisher.lookout;
    lookout.complaint(MARKUP);
    lookout.canary(CanaryState { sings: false, last: Some(at(1)), sentence: format!("The canary {MARKUP} was not heard.") });
    lookout.outbox(OutboxState { waiting: 1, delivered: 2, failed: 3, oldest: Some(at(2)) });
    lookout.probed(vec![ServiceProbes { service, series: 3, failing: 1, unknown: 0, attempts: 40, last: Some(at(3)) }]);
    scene.pass(60);
}

#[test]
fn every_answer_is_as_the_document_says() {
    let quiet = Scene::new(None);
    let document = quiet.get("/api/v1/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut broken = Scene::broken(None);
    let mut held = 0;
    for told in [false, true] {
        if told {
            told_all(&mut broken);
        }
        for path in document["paths"].as_object().unwrap().keys() {
            let Some(schema) = schema(&document, path) else { continue };
            let path = path.replace("{number}", "1");
            let mut value = broken.get(&path).json();
            let errors: Vec<String> =
                schema.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(errors.is_empty(), "{path}: {}", errors.join("\n"));
            // It is not so wide that anything passes.
            let fields = value.as_object_mut().unwrap();
            let first = fields.keys().next().unwrap().clone();
            let taken = fields.remove(&first).unwrap();
            assert!(!schema.is_valid(&value), "{path} without {first}");
            value[&first] = taken;
            value["unknown"] = json!(1);
            assert!(!schema.is_valid(&value), "{path} with a field more");
            held += 1;
        }
    }
    assert_eq!(held, 12, "six answers, twice");
    for path in ["status", "prefixes", "services", "feeds", "incidents"] {
        let path = format!("/api/v1/{path}");
        let schema = schema(&document, &path).unwrap();
        assert!(schema.is_valid(&quiet.get(&path).json()), "{path} before anything was heard");
    }
    let schema = json!({ "$ref": "#/components/schemas/Problem", "components": document["components"] });
    let refused = quiet.get("/api/v1/incidents/1");
    assert!(refused.status == 404 && jsonschema::validator_for(&schema).unwrap().is_valid(&refused.json()));
}

#[test]
fn a_withdrawn_prefix_is_seen_on_the_page_in_the_api_and_in_metrics() {
    let scene = Scene::broken(None);
    let prefixes = scene.get("/api/v1/prefixes").json();
    let first = &prefixes["prefixes"][0];
    assert_eq!((first["condition"].as_str(), first["level"].as_str()), (Some("withdrawn"), Some("full")));
    assert_eq!((&first["visibility"]["lost"], &first["usual"]), (&json!(4), &json!(1_000_000)));
    let incident = &scene.get("/api/v1/incidents").json()["incidents"][0];
    assert_eq!((&incident["state"], &incident["number"], &incident["report"]), (&json!("open"), &json!(1), &json!("/incidents/1")));
    let service = &scene.get("/api/v1/services").json()["services"][0];
    assert_eq!((&service["code"], &service["incident"]), (&json!("concerned"), &json!(1)));
    let page = scene.get("/");
    assert!(page.body.contains("1 incident open, 1 of 2 prefixes withdrawn."), "{}", page.body);
    assert!(page.body.find("Can I see?").unwrap() < page.body.find("Is anything wrong?").unwrap(), "feed health is first");
    assert!(page.body.contains("0 of 4 ASes see it; usual 100.0 %"));
    let report = scene.get("/incidents/1");
    assert!(report.status == 200 && report.body.contains("192.0.2.0/24") && report.body.contains("Incident 1: "));
}

#[test]
fn an_incident_which_is_over_stays_and_another_has_its_own_number() {
    let mut scene = Scene::broken(None);
    scene.say(60, true);
    scene.pass(80);
    scene.pass(100);
    let incidents = scene.get("/api/v1/incidents").json()["incidents"].clone();
    assert_eq!((&incidents[0]["state"], &incidents[0]["last_change"]), (&json!("closed"), &json!("closed")), "{incidents}");
    assert!(scene.get("/").body.contains("No incident, as far as can be seen."));
    scene.say(10_000, true);
    scene.pass(10_020);
    scene.say(10_030, false);
    scene.pass(10_050);
    let incidents = scene.get("/api/v1/incidents").json()["incidents"].clone();
    let told: Vec<_> =
        incidents.as_array().unwrap().iter().map(|row| (row["number"].as_u64().unwrap(), row["state"].as_str().unwrap())).collect();
    assert_eq!(told, [(2, "open"), (1, "closed")]);
    let (one, two) = (scene.get("/api/v1/incidents/1").json(), scene.get("/api/v1/incidents/2").json());
    assert_ne!(one["report"]["incidents"][0]["id"], two["report"]["incidents"][0]["id"]);
    assert_eq!(two["report"]["incidents"][0]["id"], two["incident"]["id"]);
    assert!(scene.get("/incidents/2").body.contains("Incident 2: "));
}

// Why: names come from profiles, servers and routers of others. A browser must never take them for markup.
#[test]
fn hostile_text_stays_text_on_every_page_and_in_every_event() {
    let mut scene = Scene::broken(None);
    told_all(&mut scene);
    scene.publisher.lookout.down(MARKUP);
    scene.pass(61);
    for path in ["/", "/incidents/1"] {
        let Answer { body, .. } = scene.get(path);
        assert_eq!((body.matches("<img").count(), body.matches("<script").count()), (0, 1), "{path}: only our own script");
        assert!(body.contains("&#60;img src=x onerror=alert(1)&#62;"), "{path}: it is shown");
    }
    let page = scene.get("/").body;
    for place in ["organization", "note", "label", "service", "canary", "rrc99", "no connection to the stream ("] {
        assert!(page.contains(&format!("{place} &#60;/script")) || page.contains(&format!("{place}&#60;/script")), "{place}");
    }
    for path in ["/api/v1/status", "/api/v1/feeds", "/metrics", "/healthz"] {
        let kind = scene.get(path).header("content-type").to_owned();
        assert!(!kind.contains("html") && scene.get(path).header("x-content-type-options") == "nosniff", "{path}: {kind}");
    }
    let words = scene.listen().next_of("sight-words").unwrap();
    assert!(words.contains(MARKUP), "as data it is whole: {words}");
}

#[test]
fn a_listener_is_told_everything_and_then_what_changes() {
    let mut scene = Scene::new(None);
    scene.say(0, true);
    scene.pass(20);
    let mut events = scene.listen();
    let first = events.next().unwrap();
    let page = scene.get("/").body;
    let spots = first["spots"].as_array().unwrap();
    assert!(spots.len() > 20 && page.contains(&format!("data-shape=\"{}\"", first["shape"].as_str().unwrap())));
    let ids: BTreeMap<&str, usize> = spots
        .iter()
        .map(|spot| spot["id"].as_str().unwrap())
        .map(|id| (id, page.matches(&format!("id=\"{id}\"")).count()))
        .collect();
    assert_eq!(ids.len(), spots.len(), "an element is told once");
    assert!(ids.values().all(|count| *count == 1), "each is on the page, once: {ids:?}");
    scene.pass(21);
    let second = events.next().unwrap();
    let told: Vec<&str> = second["spots"].as_array().unwrap().iter().map(|spot| spot["id"].as_str().unwrap()).collect();
    assert!(told.contains(&"as-of") && told.len() < 10, "{told:?}");
    assert_eq!(second["shape"], first["shape"]);
    scene.say(30, false);
    scene.pass(50);
    assert_ne!(events.next().unwrap()["shape"], first["shape"], "an incident has opened");
}

// Why: a browser on a bad line must not make others wait, nor be shown the past when it is back.
#[test]
fn a_listener_which_reads_nothing_delays_nobody_and_gets_the_newest() {
    let mut scene = Scene::new(None);
    scene.say(0, true);
    scene.pass(20);
    let mut slow = scene.listen();
    let published = 20_000;
    for second in 0..published {
        scene.publisher.looked(&scene.live, at(30 + second));
    }
    let newest = format!("as of {}", at(30 + published - 1).in_words());
    assert!(scene.get("/").body.contains(&newest), "others see the newest");
    let mut events: i64 = 0;
    while slow.next_of("as-of").as_deref() != Some(&newest) {
        events += 1;
    }
    assert!(events < published, "{events}");
}

#[test]
fn listeners_beyond_a_number_are_refused() {
    let scene = Scene::new(None);
    let mut listeners: Vec<_> = (0..32).map(|_| scene.listen()).collect();
    assert!(listeners.iter_mut().all(|listener| listener.next().is_some()));
    assert_eq!(scene.get("/events").status, 503);
    assert_eq!(scene.get("/").status, 200, "the page itself is still there");
}

#[test]
fn health_is_told_once_the_stream_is_heard() {
    let mut scene = Scene::new(None);
    let before = scene.get("/healthz");
    assert_eq!((before.status, before.body.as_str()), (503, "Nothing has been heard from the stream yet.\n"));
    scene.say(0, true);
    scene.pass(20);
    assert!((0..1_000).any(|_| scene.get("/healthz").status == 200));
}

// Why: who hears only his own routers has no stream, and a page which misses one would be red for ever.
#[test]
fn routers_alone_are_shown_without_a_stream() {
    let mut scene = Scene::of(Lookout::new(None, false, at(0)).hearing_routers(), None);
    assert_eq!(scene.get("/healthz").body, "No router is connected.\n");
    let (connection, address) = (ConnectionId(1), "192.0.2.254".parse().unwrap());
    scene.live.router(RouterEvent::Connected { connection, address, name: Some(format!("edge1 {MARKUP}")) });
    // An Initiation message without anything in it (RFC 7854 §4.3).
    scene.live.router(RouterEvent::Messages { connection, bytes: vec![3, 0, 0, 0, 6, 4], at: at(1) });
    scene.pass(20);
    assert!((0..1_000).any(|_| scene.get("/healthz").status == 200));
    let feeds = scene.get("/api/v1/feeds").json();
    assert_eq!((&feeds["stream"], &feeds["routers"][0]["connected"]), (&Value::Null, &Value::Bool(true)));
    let page = scene.get("/").body;
    assert!(page.contains("connected, 1 message so far") && page.contains("No: nothing has been heard yet."), "{page}");
    assert!(!page.contains("<img") && !page.contains("id=\"rates\""));
    let metrics = scene.get("/metrics").body;
    let of_router = |name: &str| metrics.lines().find(|line| line.starts_with(name)).and_then(|line| line.rsplit(' ').next());
    assert_eq!((of_router("faultline_router_connected{"), of_router("faultline_router_messages_total{")), (Some("1"), Some("1")));
    assert!(!metrics.contains("faultline_stream"));
    scene.live.router(RouterEvent::Lost { connection, reason: "reset".to_owned(), at: at(21) });
    scene.pass(30);
    assert!((0..1_000).any(|_| scene.get("/healthz").status == 503));
    assert!(scene.get("/").body.contains("not connected, 1 message so far"));
}

/// A line of OpenMetrics: its name, its labels as they stand, its value.
fn metric(line: &str) -> (String, String, f64) {
    let (name, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = name.split_once('{').map_or((name, ""), |(name, labels)| (name, labels.strip_suffix('}').unwrap()));
    assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{line}");
    (name.to_owned(), labels.to_owned(), value.parse().unwrap())
}

#[test]
fn metrics_can_be_read_and_say_the_same() {
    let mut scene = Scene::broken(None);
    told_all(&mut scene);
    let answer = scene.get("/metrics");
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    assert!(answer.body.ends_with("# EOF\n"));
    let lines: Vec<_> = answer.body.lines().filter(|line| !line.starts_with('#')).map(metric).collect();
    let value = |name: &str, labels: &str| {
        let found: Vec<f64> =
            lines.iter().filter(|(known, told, _)| known == name && told.contains(labels)).map(|(.., value)| *value).collect();
        assert_eq!(found.len(), 1, "{name}{{{labels}}}: {found:?} in {}", answer.body);
        format!("{}", found[0])
    };
    for (name, labels, expected) in [
        ("faultline_prefix_ases", r#"prefix="192.0.2.0/24",vote="lost""#, "4"),
        ("faultline_prefix_withdrawn_level", r#"prefix="192.0.2.0/24""#, "3"),
        ("faultline_prefix_visibility_ratio", r#"prefix="192.0.2.0/24""#, "0"),
        ("faultline_prefix_usual_ratio", r#"prefix="192.0.2.0/24""#, "1"),
        ("faultline_prefix_untold", r#"prefix="198.51.100.0/24""#, "1"),
        ("faultline_incidents_open", "", "1"),
        ("faultline_incidents_total", "", "1"),
        ("faultline_sight", "", "1"),
        ("faultline_stream_connected", "", "1"),
        ("faultline_stream_frames_total", "", "8"),
        ("faultline_stream_lag_seconds", "", "34"),
        ("faultline_vantage_points", r#"voice="speaks""#, "4"),
        ("faultline_probe_series_failing", "", "1"),
        ("faultline_probe_attempts_total", "", "40"),
        ("faultline_alerts_waiting", "", "1"),
        ("faultline_canary", "", "0"),
    ] {
        assert_eq!(value(name, labels), expected, "{name}");
    }
    // A quote in a name must not end its label.
    assert!(answer.body.contains(r#"onerror=alert(1)>\"'""#), "{}", answer.body);
}
