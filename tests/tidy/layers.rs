//! One direction: a module imports only from modules above it in [`LAYERS`], and never from the other branch.
//!
//! Unit tests may look down; the program may not. What a module may do beside importing (bytes of BGP, DNS, tables, files, the
//! clock) is in [`CONFINED`].

use crate::nothing;
use crate::tree::{self, File};
use std::collections::BTreeSet;

/// Which half of the picture a module belongs to. The halves meet in [`Branch::Both`] and never see each other.
#[derive(Clone, Copy, PartialEq)]
enum Branch {
    /// What the Internet saw.
    Routing,
    /// What clients saw.
    Clients,
    /// Shared words, and where the halves are joined.
    Both,
}

/// Upstream first. A new module gets a row under everything it imports; the last column says why it stands there.
const LAYERS: &[(&str, Branch, &str)] = &[
    ("time", Branch::Both, "every other word has a time in it"),
    ("timing", Branch::Both, "where the time of a run goes; measures, decides nothing"),
    ("vantage", Branch::Both, "who saw it"),
    ("holder", Branch::Both, "who holds an AS number; knows nothing but the number"),
    ("settings", Branch::Both, "thresholds are spans and counts, nothing more"),
    ("observation", Branch::Both, "what was said, by a vantage point, at a time"),
    ("compression", Branch::Both, "bytes out of compressed files, for readers of BGP and of probe results alike"),
    ("web", Branch::Both, "TLS and HTTP as a client, for all who ask a network"),
    ("table", Branch::Both, "columns in and out of Parquet files; what they mean is their owner's business"),
    ("probe", Branch::Clients, "what one attempt of a client gave; knows no organization"),
    ("scope", Branch::Both, "which prefixes and origins are watched; knows no services"),
    ("org", Branch::Both, "whose prefixes and services; both halves ask it what is watched"),
    ("source", Branch::Routing, "files in, observations out, merged by time"),
    ("replay", Branch::Routing, "archives as a stream: what a live source would have sent"),
    ("fetch", Branch::Routing, "archive files from where they are published, verified by the readers of source"),
    ("feed", Branch::Routing, "which vantage points speak, and which carry a full table; knows no routes"),
    ("rib", Branch::Routing, "state per vantage point and prefix, from observations"),
    ("foreign", Branch::Routing, "announcements by other origins, from route changes"),
    ("visibility", Branch::Routing, "who sees a prefix, counted from state"),
    ("withdrawal", Branch::Routing, "when too few see it, from visibility"),
    ("outage", Branch::Routing, "withdrawals which belong together, by whom they concern"),
    ("dependency", Branch::Clients, "what a service needs, from the profile and recorded answers"),
    ("probing", Branch::Clients, "what follows from profile and dependencies is asked, again and again; judges nothing"),
    ("reachability", Branch::Clients, "intervals of failure, from probe results of what services depend on"),
    ("pipeline", Branch::Routing, "the routing stages joined, for archives and live feeds alike"),
    ("incident", Branch::Both, "the first place where both halves are seen together"),
    ("analysis", Branch::Both, "everything found in one input, and what it comes to"),
    ("watch", Branch::Both, "the live half: the same pipeline, while things happen"),
    ("report", Branch::Both, "what is shown of incidents; decides nothing"),
    ("alert", Branch::Both, "who is told what of an incident, as reports word it, and that it is told"),
    ("dashboard", Branch::Both, "the state of a watch, and its reports, for browsers and monitors"),
    ("drill", Branch::Both, "a written timeline becomes recordings: it writes what the readers read"),
    ("cli", Branch::Both, "what was typed"),
    ("command", Branch::Both, "wiring of all of the above, one file a subcommand"),
    ("lib", Branch::Both, "names the modules"),
    ("main", Branch::Both, "parse, log, run, exit status"),
];

/// Imports against the order, each with its reason: (importing module, imported module, reason). Empty is best.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

/// Words which may stand only in certain files of the library: (words, allowed path prefixes, what to do instead).
const CONFINED: &[(&[&str], &[&str], &str)] = &[
    (
        &["bgpkit_parser"],
        &["source/", "source.rs"],
        "bgpkit-parser breaks its API monthly: hide it behind source/, which reads archives and writes them",
    ),
    (&["hickory_"], &["probe/", "probe.rs"], "DNS on the wire belongs to probe/"),
    (&["reqwest"], &["web.rs", "probe/ask/", "alert/", "fetch"], "HTTP is asked by few: give them an address"),
    (&["redb"], &["alert/journal"], "what is kept over a restart is the journal's business"),
    (&["axum"], &["dashboard/"], "the dashboard alone serves HTTP"),
    (&["async_nats"], &["watch/bus"], "the bus is one of several ways to hear a stream: take what is said"),
    (&["polars"], &["table.rs", "table/"], "polars is an optional feature: take and give plain rows, and convert in table"),
    (
        &["fs::write", "File::create", "OpenOptions", "NamedTempFile", "create_dir", "fs::rename", "fs::remove"],
        &[
            "report/",
            "report.rs",
            "command/",
            "table.rs",
            "table/",
            "drill",
            "fetch/",
            "watch/record.rs",
            "watch/ledger.rs",
            "main.rs",
            "alert/spool.rs",
            "alert/sink/file.rs",
        ],
        "files are written at the rim only: give a value to report/, table, drill or fetch",
    ),
    (
        &["SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now"],
        &["main.rs", "replay/server.rs", "watch/", "dashboard/", "probe/ask/", "probing/", "timing.rs"],
        "time is an argument: take a Timestamp; only main, watch and probing read the clock, timing for --stats, and the replay to keep its pace",
    ),
    (
        &["std::fs", "std::net::TcpStream", "std::net::UdpSocket", "std::process", "std::thread", "std::env", "tokio::"],
        &[
            "source/",
            "source.rs",
            "compression",
            "probe/",
            "org/",
            "report/",
            "table",
            "drill",
            "replay/",
            "watch/",
            "web.rs",
            "probing/",
            "alert/",
            "dashboard/",
            "fetch",
            "command",
            "cli",
            "main.rs",
        ],
        "the middle is pure and synchronous: do input and output at the rim and hand over values",
    ),
];

