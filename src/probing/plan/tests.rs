//! What is asked of whom, and that reachability knows all of it.

use super::*;
use crate::dependency::Answers;
use crate::observation::{FileId, RecordRef};
use crate::org::profile;
use crate::probe::{DnsAnswer, DnsKind, DnsOutcome, HttpKind, HttpOutcome, Outcome, ProbeResult, Scheme};
use crate::reachability::{FailureKind, JudgedAttempt, Layer, Reachability};
use crate::time::{Span, Timestamp};
use std::path::Path;

const PROFILE: &str = r#"
[organization]
name = "Example"
as_numbers = [64500]
prefixes = ["192.0.2.0/24", "2001:db8::/32"]
[[zones]]
name = "example.com"
[[zones.name_servers]]
name = "ns1.example.com"
addresses = ["192.0.2.53", "2001:db8::53"]
[[zones.name_servers]]
name = "ns2.example.com"
[[services]]
name = "Web"
hostnames = ["www.example.com"]
addresses = ["192.0.2.80"]
[[services.probes]]
name = "front page"
kind = "http"
up = { status = [401] }
[[services.probes]]
name = "health"
kind = "http"
scheme = "http"
port = 8080
path = "/health"
[[services.probes]]
name = "echo"
kind = "ping"
[[services]]
name = "Mail"
hostnames = ["mail.example.com"]
[[services.probes]]
name = "port 25"
kind = "http"
scheme = "tcp"
port = 25
[[controls]]
name = "somebody else"
kind = "http"
host = "www.control.example"
[[controls]]
name = "somebody else's name"
kind = "dns"
host = "www.control.example"
[[controls]]
name = "a resolver of others"
kind = "dns"
host = "www.control.example"
address = "198.51.100.53"
[[probing.resolvers]]
name = "office"
address = "192.0.2.1"
[[probing.resolvers]]
name = "office over TLS"
address = "192.0.2.1"
protocol = "tls"
tls_name = "dns.example.com"
"#;

fn organization(text: &str) -> Organization {
    profile::parse(text, Path::new("test.toml")).unwrap().organization
}

fn plan(organization: &Organization, dependencies: &Dependencies, reach: &dyn Fn(IpAddr) -> bool) -> Plan {
    Plan::new(&Ground { organization, dependencies, resolvers: &organization.probing.resolvers, reach })
}

fn everywhere(_: IpAddr) -> bool {
    true
}

fn result(target: Target, outcome: Outcome) -> ProbeResult {
    let source = RecordRef { file: FileId(0), record: 1 };
    ProbeResult { at: Timestamp::from_parts(1_000, 0), took: Span::ZERO, vantage: "here".into(), target, outcome, source }
}

fn answered(question: &Question, answers: &[(&str, &str)]) -> ProbeResult {
    let Question::Dns(asked) = question else { panic!("{question:?}") };
    let answers = answers.iter().map(|(record_type, data)| DnsAnswer {
        name: Arc::clone(&asked.name),
        record_type: (*record_type).into(),
        ttl: 60,
        data: (*data).into(),
    });
    let kind = DnsKind::Answered;
    let outcome = DnsOutcome { kind, extended_error: None, authoritative: true, answers: answers.collect() };
    result(question.target(), Outcome::Dns(outcome))
}

/// Where and what, in short.
fn shown(plan: &Plan) -> Vec<String> {
    let words = |question: &Arc<Question>| match &**question {
        Question::Dns(dns) => {
            let role = match &dns.role {
                DnsServer::Resolver { name, .. } => format!("resolver {}", name.as_deref().unwrap_or("of others")),
                DnsServer::Authority { name, .. } => format!("authority {}", name.as_deref().unwrap_or_default()),
            };
            format!("{} {} {role} {}/{}", dns.name, dns.record_type.word(), dns.server.address, dns.server.transport)
        }
        Question::Http(http) => {
            let at = match &http.address {
                HttpAddress::Fixed(address) => format!("at {address}"),
                HttpAddress::ByName(resolvers) => format!("by name, {} resolvers", resolvers.len()),
            };
            format!("{}://{}:{}{} {at} ({})", http.scheme.word(), http.host, http.port, http.path, http.label)
        }
    };
    plan.questions.iter().map(words).collect()
}

