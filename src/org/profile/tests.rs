//! Profiles as people write them, right and wrong.

use super::*;
use crate::org::{Page, PrefixLengths, ProbeKind, Probing};
use crate::probe::{DnsTransport, Scheme};
use crate::time::Span;
use crate::vantage::Asn;

/// The example of docs/profile.md: the first block marked `toml`.
fn documented_example() -> String {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/profile.md")).unwrap();
    page.split_once("```toml\n").unwrap().1.split_once("```").unwrap().0.to_owned()
}

fn parsed(text: &str) -> Checked {
    parse(text, Path::new("org.toml")).unwrap_or_else(|error| panic!("{:#?}", error.lines()))
}

/// `line:column: message; help` of every problem.
fn problems(text: &str) -> Vec<String> {
    let lines = parse(text, Path::new("org.toml")).expect_err("this profile is wrong").lines();
    lines.iter().map(|line| line.strip_prefix("org.toml:").unwrap().to_owned()).collect()
}

const OUTLINE: &str = "[organization]\nname = \"Example\"\nas_numbers = [64500]\nprefixes = [\"192.0.2.0/24\"]\n";

/// Problems of something below a good `[organization]`, which is four lines long.
fn problems_below(rest: &str) -> Vec<String> {
    problems(&format!("{OUTLINE}{rest}"))
}

#[test]
fn the_documented_example_is_a_profile_without_warnings() {
    let Checked { organization, warnings, .. } = parsed(&documented_example());
    assert_eq!(warnings, []);
    assert_eq!(organization.as_numbers, [Asn(64500), Asn(65546)]);
    let shown: Vec<_> = organization.prefixes.iter().map(|p| (p.prefix.to_string(), p.lengths)).collect();
    let lengths = |shortest, longest| PrefixLengths { shortest, longest };
    assert_eq!(
        shown,
        [
            ("192.0.2.0/24".to_owned(), lengths(24, 24)),
            ("2001:db8::/32".to_owned(), lengths(32, 48)),
            ("198.51.100.0/24".to_owned(), lengths(24, 32)),
        ]
    );
    let web = &organization.services[0];
    assert_eq!(web.probes[0].host, "www.example.com", "a probe asks the service's first host name if it names none");
    assert_eq!(web.probes[0].kind, ProbeKind::Http);
    assert_eq!(web.probes[0].up.statuses, [(200, 299), (301, 301)]);
    assert_eq!(organization.settings.open_hold, Span::from_seconds(90));
    let router = &organization.bmp_routers[0];
    assert_eq!((router.address.to_string().as_str(), router.name.as_deref()), ("192.0.2.254", Some("edge1")));
    assert_eq!(organization.maintenance[0].until.to_string(), "2026-12-01T04:00:00Z", "a time with an offset is normalised");
}

#[test]
fn the_documentation_lists_every_setting_with_its_default() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/profile.md")).unwrap();
    for setting in crate::settings::Settings::default().in_force() {
        let row = format!("| `{}` | {} | {} |\n", setting.key, setting.default, setting.reason);
        assert!(page.contains(&row), "docs/profile.md lacks this row:\n{row}");
    }
}

#[test]
fn the_profile_of_the_lab_says_what_its_truth_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/lab/lab.toml");
    let Checked { organization, warnings, .. } = read(&path).unwrap_or_else(|error| panic!("{:#?}", error.lines()));
    assert_eq!(warnings, []);
    let servers: usize = organization.zones[0].name_servers.iter().map(|s| s.addresses.len()).sum();
    assert_eq!((organization.prefixes.len(), servers, organization.services[0].probes.len()), (13, 8, 3));
    let changed: Vec<_> = organization.settings.in_force().into_iter().filter(|s| s.overridden).map(|s| s.key).collect();
    assert!(changed.contains(&"eligible_min".into()) && changed.contains(&"full_feed_percent".into()), "{changed:?}");
}

#[test]
fn all_errors_of_a_file_are_reported_at_once_each_at_its_place() {
    let text = r#"[organization]
nmae = "Example"
as_numbers = [0, "AS64500"]
prefixes = ["192.0.2.1/24", "198.51.100.0/24"]

[[services]]
name = "web"
hostnames = ["https://www.example.com/"]

[settings]
open_hodl = "60s"
open_percent = 90
"#;
    assert_eq!(
        problems(text),
        [
            "1:1: `name` is missing from [organization]; add name = \"…\"",
            "2:1: `nmae` is unknown in [organization]; did you mean `name`?",
            "3:15: AS0 is reserved and can originate nothing; write the AS number which BGP shows",
            "4:13: `192.0.2.1/24` has host bits set; write 192.0.2.0/24, or a longer length",
            "8:14: `https://www.example.com/` is a URL; write the host name alone: \"www.example.com\"",
            "11:1: `open_hodl` is no setting; did you mean `open_hold`?",
            "12:16: `open_percent` (90 %) must be below `warn_percent` (80 %); change one of the two; what is not written has its default",
        ]
    );
}