#[test]
fn modules_import_only_from_upstream() {
    let modules = modules();
    let mut found = Vec::new();
    for file in tree::sources() {
        let Some(importing) = module_of(&file.path) else { continue };
        let Some(rank) = rank(&importing) else {
            found.push(format!("{}: module `{importing}` is not known; add a row to LAYERS in tests/tidy/layers.rs", file.path));
            continue;
        };
        for (line, imported) in imports(&file, &modules) {
            let Some(other) = self::rank(&imported) else { continue };
            let excepted = EXCEPTIONS.iter().any(|(from, to, _)| *from == importing && *to == imported);
            if imported == importing || excepted {
                continue;
            }
            let place = format!("{}:{line}: `{importing}` imports `{imported}`", file.path);
            if other > rank {
                found.push(format!("{place}, which stands downstream: pass what it needs as an argument, or move the code down"));
            } else if apart(LAYERS[rank].1, LAYERS[other].1) {
                found.push(format!("{place}, which is of the other half: join them in `incident` or below"));
            }
        }
    }
    nothing(found, "Imports go one way, in the order of LAYERS (tests/tidy/layers.rs) and ARCHITECTURE.md.");
}

#[test]
fn what_is_confined_stays_in_its_module() {
    let mut found = Vec::new();
    for file in tree::sources() {
        for (number, line) in file.program().lines().enumerate() {
            for (words, allowed, instead) in CONFINED {
                let here = allowed.iter().any(|start| tree::inner(&file.path).is_some_and(|path| path.starts_with(start)));
                if let Some(word) = words.iter().find(|word| !here && line.contains(**word)) {
                    found.push(format!("{}:{}: {word}: {instead}", file.path, number + 1));
                }
            }
        }
    }
    nothing(found, "Some things are done in one place only (CONFINED in tests/tidy/layers.rs).");
}

fn apart(one: Branch, other: Branch) -> bool {
    one != other && one != Branch::Both && other != Branch::Both
}

fn rank(module: &str) -> Option<usize> {
    LAYERS.iter().position(|(name, ..)| *name == module)
}

fn modules() -> BTreeSet<String> {
    tree::sources().iter().filter_map(|file| module_of(&file.path)).collect()
}

/// The top-level module a file belongs to: `src/org/profile.rs` is of `org`. Programs under `src/bin` are not part of the library.
fn module_of(path: &str) -> Option<String> {
    let rest = tree::inner(path)?;
    let first = rest.split('/').next()?;
    (first != "bin").then(|| first.trim_end_matches(".rs").to_owned())
}

/// Every top-level module which the program part of a file names, with the line.
fn imports(file: &File, modules: &BTreeSet<String>) -> Vec<(usize, String)> {
    let to_root = "super::".repeat(depth(&file.path));
    let mut found = Vec::new();
    let text = file.program();
    for anchor in ["crate::", to_root.as_str()] {
        for (at, _) in text.match_indices(anchor) {
            let before = text[..at].chars().next_back().unwrap_or(' ');
            if before.is_alphanumeric() || before == '_' || before == ':' {
                continue;
            }
            let line = text[..at].matches('\n').count() + 1;
            let names = names_after(&text[at + anchor.len()..]);
            found.extend(names.into_iter().filter(|name| modules.contains(name)).map(|name| (line, name)));
        }
    }
    found
}

/// How many modules deep a file is: 1 for `src/org.rs` and `src/probe/mod.rs`, 2 for `src/org/profile.rs`.
fn depth(path: &str) -> usize {
    let inner = tree::inner(path).unwrap_or(path).trim_end_matches(".rs").trim_end_matches("/mod");
    inner.split('/').count()
}

/// `time` of `time::Span`; `time` and `vantage` of `{time::{Span, Bounds}, vantage}`.
fn names_after(text: &str) -> Vec<String> {
    let name = |part: &str| part.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(list) = text.strip_prefix('{') else { return vec![name(text)] };
    let (mut nested, mut start, mut names) = (0_usize, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => nested += 1,
            '}' if nested > 0 => nested -= 1,
            ',' if nested == 0 => {
                names.push(name(&list[start..at]));
                start = at + 1;
            }
            '}' => {
                names.push(name(&list[start..at]));
                break;
            }
            _ => {}
        }
    }
    names
}

#[test]
fn imports_are_read_from_every_form() {
    assert_eq!(names_after("time::Span;"), ["time"]);
    assert_eq!(names_after("{time::{Span, Bounds}, vantage, org::profile::read};"), ["time", "vantage", "org"]);
    assert_eq!((depth("src/org.rs"), depth("src/probe/mod.rs"), depth("src/org/profile.rs")), (1, 1, 2));
}