#[test]
fn everything_follows_from_the_profile_in_a_fixed_order() {
    let organization = organization(PROFILE);
    let plan = plan(&organization, &Dependencies::new(&organization, &Answers::default()), &everywhere);
    let mut expected = Vec::new();
    let both = [("office", "192.0.2.1:53/udp"), ("office over TLS", "192.0.2.1:853/tls")];
    for (name, types) in [
        ("example.com", ["SOA", "NS"]),
        ("ns2.example.com", ["A", "AAAA"]),
        ("www.example.com", ["A", "AAAA"]),
        ("mail.example.com", ["A", "AAAA"]),
    ] {
        for (resolver, address) in both {
            expected.extend(types.map(|record_type| format!("{name} {record_type} resolver {resolver} {address}")));
        }
    }
    for address in ["192.0.2.53:53", "[2001:db8::53]:53"] {
        for asked in [
            "example.com SOA",
            "example.com NS",
            "www.example.com A",
            "www.example.com AAAA",
            "mail.example.com A",
            "mail.example.com AAAA",
        ] {
            expected.push(format!("{asked} authority ns1.example.com {address}/udp"));
        }
    }
    expected.extend(
        [
            "https://www.example.com:443/ by name, 2 resolvers (front page)",
            "https://www.example.com:443/ at 192.0.2.80 (front page)",
            "http://www.example.com:8080/health by name, 2 resolvers (health)",
            "http://www.example.com:8080/health at 192.0.2.80 (health)",
            "tcp://mail.example.com:25/ by name, 2 resolvers (port 25)",
            "https://www.control.example:443/ by name, 2 resolvers (somebody else)",
            "www.control.example A resolver office 192.0.2.1:53/udp",
            "www.control.example AAAA resolver office 192.0.2.1:53/udp",
            "www.control.example A resolver office over TLS 192.0.2.1:853/tls",
            "www.control.example AAAA resolver office over TLS 192.0.2.1:853/tls",
            "www.control.example A resolver of others 198.51.100.53:53/udp",
            "www.control.example AAAA resolver of others 198.51.100.53:53/udp",
        ]
        .map(str::to_owned),
    );
    assert_eq!(shown(&plan), expected);
    assert_eq!(plan.notes, ["probes of kind \"ping\" are matched in recordings, but not asked: echo"]);
}

/// Every question is answered once, and every answer is an attempt of something.
#[test]
fn reachability_knows_every_target_and_judges_it_as_the_profile_says() {
    let organization = organization(PROFILE);
    let dependencies = Dependencies::new(&organization, &Answers::default());
    let plan = plan(&organization, &dependencies, &everywhere);
    let mut reachability = Reachability::new(&organization, &dependencies);
    for (question, shown) in plan.questions.iter().zip(shown(&plan)) {
        let mut judged: Vec<JudgedAttempt> = Vec::new();
        let result = match &**question {
            Question::Dns(dns) => answered(question, &[(dns.record_type.word(), "192.0.2.80")]),
            Question::Http(_) => {
                let kind = HttpKind::Status(401);
                let outcome = HttpOutcome { kind, address: None, body: None, server: None, cert_not_after: None };
                result(question.target(), Outcome::Http(outcome))
            }
        };
        reachability.observe_each(&result, |attempt| judged.push(attempt));
        assert!(!judged.is_empty(), "{shown}: {:?}", reachability.snapshot(Timestamp::from_parts(2_000, 0)).unmatched);
        let layer = match () {
            () if shown.contains("control") => Layer::Control,
            () if shown.contains("resolver office") => Layer::Resolver,
            () if shown.contains("authority") => Layer::Authority,
            () if shown.contains(") at ") || shown.contains(" at 192") => Layer::ServiceByAddress,
            () => Layer::ServiceByName,
        };
        // The front page is up with 401, by name as at its addresses; no other page is.
        let up = !shown.contains("://") || shown.contains("(front page)");
        let expected = (layer, (!up).then_some(FailureKind::HttpStatus));
        // One name may matter to several services.
        judged.iter().for_each(|attempt| assert_eq!((attempt.series.layer, attempt.failure), expected, "{shown}"));
    }
}

