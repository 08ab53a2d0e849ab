//! What is refused, where the error points, and that the documentation tells every key.

use super::*;

const GOOD: &str = r#"
[drill]
name = "small"
kind = "exercise"
start = 2026-01-01T12:00:00Z
end = "2026-01-01T13:00:00Z"

[[collectors]]
name = "rrc00"
peers = 12

[[routes]]
prefixes = ["192.0.2.0/24", "2001:db9::/32"]
origin = 64500

[[events]]
at = 2026-01-01T12:30:00Z
action = "withdraw"
prefixes = ["192.0.2.0/24"]

[probes]
period = "60s"

[[probes.vantages]]
name = "office"
resolver = "192.0.2.53"

[[probes.services]]
name = "Shop"
reporters = ["users"]

[[dns]]
at = 2026-01-01T12:30:00Z
outcome = "servfail"

[[status]]
at = 2026-01-01T12:30:00Z
services = ["Shop"]
reporter = "users"
status = "down"
"#;

fn error(text: &str) -> String {
    parse(Path::new("t.toml"), text).unwrap_err().to_string()
}

// Why: whoever writes a timeline by hand must be told where the slip is and what to write instead.
#[test]
fn every_slip_is_told_with_its_place_and_what_to_write() {
    parse(Path::new("t.toml"), GOOD).unwrap();
    let slips = [
        ("action = \"withdraw\"", "action = \"withdrew\"", "t.toml:18:10: unknown variant `withdrew`, expected one of `withdraw`"),
        ("peers = 12", "peesr = 12", "t.toml:10:1: unknown field `peesr`"),
        ("peers = 12", "", "t.toml:8:1: collector `rrc00` has no peers; write peers = 16"),
        ("12:30:00Z\naction", "14:30:00Z\naction", "t.toml:16:1: 2026-01-01T14:30:00Z lies outside the drill"),
        ("12:30:00Z\naction", "12:30:00\naction", "write it as 2021-10-04T15:39:00Z"),
        ("end = \"2026-01-01T13:00:00Z\"", "end = \"2026-01-01T11:00:00Z\"", "write an `end` after `start`"),
        (
            "prefixes = [\"192.0.2.0/24\"]\n\n[probes]",
            "prefixes = [\"192.0.3.0/24\"]\n\n[probes]",
            "192.0.3.0/24 is in no [[routes]]",
        ),
        (
            "prefixes = [\"192.0.2.0/24\", ",
            "prefixes = [\"192.0.2.1/24\", ",
            "192.0.2.1/24 has bits behind its length; write 192.0.2.0/24",
        ),
        ("action = \"withdraw\"", "action = \"hijack\"", "a hijack needs it"),
        ("action = \"withdraw\"", "action = \"flap\"", "a flap and a state_change need times = 5 and period = \"60s\""),
        (
            "action = \"withdraw\"\nprefixes = [\"192.0.2.0/24\"]",
            "action = \"state_change\"\ntimes = 5\nperiod = \"60s\"",
            "needs states = [\"established\", \"idle\"]",
        ),
        (
            "action = \"withdraw\"",
            "action = \"withdraw\"\nstates = [\"established\", \"gone\"]",
            "unknown variant `gone`, expected one of `idle`",
        ),
        (
            "peers = 12",
            "[[collectors.peer]]\nasn = 64510\naddresses = [\"192.0.2.1\"]\nidle = true",
            "collector `rrc00` has no peers",
        ),
        ("action = \"withdraw\"", "action = \"session_down\"", "takes no prefixes; leave them out"),
        ("action = \"withdraw\"", "action = \"withdraw\"\ncount = 13", "asks for 13 peer ASes and 12 fit it"),
        (
            "action = \"withdraw\"",
            "action = \"withdraw\"\ncollectors = [\"rrc01\"]",
            "there is no collector `rrc01`; there are: rrc00",
        ),
        ("action = \"withdraw\"", "action = \"withdraw\"\ntransit = 1", "no peer fits this row"),
        (
            "action = \"withdraw\"",
            "action = \"withdraw\"\nstragglers = [{ at = 2026-01-01T12:40:00Z, count = 13 }]",
            "fewer than 13 peers left",
        ),
        ("services = [\"Shop\"]", "services = [\"Shoop\"]", "there is no service `Shoop`; there are: Shop"),
        ("reporter = \"users\"", "reporter = \"press\"", "there is no reporter of Shop `press`; there are: users"),
        (
            "outcome = \"servfail\"",
            "outcome = \"servfail\"\nnames = [\"shop.example\"]",
            "there is no host name or zone `shop.example`",
        ),
        ("name = \"rrc00\"", "name = \"../rrc00\"", "cannot be a folder's name"),
        ("origin = 64500", "origin = 64500\npaths = 0", "write either paths = 4"),
        (
            "origin = 64500",
            "origin = 64500\nfill = { within = \"198.51.100.0/24\", length = 25, count = 3 }",
            "the fill lacks 1 free prefixes",
        ),
    ];
    for (right, wrong, told) in slips {
        assert!(GOOD.contains(right), "{right}");
        let error = error(&GOOD.replacen(right, wrong, 1));
        assert!(error.contains(told), "{wrong}: {error}");
        assert!(error.starts_with("t.toml:"), "{error}");
    }
}

// Why: a rebuilt incident stands on its sources; a row without one would be an invention.
#[test]
fn a_rebuilt_timeline_names_a_source_for_every_row() {
    let mut text = GOOD.replace("exercise", "rebuilt");
    for row in ["[[collectors]]", "[[routes]]", "[[events]]", "[probes]", "[[dns]]", "[[status]]"] {
        let error = error(&text);
        let line = text.lines().position(|line| line == row).unwrap() + 1;
        assert!(error.starts_with(&format!("t.toml:{line}:1: this row has no source")), "{row}: {error}");
        text = text.replace(row, &format!("{row}\nsource = \"somebody, somewhere\""));
    }
    parse(Path::new("t.toml"), &text).unwrap();
}

#[test]
fn a_missing_file_is_named() {
    let error = read(Path::new("no/such/timeline.toml")).unwrap_err().to_string();
    assert!(error.contains("no/such/timeline.toml"), "{error}");
}

/// The keys of the format, read off the types which parse it.
fn keys() -> Vec<&'static str> {
    let source = include_str!("timeline.rs");
    let (_, words) = source.split_once("struct Document").unwrap();
    let fields = words.lines().filter_map(|line| line.strip_prefix("    pub(super) ")?.split_once(':'));
    fields.map(|(name, _)| name).collect()
}

// Why: a key which is not told might as well not be there, and an example which does not work is worse than none.
#[test]
fn the_documentation_tells_every_key_and_its_examples_work() {
    let page = include_str!("../../docs/drill.md");
    assert!(keys().len() > 60);
    for key in keys() {
        assert!(
            page.contains(&format!("`{key}`")) || page.contains(&format!("[{key}]")) || page.contains(&format!(".{key}]]")),
            "{key}"
        );
    }
    let examples: Vec<&str> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!examples.is_empty());
    for example in examples {
        parse(Path::new("docs/drill.md"), example).unwrap();
    }
}