#[test]
fn an_empty_prefix_list_is_never_watch_nothing() {
    for text in
        ["[organization]\nname = \"x\"\nas_numbers = [1]\n", "[organization]\nname = \"x\"\nas_numbers = [1]\nprefixes = []\n"]
    {
        let found = problems(text);
        assert!(found.len() == 1 && found[0].starts_with("1:1: the organization has no prefix"), "{found:?}");
    }
    assert!(problems("")[0].contains("`organization` is missing"));
}

#[test]
fn what_contradicts_itself_is_an_error() {
    for (rest, at, says) in [
        ("[[prefixes]]\nprefix = \"192.0.2.0/24^+\"\n", "6:10", "prefix `192.0.2.0/24` is there twice"),
        ("[[services]]\nname = \"web\"\n", "6:8", "nothing says what service `web` is"),
        (
            "[[services]]\nname = \"a\"\nstatus_names = \"x\"\n[[services]]\nname = \"A\"\nstatus_names = \"y\"\n",
            "9:8",
            "`A` is there twice",
        ),
        ("[[maintenance]]\nfrom = 2026-01-02T00:00:00Z\nuntil = 2026-01-01T00:00:00Z\n", "7:9", "ends before it begins"),
        ("[[maintenance]]\nfrom = 2026-01-01T00:00:00\nuntil = 2026-01-02T00:00:00Z\n", "6:8", "not a point in time"),
        (
            "[[services]]\nname = \"w\"\n[[services.probes]]\nname = \"p\"\nkind = \"htp\"\nhost = \"a.example\"\n",
            "9:8",
            "did you mean \"http\"?",
        ),
        ("[[services]]\nname = \"w\"\n[[services.probes]]\nname = \"p\"\nkind = \"http\"\n", "7:1", "asks for no host"),
        (
            "[[zones]]\nname = \"a.example\"\n[[controls]]\nname = \"c\"\nkind = \"dns\"\nhost = \"b.a.example\"\n",
            "8:8",
            "the organization's own",
        ),
        ("[[services]]\nname = \"w\"\nhostnames = 5\n", "7:13", "must be a text, but this is a whole number"),
        ("[[zones]]\nname = \"a.example\"\ncolour = 1\n", "7:1", "known here: name, name_servers"),
    ] {
        let found = problems_below(rest);
        assert!(found.iter().any(|p| p.starts_with(&format!("{at}: ")) && p.contains(says)), "{rest}\n{found:#?}");
    }
}

#[test]
fn a_value_where_a_table_belongs_is_an_error() {
    let found = problems(&format!("services = 5\n{OUTLINE}"));
    assert_eq!(
        found,
        [
            "1:12: `services` must be a table, but this is a whole number; write a heading [services] or [[services]], or braces { … }"
        ]
    );
}

#[test]
fn a_condition_must_fit_the_kind_of_probe() {
    let probe =
        |kind: &str, up: &str| format!("[[controls]]\nname = \"c\"\nkind = \"{kind}\"\nhost = \"a.example\"\nup = {{ {up} }}\n");
    assert!(problems_below(&probe("dns", "status = 200"))[0].contains("it is for kind = \"http\""));
    assert!(problems_below(&probe("http", "answers = \"192.0.2.1\""))[0].contains("it is for kind = \"dns\""));
    assert!(problems_below(&probe("http", "status = [\"2xx\"]"))[0].contains("\"200-299\""));
    let control = &parsed(&format!("{OUTLINE}{}", probe("http", "body_contains = \"ok\""))).organization.controls[0];
    assert_eq!((control.up.statuses.as_slice(), control.up.body_contains.as_deref()), ([(200, 399)].as_slice(), Some("ok")));
}

