//! 5 March 2024: logins failed, while routes, names and front pages were well.

use super::{Half, Rebuilt, analysed, at, by_name, comes_out_the_same_twice, only};
use faultline::analysis::Outcome;
use faultline::incident::{ReasonCode, Verdict};
use faultline::reachability::Layer;
use faultline::report;
use faultline::time::{Span, Timestamp};
use std::sync::LazyLock;

static META: LazyLock<Rebuilt> = LazyLock::new(|| Rebuilt::of("meta-2024-03-05"));

/// Services which were down, with the first report and the time at which all was well again. The end of the last is interpolated: no
/// source tells when it came back.
const DOWN: [(&str, &str, &str); 9] = [
    ("Facebook", "15:00:00", "16:50:00"),
    ("Messenger", "15:00:00", "16:50:00"),
    ("Instagram", "15:00:00", "17:19:00"),
    ("Threads", "15:00:00", "17:19:00"),
    ("Facebook Login", "15:17:00", "17:19:00"),
    ("Graph API", "15:17:00", "17:19:00"),
    ("Marketing API", "15:17:00", "17:19:00"),
    ("Admin centre", "15:17:00", "17:19:00"),
    ("WhatsApp Business API", "15:17:00", "18:00:00"),
];

/// A time of that day.
fn clock(text: &str) -> Timestamp {
    at(&format!("2024-03-05T{text}Z"))
}

// METHOD.md §8.2: no withdrawal.
#[test]
fn nothing_is_withdrawn_and_nothing_is_foreign() {
    let routing = &META.analysis.routing;
    assert_eq!(routing.withdrawals, []);
    assert_eq!((routing.foreign_origins.len(), routing.foreign_unopened.len()), (0, 0));
    assert_eq!(META.analysis.correlation.observed.len(), 0);
    assert_eq!(routing.insufficient, []);
    let evidence = &META.incident().evidence;
    assert!(evidence.withdrawals.is_empty() && evidence.foreign_origins.is_empty() && evidence.routing_blind.is_empty());
}

// METHOD.md §8.2: verdict application for every service that was down; WhatsApp healthy.
#[test]
fn the_application_fails_for_every_service_but_whatsapp() {
    assert_eq!(META.incident().verdict().verdict, Verdict::Application);
    let services = META.services();
    for (name, ..) in DOWN {
        let service = &services[name];
        assert_eq!(service.verdict, Verdict::Application, "{name}: {service:#?}");
        for code in [ReasonCode::ReportedDown, ReasonCode::RoutesPresent, ReasonCode::ResolversAnswer] {
            assert!(service.reasons_for.iter().any(|reason| reason.code == code), "{name}: no {code:?} in {service:#?}");
        }
    }
    let whatsapp = &services["WhatsApp"];
    assert_eq!(whatsapp.verdict, Verdict::Healthy, "{whatsapp:#?}");
    assert!(whatsapp.reasons_for.iter().any(|reason| reason.code == ReasonCode::ProbedWell), "{whatsapp:#?}");
    assert_eq!(services.len(), DOWN.len() + 1);
    assert!(report::markdown(&META.view).contains("| WhatsApp | healthy | healthy |"));
}

// ThousandEyes: about 15:00; most users back at 16:50; resolved at 17:19. Statuses hold until the next, which comes every 5 minutes.
#[test]
fn every_service_is_down_for_as_long_as_it_was_told() {
    let incident = META.incident();
    for (name, from, until) in DOWN {
        let view = META.view.incidents[0].services.iter().find(|service| service.service == name).unwrap();
        let (first, last) = (view.first_failure.as_ref().unwrap(), view.last_recovery.as_ref().unwrap());
        assert_eq!((first.latest, last.latest), (clock(from), clock(until)), "{name}");
        let slack = Span::from_seconds(300);
        assert!(first.earliest.unwrap() >= clock(from) - slack && last.earliest.unwrap() >= clock(until) - slack, "{name}");
    }
    assert_eq!(incident.began.latest, clock("15:00:00"));
    assert_eq!(incident.ended.unwrap().latest, clock("18:00:00"), "the WhatsApp Business API");
    assert!(incident.evidence.losses.iter().all(|loss| loss.series.layer == Layer::Status), "names and pages were well");
}

#[test]
fn the_files_and_the_report_say_that_nothing_was_recorded() {
    META.says_that_nothing_was_recorded();
}

// METHOD.md §6: well routes, and nobody who asked the services.
#[test]
fn archives_alone_see_no_incident() {
    let analysis = analysed(META.folder.path(), Half::Archives);
    assert_eq!(analysis.outcome(), Outcome::NoIncident);
    assert!(analysis.routing.withdrawals.is_empty());
}

// Names and pages answered, so routes were there: the reports are enough.
#[test]
fn probes_alone_tell_it_from_the_reports() {
    let analysis = analysed(META.folder.path(), Half::Probes);
    let incident = only(&analysis);
    assert_eq!(incident.verdict().verdict, Verdict::Application);
    let services = by_name(incident);
    for (name, ..) in DOWN {
        assert_eq!(services[name].verdict, Verdict::Application, "{name}");
        let missing = services[name].reasons_against.iter().any(|reason| reason.code == ReasonCode::RoutingNotObserved);
        assert!(missing, "{name}: that nobody saw the routes is said");
    }
    assert_eq!(services["WhatsApp"].verdict, Verdict::Healthy);
}

// METHOD.md §8.10.
#[test]
fn the_same_timeline_and_the_same_files_come_out_the_same() {
    comes_out_the_same_twice(&META, "meta-2024-03-05");
}