#[test]
fn what_answers_teach_is_asked_too_and_what_they_no_longer_say_is_not() {
    let organization = organization(PROFILE);
    let first = plan(&organization, &Dependencies::new(&organization, &Answers::default()), &everywhere);
    let question = |name: &str| first.questions.iter().find(|q| matches!(&***q, Question::Dns(dns) if *dns.name == *name)).unwrap();
    let many: Vec<String> = (1..=20).map(|last| format!("192.0.2.{last}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|address| ("A", address.as_str())).collect();
    let mut learned = super::super::learned::Learned::default();
    learned.observe(&answered(question("ns2.example.com"), &[("A", "198.51.100.2")]));
    learned.observe(&answered(question("mail.example.com"), &many));
    assert!(learned.has_changed() && !learned.has_changed());
    let second = plan(&organization, &learned.dependencies(&organization), &everywhere);
    let new: Vec<String> = shown(&second).into_iter().filter(|shown| !self::shown(&first).contains(shown)).collect();
    assert_eq!(new.iter().filter(|shown| shown.contains("authority ns2.example.com 198.51.100.2:53/udp")).count(), 6, "{new:#?}");
    assert_eq!(new.iter().filter(|shown| shown.starts_with("tcp://mail.example.com:25/ at 192.0.2.")).count(), ADDRESSES);
    assert_eq!(new.len(), 6 + ADDRESSES);
    assert!(second.notes.iter().any(|note| note.contains("of the 20 addresses")), "{:?}", second.notes);
    // The same again is nothing new; another address takes the place of those before.
    learned.observe(&answered(question("mail.example.com"), &many));
    assert!(!learned.has_changed());
    learned.observe(&answered(question("mail.example.com"), &[("A", "192.0.2.99")]));
    assert!(learned.has_changed());
    let third = shown(&plan(&organization, &learned.dependencies(&organization), &everywhere));
    let pages: Vec<&String> = third.iter().filter(|shown| shown.starts_with("tcp://")).collect();
    assert_eq!(pages.len(), 2, "{pages:?}");
    assert!(pages[1].contains("at 192.0.2.99"));
    // Answers to what is not asked any more teach nothing.
    learned.keep(&first.questions[..1]);
    assert_eq!(shown(&plan(&organization, &learned.dependencies(&organization), &everywhere)), shown(&first));
}

#[test]
fn where_the_machine_has_no_route_nothing_is_asked_and_that_is_said() {
    let organization = organization(PROFILE);
    let dependencies = Dependencies::new(&organization, &Answers::default());
    let plan = plan(&organization, &dependencies, &|address| address.is_ipv4());
    assert!(shown(&plan).iter().all(|shown| !shown.contains("2001:")));
    assert!(
        plan.notes.iter().any(|note| note.contains("no route for IPv6") && note.contains("ns1.example.com")),
        "{:?}",
        plan.notes
    );
}

#[test]
fn two_pages_under_one_name_are_not_mixed_up() {
    let text = PROFILE
        .replace("name = \"Mail\"\nhostnames = [\"mail.example.com\"]", "name = \"Mail\"\nhostnames = [\"www.example.com\"]");
    let text = text.replace("port 25", "front page");
    let organization = organization(&text);
    let dependencies = Dependencies::new(&organization, &Answers::default());
    let plan = plan(&organization, &dependencies, &everywhere);
    assert_eq!(shown(&plan).iter().filter(|shown| shown.ends_with("by name, 2 resolvers (front page)")).count(), 1);
    assert!(plan.notes.iter().any(|note| note.contains("rename one")), "{:?}", plan.notes);
    assert!(plan.questions.iter().all(|question| !matches!(&**question, Question::Http(http) if http.scheme == Scheme::Tcp)));
}