#[test]
fn settings_are_of_their_kind_and_in_range() {
    for (line, says) in [
        ("open_hold = 60", "write open_hold = \"60s\""),
        ("open_hold = \"one minute\"", "a span of time"),
        ("eligible_min = \"10\"", "a count of 1 or more"),
        ("eligible_min = 0", "a count of 1 or more"),
        ("down_after = -3", "a count of 1 or more"),
        ("full_feed_percent = 101", "1 to 100 percent"),
        ("close_percent = 70", "must be at most `close_percent` (70 %)"),
        ("critical_percent = 50", "must be below `open_percent`"),
        ("probe_gap = \"0s\"", "no time at all"),
        ("baseline_min = \"2d\"", "must be at most `baseline_window`"),
    ] {
        let found = problems_below(&format!("[settings]\n{line}\n"));
        assert!(found.len() == 1 && found[0].starts_with("6:") && found[0].contains(says), "{line}: {found:?}");
    }
    let text = format!(
        "{OUTLINE}[settings]\nfull_feed_percent = \"75 %\"\nwarn_percent = 70\nclose_percent = 75\nprobe_gap = \"500ms\"\n"
    );
    let settings = parsed(&text).organization.settings;
    assert_eq!((settings.full_feed_percent, settings.warn_percent, settings.close_percent), (75, 70, 75));
    assert_eq!(settings.probe_gap, Span::from_micros(500_000));
}

#[test]
fn what_is_odd_but_allowed_is_a_warning_at_its_place() {
    let text = format!(
        "{OUTLINE}[[services]]\nname = \"web\"\nhostnames = [\"www.example.com\"]\naddresses = [\"203.0.113.1\"]\n\
         [[zones]]\nname = \"example.org\"\n[[probe_vantages]]\nname = \"home\"\n"
    );
    let warnings: Vec<_> = parsed(&text).warnings.iter().map(|w| format!("{}:{}: {w}", w.line, w.column)).collect();
    assert_eq!(
        warnings,
        [
            "1:1: there is no control target",
            "7:14: `www.example.com` is in none of the zones",
            "8:14: 203.0.113.1 is in none of the prefixes",
            "10:8: zone `example.org` has no name servers",
            "10:8: no service has a host name in zone `example.org`",
            "12:8: `home` cannot be matched to BGP vantage points",
        ]
    );
}

#[test]
fn syntax_errors_are_all_shown_and_nothing_else_is_guessed() {
    let found = problems("[organization\nname = \"Example\nprefixes = [\n");
    assert!(found.len() >= 2 && found[0].starts_with("1:"), "{found:?}");
    assert!(!found.iter().any(|p| p.contains("missing from")), "{found:?}");
    assert!(problems(&format!("{OUTLINE}name = \"again\"\n"))[0].starts_with("5:1: duplicate key"));
}

