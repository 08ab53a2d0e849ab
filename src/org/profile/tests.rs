//! Profiles as people write them, right and wrong.

use super::*;
use crate::org::{PrefixLengths, ProbeKind};
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
