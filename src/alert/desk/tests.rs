//! What happens to incidents comes out as notices, whole and once, whatever is quiet or full.

use super::*;
use crate::alert::decision::tests::incident;
use crate::alert::journal::tests::Disk;
use crate::alert::sink::tests::described;
use crate::alert::{Acknowledgement, Silence, Silenced};
use crate::org::alert::{AlertWay, Confidential};
use crate::org::profile::parse;
use crate::time::Span;
use std::sync::atomic::Ordering;

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_parts(1_700_000_600 + seconds, 0)
}

/// An organization which tells these names everything, all at this address.
pub fn organization(names: &[(&str, u16)]) -> Organization {
    let text = "[organization]\nname = \"Example\"\nas_numbers = [64500]\nprefixes = [\"192.0.2.0/24\"]\n";
    let mut organization = parse(text, Path::new("org.toml")).unwrap().organization;
    organization.alerts = names
        .iter()
        .map(|(name, port)| {
            let url = Confidential::Written(format!("http://hooks.example.com:{port}/"));
            described(name, AlertWay::Webhook { url, secret: None })
        })
        .collect();
    organization
}

/// These changes happen to incidents of these numbers.
pub fn happened(seconds: i64, changes: &[(IncidentChange, usize)]) -> Happened {
    let change = |(change, number): &(IncidentChange, usize)| Change {
        change: *change,
        number: *number,
        incident: Some(IncidentBrief { number: *number, ..incident() }),
    };
    Happened { at: at(seconds), changes: changes.iter().map(change).collect(), life: LifeCycle::default() }
}

fn memory() -> Arc<Journal> {
    Arc::new(Journal::in_memory("Example").unwrap())
}

/// To whom, of which incident, what.
fn outbox(journal: &Journal) -> Vec<(String, usize, Vec<IncidentChange>)> {
    let rows = journal.read(|book| book.outbox()).unwrap();
    rows.into_iter().map(|row| (row.sink, row.incident, row.notice.changes)).collect()
}

fn told(sink: &str, incident: usize, changes: &[IncidentChange]) -> (String, usize, Vec<IncidentChange>) {
    (sink.to_owned(), incident, changes.to_vec())
}

use IncidentChange::{Closed, Opened, Withdrawn, Worsened};

#[test]
fn notices_which_wait_are_told_as_one_and_one_under_way_is_left_alone() {
    let journal = memory();
    let desk = Desk::new(Arc::clone(&journal), &organization(&[("a", 1), ("b", 1)]), true);
    desk.take(happened(0, &[(Opened, 1), (Opened, 2)]), at(0)).unwrap();
    // The first notice to `a` is under way.
    journal
        .change(|book| {
            let mut row = book.outbox()?.remove(0);
            row.under_way = true;
            book.put(&row)
        })
        .unwrap();
    desk.take(happened(9, &[(Worsened, 1), (Closed, 1)]), at(9)).unwrap();
    let expected = [
        told("a", 1, &[Opened]),
        told("a", 2, &[Opened]),
        told("b", 2, &[Opened]),
        told("a", 1, &[Worsened, Closed]),
        told("b", 1, &[Opened, Worsened, Closed]),
    ];
    assert_eq!(outbox(&journal), expected);
    let rows = journal.read(|book| book.outbox()).unwrap();
    assert_eq!((rows[4].made, rows[4].notice.at), (at(0), at(9)), "it is as old as what it took in");
    let keys: std::collections::BTreeSet<&String> = rows.iter().map(|row| &row.notice.key).collect();
    assert_eq!(keys.len(), 5);
}

#[test]
fn an_incident_which_this_run_did_not_find_is_told_as_it_was_known_last() {
    let journal = memory();
    let desk = Desk::new(Arc::clone(&journal), &organization(&[("a", 1)]), true);
    desk.take(happened(0, &[(Opened, 1)]), at(0)).unwrap();
    journal.change(|book| book.take(1)).unwrap();
    let mut over = happened(9, &[(Withdrawn, 1), (Withdrawn, 5)]);
    over.changes.iter_mut().for_each(|change| change.incident = None);
    desk.take(over, at(9)).unwrap();
    assert_eq!(outbox(&journal), [told("a", 1, &[Withdrawn])]);
    let notice = journal.read(|book| book.outbox()).unwrap().remove(0).notice;
    assert_eq!(notice.incident.unwrap().headline, incident().headline);
}

