//! The table of decisions: what happens, to whom, after what, while what is quiet; and what comes of it, with its reason.

use super::*;
use crate::alert::notice::NoticeService;
use crate::incident::Verdict;
use crate::report::When;
use crate::time::Span;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_parts(1_700_000_000 + 60 * minute, 0)
}

fn when(minute: i64) -> When {
    When { earliest: Some(at(minute)), latest: at(minute), words: at(minute).in_words() }
}

/// Incident 7, which began at minute 10: two prefixes of it are gone, and the service Web fails.
pub fn incident() -> IncidentBrief {
    let web = NoticeService {
        service: "Web".to_owned(),
        verdict: Verdict::RoutingServiceAddresses,
        fails: true,
        sentence: "Its addresses cannot be reached.".to_owned(),
    };
    IncidentBrief {
        number: 7,
        id: "2023-11-14T22:23".to_owned(),
        urgency: Urgency::Critical,
        verdict: Verdict::RoutingServiceAddresses,
        layer: "routing".into(),
        headline: "Web cannot be reached".to_owned(),
        began: when(10),
        ended: None,
        lasted: "5 min".to_owned(),
        prefixes: vec!["192.0.2.0/25".parse().unwrap(), "192.0.2.128/25".parse().unwrap()],
        foreign_prefixes: Vec::new(),
        services: vec![web],
        in_short: Vec::new(),
        seen_by: String::new(),
        proof: String::new(),
    }
}

/// Everything that goes in; each row of a table changes some of it.
struct Case {
    change: IncidentChange,
    at: Timestamp,
    incident: IncidentBrief,
    policy: AlertPolicy,
    history: History,
    acknowledged: Option<Acknowledgement>,
    silences: Vec<Silence>,
    maintenance: Vec<Maintenance>,
    now: Timestamp,
}

impl Case {
    /// Something happens at minute 15 to the incident, of which everything is to be told and nothing was.
    fn of(change: IncidentChange) -> Self {
        let mut policy = AlertPolicy::everything();
        policy.every = Span::from_seconds(600);
        Case {
            change,
            at: at(15),
            incident: incident(),
            policy,
            history: History::default(),
            acknowledged: None,
            silences: Vec::new(),
            maintenance: Vec::new(),
            now: at(15),
        }
    }

    /// Its beginning was told at this minute.
    fn told(change: IncidentChange, minute: i64) -> Self {
        let history = History { told: true, ever: true, last: Some(at(minute)), held: None };
        Case { history, ..Case::of(change) }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn decided(&self) -> Decision {
        let Case { acknowledged, silences, maintenance, now, .. } = self;
        let quiet = Quiet { acknowledged: acknowledged.as_ref(), silences, maintenance, now: *now };
        let happening = Happening { change: self.change, at: self.at, incident: &self.incident };
        decide(&happening, &self.policy, &self.history, &quiet)
    }
}

fn silence(what: Silenced, until: Timestamp) -> Silence {
    Silence { id: "s".to_owned(), what, until, by: None, note: None }
}

fn window(from: i64, until: i64, prefixes: &[&str]) -> Maintenance {
    let prefixes = prefixes.iter().map(|prefix| prefix.parse().unwrap()).collect();
    Maintenance { from: at(from), until: at(until), prefixes, note: None }
}

fn acknowledged() -> Option<Acknowledgement> {
    Some(Acknowledgement { since: at(12), by: None, note: None })
}

#[track_caller]
fn sends(case: Case, why: Send) {
    assert_eq!(case.decided(), Decision::Send(why));
}

#[track_caller]
fn holds(case: Case, why: Hold) {
    assert_eq!(case.decided(), Decision::Hold(why));
}

#[test]
fn the_beginning_is_told_once_and_the_end_to_whoever_was_told_of_it() {
    use IncidentChange::{Changed, Closed, Opened, Reopened, Withdrawn, Worsened};
    sends(Case::of(Opened), Send::First);
    holds(Case::told(Opened, 10), Hold::AlreadyTold);
    sends(Case::told(Closed, 10), Send::Recovery);
    sends(Case::told(Withdrawn, 10), Send::Recovery);
    holds(Case::of(Closed), Hold::BeginningNotTold);
    holds(Case::of(Withdrawn), Hold::BeginningNotTold);
    // Whatever happens first is the beginning for somebody who was not told.
    sends(Case::of(Worsened), Send::First);
    sends(Case::of(Changed), Send::First);
    let over = |case: &mut Case| case.history.told = false;
    sends(Case::told(Reopened, 10).with(over), Send::Again);
    holds(Case::told(Closed, 10).with(over), Hold::BeginningNotTold);
}

#[test]
fn what_is_not_worse_waits_for_the_interval_and_what_is_worse_does_not() {
    use IncidentChange::{Changed, Closed, Improved, Worsened};
    for soft in [Improved, Changed] {
        holds(Case::told(soft, 14), Hold::TooSoon(at(24)));
        sends(Case::told(soft, 5), Send::AskedFor);
    }
    sends(Case::told(Worsened, 14), Send::AskedFor);
    sends(Case::told(Closed, 15), Send::Recovery);
}

#[test]
fn a_policy_asks_for_changes_urgency_and_services() {
    use IncidentChange::{Closed, Improved, Opened, Worsened};
    let only = |changes: &'static [ToldChange]| move |case: &mut Case| case.policy.changes = changes.to_vec();
    holds(Case::told(Worsened, 5).with(only(&[ToldChange::Opened])), Hold::NotAskedFor);
    holds(Case::told(Improved, 5).with(only(&[ToldChange::Opened, ToldChange::Worsened])), Hold::NotAskedFor);
    sends(Case::told(Closed, 5).with(only(&[ToldChange::Opened])), Send::Recovery);
    holds(Case::of(Opened).with(only(&[ToldChange::Worsened])), Hold::NotAskedFor);
    sends(Case::of(Worsened).with(only(&[ToldChange::Worsened])), Send::First);
    let urgency = |least, own| move |case: &mut Case| (case.policy.at_least, case.incident.urgency) = (least, own);
    holds(Case::of(Opened).with(urgency(Urgency::Critical, Urgency::Warning)), Hold::LessUrgent(Urgency::Warning));
    sends(Case::of(Opened).with(urgency(Urgency::Warning, Urgency::Warning)), Send::First);
    // It became less urgent; that it is over is told all the same.
    sends(Case::told(Closed, 5).with(urgency(Urgency::Critical, Urgency::Note)), Send::Recovery);
    let services = |names: &'static [&str]| {
        move |case: &mut Case| case.policy.services = names.iter().map(|name| (*name).to_owned()).collect()
    };
    holds(Case::of(Opened).with(services(&["Login"])), Hold::OtherServices);
    sends(Case::of(Opened).with(services(&["Login", "Web"])), Send::First);
}

