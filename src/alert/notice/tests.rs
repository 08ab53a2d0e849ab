//! What people read is inert, whatever names stand in it; what programs read is whole.

use super::*;
use crate::alert::decision::tests::incident;

/// An incident in whose every text somebody tries to do harm.
pub fn hostile() -> IncidentBrief {
    let harm = "x\r\nBcc: victim@example.com\r\n\r\n<!channel> <https://evil.example|click> \u{1b}[2J\u{202e}&";
    let mut incident = incident();
    incident.headline = harm.to_owned();
    incident.in_short = vec![harm.to_owned()];
    incident.services[0].service = harm.to_owned();
    incident.services[0].sentence = harm.to_owned();
    incident.seen_by = harm.to_owned();
    incident
}

fn at() -> Timestamp {
    Timestamp::from_parts(1_700_000_600, 0)
}

#[test]
fn a_notice_says_what_happened_in_the_order_in_which_it_did() {
    let changes = vec![IncidentChange::Opened, IncidentChange::Closed];
    let mut over = incident();
    over.ended = Some(When { earliest: Some(at()), latest: at(), words: "then".to_owned() });
    let notice = Notice::of("k-1".to_owned(), "Example", (changes, at()), over);
    assert_eq!(notice.subject, "[Example] incident 7 begins, then is over: Web cannot be reached");
    let lines: Vec<&str> = notice.text.lines().collect();
    assert_eq!(lines[0], "Example: incident 7 begins, then is over (2023-11-14 22:23:20 UTC).");
    assert!(lines.contains(&"- Web: Its addresses cannot be reached."), "{lines:?}");
    assert!(lines.contains(&"Ended: then (lasted 5 min)"), "{lines:?}");
    assert_eq!(lines.last(), Some(&"Key of this notice: k-1"));
    let again: Notice = serde_json::from_str(&serde_json::to_string(&notice).unwrap()).unwrap();
    assert_eq!(again, notice);
}

#[test]
fn names_which_would_steer_are_inert() {
    let notice = Notice::of("k-1".to_owned(), "Evil\r\nCorp", (vec![IncidentChange::Opened], at()), hostile());
    assert!(!notice.subject.contains(['\r', '\n', '\u{1b}', '\u{202e}']), "{:?}", notice.subject);
    assert!(notice.subject.chars().count() <= LONGEST_SUBJECT + 1);
    assert!(!notice.text.contains(['\r', '\u{1b}', '\u{202e}']), "{:?}", notice.text);
    assert!(!notice.text.lines().any(|line| line.starts_with("Bcc:")), "{}", notice.text);
    let long = IncidentBrief { headline: "ä".repeat(1_000), ..incident() };
    let notice = Notice::of("k-2".to_owned(), "Example", (vec![IncidentChange::Opened], at()), long);
    assert_eq!(notice.subject.chars().count(), LONGEST_SUBJECT + 1);
}

#[test]
fn urgency_follows_from_verdict_and_failure() {
    assert_eq!(urgency(Verdict::Healthy, true), Urgency::Critical);
    assert_eq!(urgency(Verdict::RoutingNotProbed, false), Urgency::Critical);
    assert_eq!(urgency(Verdict::RoutingNoImpact, false), Urgency::Warning);
    assert_eq!(urgency(Verdict::Undetermined, false), Urgency::Note);
}

#[test]
fn a_test_says_that_it_is_one() {
    let notice = Notice::test("k-3".to_owned(), "Example", at());
    assert!(notice.test && notice.incident.is_none() && notice.changes.is_empty());
    assert_eq!(notice.subject, "[Example] TEST of alerts: nothing has happened");
    assert!(notice.text.contains("Nothing has happened."));
}