#[test]
fn who_was_not_told_since_it_was_quiet_is_told_when_the_silence_ends_and_it_still_lasts() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("journal");
    let journal = Arc::new(Journal::open(&path, "Example").unwrap());
    let desk = Desk::new(Arc::clone(&journal), &organization(&[("a", 1)]), false);
    let silence = |id: &str, incident| Silence {
        id: id.to_owned(),
        what: Silenced::Incident(incident),
        until: at(60),
        by: Some("op".to_owned()),
        note: None,
    };
    spool::ask(&path, &Request::Silence(silence("s1", 1)), "1").unwrap();
    spool::ask(&path, &Request::Silence(silence("s2", 2)), "2").unwrap();
    spool::ask(&path, &Request::Silence(silence("s3", 3)), "3").unwrap();
    let words = desk.tick(at(0));
    assert!(words[0].starts_with("incident 1 is silenced until ") && words[0].ends_with(" by op: s1"), "{words:?}");
    desk.take(happened(1, &[(Opened, 1), (Opened, 2), (Opened, 3)]), at(1)).unwrap();
    let ours = |journal: &Journal| {
        let mut rows = outbox(journal);
        rows.retain(|(sink, ..)| sink == "a");
        rows
    };
    assert_eq!(ours(&journal), []);
    // The file beside the journal is told of everything.
    assert_eq!(outbox(&journal).len(), 3);
    desk.take(happened(5, &[(Closed, 2)]), at(5)).unwrap();
    assert_eq!(desk.tick(at(6)), Vec::<String>::new());
    let held = |number: usize| spool::known(&spool::folder(&path)).unwrap().unwrap().incidents.remove(number - 1).held;
    assert!(held(1)[0].reason.starts_with("silenced until "), "{:?}", held(1));
    assert_eq!(held(2)[0].reason, "its beginning was not told");
    assert_eq!(ours(&journal), []);
    // One is lifted, the other two end; of these one is over.
    spool::ask(&path, &Request::Lift { id: "s3".to_owned() }, "4").unwrap();
    assert_eq!(desk.tick(at(7)), ["silence s3 is lifted"]);
    assert_eq!(ours(&journal), [told("a", 3, &[Opened])]);
    desk.tick(at(61));
    desk.tick(at(62));
    assert_eq!(ours(&journal), [told("a", 3, &[Opened]), told("a", 1, &[Opened])]);
}

#[test]
fn an_acknowledgement_is_kept_until_the_incident_opens_again_and_others_can_read_it() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("journal");
    let journal = Arc::new(Journal::open(&path, "Example").unwrap());
    let desk = Desk::new(Arc::clone(&journal), &organization(&[("a", 1)]), true);
    desk.take(happened(0, &[(Opened, 1)]), at(0)).unwrap();
    let acknowledgement = Acknowledgement { since: at(1), by: Some("op".to_owned()), note: Some("router".to_owned()) };
    let ask = |incident, name| {
        let request = Request::Acknowledge { incident, acknowledgement: acknowledgement.clone() };
        spool::ask(&path, &request, name).unwrap();
    };
    ask(1, "1");
    ask(9, "2");
    assert_eq!(desk.tick(at(2)), ["incident 1 is acknowledged by op", "there is no incident 9"]);
    let known = || spool::known(&spool::folder(&path)).unwrap().unwrap().incidents.remove(0);
    assert_eq!(known().acknowledged, Some(acknowledgement.clone()));
    desk.take(happened(3, &[(Closed, 1)]), at(3)).unwrap();
    assert!(journal.read(|book| book.incident(1)).unwrap().unwrap().acknowledged.is_some());
    desk.take(happened(4, &[(IncidentChange::Reopened, 1)]), at(4)).unwrap();
    desk.tick(at(5));
    assert_eq!((known().acknowledged, known().open), (None, true));
}

#[test]
fn planned_work_is_closed_as_intended() {
    let journal = memory();
    let mut organization = organization(&[("a", 1)]);
    let window = crate::org::Maintenance { from: at(-700), until: at(60), prefixes: Vec::new(), note: None };
    organization.maintenance.push(window);
    let desk = Desk::new(Arc::clone(&journal), &organization, true);
    desk.take(happened(0, &[(Opened, 1), (Opened, 2)]), at(0)).unwrap();
    desk.take(happened(30, &[(Closed, 1)]), at(30)).unwrap();
    assert_eq!(outbox(&journal), []);
    assert!(journal.read(|book| book.incident(1)).unwrap().unwrap().as_intended);
    // The other one lasts longer than was planned.
    desk.take(happened(61, &[(Worsened, 2)]), at(61)).unwrap();
    assert_eq!(outbox(&journal), [told("a", 2, &[Worsened])]);
}

#[test]
fn nothing_is_lost_while_the_disk_is_full() {
    let disk = Disk::default();
    let journal = Arc::new(disk.journal());
    let desk = Desk::new(Arc::clone(&journal), &organization(&[("a", 1)]), true);
    desk.take(happened(0, &[(Opened, 1)]), at(0)).unwrap();
    journal.change(|book| book.take(1)).unwrap();
    disk.full.store(true, Ordering::SeqCst);
    assert!(matches!(desk.take(happened(1, &[(Worsened, 1), (Opened, 2)]), at(1)), Err(JournalError::NotWritten(_))));
    assert!(desk.take(happened(2, &[(Closed, 2)]), at(2)).is_err());
    desk.tick(at(3));
    disk.full.store(false, Ordering::SeqCst);
    desk.tick(at(4));
    assert_eq!(outbox(&journal), [told("a", 1, &[Worsened]), told("a", 2, &[Opened, Closed])]);
}

// Why: what is decided and what is known of incidents are one: neither is kept without the other.
#[test]
fn the_state_of_the_life_cycle_goes_in_with_its_notices() {
    let journal = memory();
    let desk = Desk::new(Arc::clone(&journal), &organization(&[("a", 1)]), true);
    let mut first = happened(0, &[(Opened, 1)]);
    first.life.follow(&[], at(0), |_| false);
    desk.take(first.clone(), at(0)).unwrap();
    let kept = serde_json::to_value(journal.life().unwrap()).unwrap();
    assert_eq!(kept, serde_json::to_value(&first.life).unwrap());
    assert!(kept["until"].is_string(), "{kept}");
    let interval = described("x", AlertWay::File { path: "x".into() }).policy.every;
    assert_eq!(interval, Span::ZERO, "receivers of these tests are told of everything");
}