#[test]
fn an_acknowledged_incident_is_told_of_if_it_is_worse_or_over() {
    use IncidentChange::{Changed, Closed, Improved, Worsened};
    let known = |case: &mut Case| case.acknowledged = acknowledged();
    for soft in [Improved, Changed] {
        holds(Case::told(soft, 0).with(known), Hold::Acknowledged);
    }
    sends(Case::told(Worsened, 14).with(known), Send::AskedFor);
    sends(Case::told(Closed, 14).with(known), Send::Recovery);
    // Somebody else was not told yet.
    sends(Case::of(IncidentChange::Opened).with(known), Send::First);
}

#[test]
fn silences_cover_what_concerns_nothing_else_until_they_end() {
    use IncidentChange::{Closed, Opened, Worsened};
    let prefix = |text: &str| Silenced::Prefix(text.parse().unwrap());
    let covering = [Silenced::Incident(7), prefix("192.0.2.0/24"), Silenced::Service("Web".to_owned())];
    for what in covering {
        let case = |change| Case::of(change).with(|case| case.silences.push(silence(what.clone(), at(20))));
        holds(case(Opened), Hold::Silenced(at(20)));
        holds(case(Worsened).with(|case| case.history = Case::told(Worsened, 5).history), Hold::Silenced(at(20)));
        sends(case(Opened).with(|case| case.now = at(20)), Send::First);
        // A recovery follows to whoever was told before the silence, and to nobody else.
        sends(case(Closed).with(|case| case.history = Case::told(Closed, 5).history), Send::Recovery);
        holds(case(Closed), Hold::BeginningNotTold);
    }
    for what in [Silenced::Incident(8), prefix("192.0.2.0/25"), Silenced::Service("Login".to_owned())] {
        sends(Case::of(Opened).with(|case| case.silences.push(silence(what.clone(), at(20)))), Send::First);
    }
    let foreign = |case: &mut Case| {
        case.silences.push(silence(Silenced::Prefix("192.0.2.0/24".parse().unwrap()), at(20)));
        case.incident.foreign_prefixes.push("198.51.100.0/24".parse().unwrap());
    };
    sends(Case::of(Opened).with(foreign), Send::First);
    let two = |case: &mut Case| {
        case.silences.extend([20, 30].map(|end| silence(Silenced::Incident(7), at(end))));
    };
    holds(Case::of(Opened).with(two), Hold::Silenced(at(30)));
}

#[test]
fn what_lies_wholly_in_planned_work_is_as_intended() {
    use IncidentChange::{Closed, Opened};
    let planned =
        |from, until, prefixes: &'static [&str]| move |case: &mut Case| case.maintenance.push(window(from, until, prefixes));
    holds(Case::of(Opened).with(planned(5, 30, &["192.0.2.0/24"])), Hold::AsIntended(at(30)));
    holds(Case::of(Opened).with(planned(5, 30, &[])), Hold::AsIntended(at(30)));
    sends(Case::of(Opened).with(planned(11, 30, &[])), Send::First);
    sends(Case::of(Opened).with(planned(5, 14, &[])), Send::First);
    sends(Case::of(Opened).with(planned(5, 30, &["192.0.2.0/25"])), Send::First);
    // Nobody plans that somebody else announces it.
    let foreign = |case: &mut Case| case.incident.foreign_prefixes.push("192.0.2.0/24".parse().unwrap());
    sends(Case::of(Opened).with(planned(5, 30, &[])).with(foreign), Send::First);
    // Without prefixes nothing tells that it is the planned ones which matter.
    let none = |case: &mut Case| case.incident.prefixes.clear();
    sends(Case::of(Opened).with(planned(5, 30, &["192.0.2.0/24"])).with(none), Send::First);
    holds(Case::of(Closed).with(planned(5, 30, &[])), Hold::BeginningNotTold);
    let mut over = incident();
    over.ended = Some(when(29));
    assert!(intended(&over, at(40), &[window(5, 30, &[])]).is_some(), "what ended in the window was decided after it");
    over.ended = Some(when(31));
    assert!(intended(&over, at(40), &[window(5, 30, &[])]).is_none());
}

#[test]
fn reasons_are_sentences() {
    assert_eq!(Send::Recovery.to_string(), "its beginning was told");
    assert_eq!(Hold::Silenced(at(0)).to_string(), "silenced until 2023-11-14 22:13:20 UTC");
    assert_eq!(Hold::LessUrgent(Urgency::Note).to_string(), "it is only a note");
    assert_eq!(Silenced::Prefix("192.0.2.0/24".parse().unwrap()).to_string(), "prefix 192.0.2.0/24");
}