#[test]
fn the_terminal_shows_the_line_and_what_to_write() {
    let error = parse(&OUTLINE.replace("[64500]", "[\"AS-FACEBOOK\"]"), Path::new("org.toml")).unwrap_err();
    let mut shown = String::new();
    let theme = miette::GraphicalTheme::none();
    miette::GraphicalReportHandler::new_themed(theme).with_width(100).render_report(&mut shown, &error).unwrap();
    insta::assert_snapshot!(shown, @r###"
      x 1 error in the profile org.toml

    Error: 
      x `AS-FACEBOOK` is not an AS number
       ,-[org.toml:3:15]
     2 | name = "Example"
     3 | as_numbers = ["AS-FACEBOOK"]
       :               ^^^^^^|^^^^^^
       :                     `-- here
     4 | prefixes = ["192.0.2.0/24"]
       `----
      help: write 32934, "AS32934" or "1.10" (asdot, in quotes)
    "###);
}

#[test]
fn a_file_which_cannot_be_read_is_named() {
    let error = read(Path::new("no/such/org.toml")).unwrap_err();
    assert!(error.to_string().contains("no/such/org.toml"), "{error}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"name = \"\xff\"").unwrap();
    assert!(matches!(read(file.path()), Err(ProfileError::NotText { offset: 8, .. })));
}

proptest::proptest! {
    /// Whatever a slip of the hand does to a profile, it is read or every complaint points into the file and can be shown.
    #[test]
    fn a_damaged_profile_is_read_or_explained(at in 0usize..2_000, length in 0usize..40, put in "[\\[\\]{}=\",.^0-9a-z \n\u{e9}]{0,6}") {
        let text = documented_example();
        let cut = |i: usize| (0..=i.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        let damaged = format!("{}{put}{}", &text[..cut(at)], &text[cut(at + length)..]);
        if let Err(error) = parse(&damaged, Path::new("org.toml")) {
            let ProfileError::Invalid { problems, .. } = &error else { panic!("{error}") };
            proptest::prop_assert!(!problems.is_empty(), "an error says what is wrong");
            proptest::prop_assert!(problems.iter().all(|p| p.line >= 1 && p.line <= damaged.lines().count() + 1 && !p.help.is_empty()));
            let mut shown = String::new();
            miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::none()).render_report(&mut shown, &error).unwrap();
        }
    }
}

const ALERT: &str = "[[alerts]]\nname = \"pager\"\n";

#[test]
fn alerts_are_read_with_their_defaults() {
    use crate::org::alert::{AlertPolicy, AlertWay, Confidential, MailTls, SyslogWay, ToldChange, Urgency};
    let text = r#"
[[alerts]]
name = "hook"
kind = "webhook"
url = "https://hooks.example.com/x"
secret_env = "HOOK_SECRET"

[[alerts]]
name = "mail"
kind = "email"
server = "Mail.Example.com"
tls = "tls"
user = "faultline"
secret_file = "password"
from = "faultline@example.com"
to = "noc@example.com"
changes = ["opened", "improved"]
at_least = "critical"
every = "1h"
timeout = "5s"

[[alerts]]
name = "log"
kind = "syslog"
server = "192.0.2.1"

[[alerts]]
name = "here"
kind = "syslog"

[[alerts]]
name = "program"
kind = "command"
command = ["page", "--now"]
"#;
    let organization = parsed(&format!("{OUTLINE}{text}")).organization;
    let [hook, mail, log, here, program] = &organization.alerts[..] else { panic!("five alerts were written") };
    let secret = Some(Confidential::Environment("HOOK_SECRET".to_owned()));
    let url = Confidential::Written("https://hooks.example.com/x".to_owned());
    assert_eq!(hook.way, AlertWay::Webhook { url, secret });
    let usual = AlertPolicy {
        changes: vec![ToldChange::Opened, ToldChange::Worsened],
        services: Vec::new(),
        at_least: Urgency::Note,
        every: Span::from_seconds(600),
    };
    assert_eq!((&hook.policy, hook.timeout), (&usual, Span::from_seconds(20)));
    let AlertWay::Email(way) = &mail.way else { panic!("{mail:?}") };
    assert_eq!((way.server.as_str(), way.port, way.tls), ("mail.example.com", 465, MailTls::Tls));
    assert_eq!(mail.policy.changes, [ToldChange::Opened, ToldChange::Improved]);
    assert_eq!((mail.policy.at_least, mail.policy.every), (Urgency::Critical, Span::from_seconds(3600)));
    assert_eq!(log.way, AlertWay::Syslog(SyslogWay::Udp { server: "192.0.2.1".to_owned(), port: 514 }));
    assert_eq!(here.way, AlertWay::Syslog(SyslogWay::Local { path: "/dev/log".into() }));
    assert_eq!(program.way, AlertWay::Command { command: vec!["page".to_owned(), "--now".to_owned()] });
}

#[test]
fn what_is_wrong_with_alerts_is_shown_where_it_stands() {
    let wrong = |rest: &str| problems_below(&format!("{ALERT}{rest}"));
    for (rest, expected) in [
        ("kind = \"webhok\"\n", "7:8: `webhok` is not a kind of alert; did you mean \"webhook\"?"),
        (
            "kind = \"webhook\"\n",
            "5:1: nothing tells where to post; add url = \"https://…\", or url_env or url_file if it is secret",
        ),
        (
            "kind = \"slack\"\nurl = \"hooks.example.com\"\n",
            "8:7: this is no address to post to; write it as https://hooks.example.com/path",
        ),
        (
            "kind = \"slack\"\nurl = \"https://me:x@h.example/\"\n",
            "8:7: the address names a user; put the whole address into url_env or url_file",
        ),
        (
            "kind = \"file\"\npath = \"x\"\nurl = \"https://h.example/\"\n",
            "9:7: `url` means nothing for kind = \"file\"; remove it, or choose the kind which it is for",
        ),
        (
            "kind = \"webhook\"\nurl_env = \"A\"\nurl_file = \"b\"\n",
            "9:12: `url_file` is one too many; keep one of the keys which tell the same",
        ),
        (
            "kind = \"file\"\npath = \"x\"\nchanges = [\"closed\"]\n",
            "9:12: `closed` is not a change; write one of \"opened\", \"worsened\", \"improved\", \"changed\"",
        ),
        (
            "kind = \"file\"\npath = \"x\"\nservices = [\"Web\"]\n",
            "9:13: there is no service `Web`; write the name of a service of this profile",
        ),
        (
            "kind = \"file\"\npath = \"x\"\nevery = \"soon\"\n",
            "9:9: `soon` is not a span of time; write a whole number and a unit, such as 250ms, 60s, 5min, 24h or 2d; write every = \"10min\"",
        ),
        ("kind = \"file\"\npath = \"x\"\nchange = \"opened\"\n", "9:1: `change` is unknown in [alerts]; did you mean `changes`?"),
        ("kind = \"syslog\"\ntransport = \"tcp\"\n", "5:1: `server` is missing from [alerts]; add server = \"log.example.com\""),
        (
            "kind = \"command\"\ncommand = []\n",
            "8:11: `command` is empty; name a program and its arguments, each a text of the list",
        ),
        ("kind = \"syslog\"\nserver = \"h.example\"\nport = 0\n", "9:8: `0` is not a port; write a number from 1 to 65535"),
    ] {
        assert_eq!(wrong(rest), [expected], "{rest}");
    }
    let mail = "kind = \"email\"\nserver = \"m.example\"\nfrom = \"f@example.com\"\n";
    let injected = wrong(&format!("{mail}to = [\"a@example.com\\r\\nBcc: b@example.com\"]\n"));
    assert!(injected[0].starts_with("10:7: ") && injected[0].contains("is no address of mail"), "{injected:?}");
    let clear = wrong(&format!("{mail}to = \"a@example.com\"\ntls = \"none\"\nuser = \"u\"\nsecret_env = \"P\"\n"));
    assert!(clear[0].contains("the password would be sent for everybody to read"), "{clear:?}");
    let twice = problems_below(&format!("{ALERT}kind = \"syslog\"\n{ALERT}kind = \"syslog\"\n"));
    assert_eq!(twice, ["9:8: alert `pager` is there twice; remove one, or give it another name"]);
}

#[test]
fn no_debug_output_shows_where_an_alert_is_posted_to() {
    let text = format!("{OUTLINE}{ALERT}kind = \"slack\"\nurl = \"https://hooks.example.com/T0KEN\"\n");
    let checked = parsed(&text);
    let shown = format!("{:?}", checked.organization.alerts);
    assert!(shown.contains("written in the profile") && !shown.contains("T0KEN"), "{shown}");
    let view = crate::report::CheckView::of(Path::new("org.toml"), &Ok(checked));
    let json = serde_json::to_string(&view).unwrap();
    assert!(json.contains("\"kind\":\"slack\"") && !json.contains("T0KEN") && !view.to_text().contains("T0KEN"), "{json}");
}

#[test]
fn probing_is_read_with_its_resolvers_and_has_defaults() {
    let organization = parsed(&documented_example()).organization;
    let probing = organization.probing;
    let defaults = Probing::default();
    assert_eq!((probing.vantage.as_deref(), probing.every), (Some("office"), Span::from_seconds(30)));
    assert_eq!((probing.dns_timeout, probing.http_timeout), (Span::from_seconds(3), defaults.http_timeout));
    assert_eq!((probing.concurrency, probing.authority_port), (64, 53));
    let resolvers: Vec<_> =
        probing.resolvers.iter().map(|r| (r.name.as_str(), r.server.address.to_string(), r.server.transport.clone())).collect();
    let https = DnsTransport::Https { name: "dns.control.example".into(), path: "/dns-query".into() };
    assert_eq!(
        resolvers,
        [
            ("office resolver", "192.0.2.1:53".to_owned(), DnsTransport::Udp),
            ("somebody else's, over HTTPS", "203.0.113.53:443".to_owned(), https)
        ]
    );
    assert_eq!(parsed(OUTLINE).organization.probing, defaults);
    let text = format!(
        "{OUTLINE}[[probing.resolvers]]\nname = \"a\"\naddress = \"2001:db8::1\"\nprotocol = \"tls\"\n\
         [[probing.resolvers]]\nname = \"b\"\naddress = \"[2001:db8::1]:5353\"\nprotocol = \"tcp\"\n"
    );
    let resolvers = parsed(&text).organization.probing.resolvers;
    assert_eq!(resolvers[0].server.address.to_string(), "[2001:db8::1]:853");
    assert_eq!(resolvers[0].server.transport, DnsTransport::Tls { name: "2001:db8::1".into() }, "a certificate for the address");
    assert_eq!(resolvers[1].server.address.to_string(), "[2001:db8::1]:5353");
}

#[test]
fn mistakes_in_probing_are_told_where_they_are() {
    let resolver = |more: &str| format!("[[probing.resolvers]]\nname = \"a\"\naddress = \"192.0.2.1\"\n{more}\n");
    for (text, says) in [
        ("[probing]\nevery = \"5s\"\n".to_owned(), "6:9: `dns_timeout` (5 s) must be less than `every` (5 s)"),
        ("[probing]\nhttp_timeout = \"2min\"\n".to_owned(), "6:16: `http_timeout` (2 min) must be less"),
        ("[probing]\nevery = \"10ms\"\n".to_owned(), "no span of time which `every` can be"),
        ("[probing]\ndns_timeout = \"soon\"\n".to_owned(), "`soon` is no span"),
        ("[probing]\nconcurrency = 0\n".to_owned(), "`concurrency` is out of range"),
        ("[probing]\nauthority_port = 65536\n".to_owned(), "`authority_port` is out of range"),
        ("[probing]\nresolver = \"192.0.2.1\"\n".to_owned(), "did you mean `resolvers`?"),
        (resolver("protocol = \"htps\""), "did you mean \"https\"?"),
        (resolver("tls_name = \"dns.example\""), "`tls_name` means nothing for this protocol"),
        (resolver("protocol = \"tls\"\npath = \"/q\""), "`path` means nothing for this protocol"),
        (resolver("protocol = \"https\"\npath = \"dns\""), "`dns` is no path"),
        (resolver("").replace("192.0.2.1", "dns.example"), "is no address of a resolver"),
        (resolver("").replace("192.0.2.1", "192.0.2.1:0"), "is no address of a resolver"),
        (resolver("") + &resolver(""), "resolver `a` is there twice"),
    ] {
        let found = problems_below(&text);
        assert!(found.iter().any(|problem| problem.contains(says)), "{text}: {found:#?}");
    }
}

#[test]
fn what_a_probe_asks_for_is_read_or_refused() {
    let control = |more: &str| format!("[[controls]]\nname = \"c\"\nhost = \"www.control.example\"\n{more}\n");
    for (more, scheme, port, path) in [
        ("kind = \"http\"", Scheme::Https, 443, "/"),
        ("kind = \"http\"\nscheme = \"http\"\npath = \"/a?b=c\"", Scheme::Http, 80, "/a?b=c"),
        ("kind = \"http\"\nport = 8443", Scheme::Https, 8443, "/"),
        ("kind = \"http\"\nscheme = \"tls\"", Scheme::Tls, 443, "/"),
        ("kind = \"http\"\nscheme = \"tcp\"\nport = 25", Scheme::Tcp, 25, "/"),
    ] {
        let page = parsed(&format!("{OUTLINE}{}", control(more))).organization.controls[0].page.clone();
        assert_eq!(page, Page { scheme, port, path: path.to_owned() }, "{more}");
    }
    for (more, says) in [
        ("kind = \"dns\"\nport = 53", "`port` means nothing for this kind of probe"),
        ("kind = \"ping\"\nscheme = \"http\"", "`scheme` means nothing for this kind of probe"),
        ("kind = \"http\"\nscheme = \"tcp\"", "a TCP connection needs a port"),
        ("kind = \"http\"\nscheme = \"tls\"\npath = \"/\"", "`path` means nothing for scheme = \"tls\""),
        ("kind = \"http\"\nscheme = \"htps\"", "did you mean \"https\"?"),
        ("kind = \"http\"\npath = \"health\"", "`health` is no path"),
        ("kind = \"http\"\npath = \"/a b\"", "is no path"),
        ("kind = \"http\"\nport = 0", "`port` is out of range"),
    ] {
        let found = problems_below(&control(more));
        assert!(found.iter().any(|problem| problem.contains(says)), "{more}: {found:#?}");
    }
}

#[test]
fn routers_have_an_address_each() {
    let wrong =
        "[[bmp.routers]]\nname = \"edge1\"\n[[bmp.routers]]\naddress = \"192.0.2.1\"\n[[bmp.routers]]\naddress = \"192.0.2.1\"\n";
    let found = problems_below(wrong);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().any(|problem| problem.starts_with("5:") && problem.contains("address = ")), "{found:?}");
    assert!(found.iter().any(|problem| problem.starts_with("10:11: the router at 192.0.2.1 is listed twice")), "{found:?}");
    assert!(problems_below("[bmp]\nrouter = []\n")[0].contains("router"));
}
