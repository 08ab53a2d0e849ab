//! What the pages of the manual say beside what the command line says of itself: exit status, files, examples.

use crate::cli::{EXIT_STATUS, PROBE_EXIT_STATUS};

/// What one page says.
pub(super) struct Chapter {
    /// The page, such as `faultline-org-check`.
    pub title: &'static str,
    /// Paragraphs which follow the first sentence.
    pub description: &'static [&'static str],
    /// Exit statuses with their meaning.
    pub exit: &'static [(&'static str, &'static str)],
    /// Files with what they are.
    pub files: &'static [(&'static str, &'static str)],
    /// What for, and what to type.
    pub examples: &'static [(&'static str, &'static str)],
}

impl Chapter {
    /// Of the page with this title.
    pub(super) fn of(title: &str) -> Option<&'static Chapter> {
        CHAPTERS.iter().find(|chapter| chapter.title == title)
    }
}

const PROFILE: (&str, &str) =
    ("ORG.toml", "The organization's profile: its AS numbers, prefixes, services, host names and name servers.");
const JOURNAL: &[(&str, &str)] = &[
    ("FILE.d/incidents.json", "What the watch of the journal FILE knew last."),
    ("FILE.d/requests/", "What it is asked; it takes that up within a second, or when it starts."),
];
const DONE: &[(&str, &str)] = &[("0", "done"), ("2", "failed; the message says what to do")];

const CHAPTERS: &[Chapter] = &[
    Chapter {
        title: "faultline",
        description: &[
            "Faultline reads what the Internet saw (BGP archives of RIPE RIS, RouteViews or your own collectors) and what clients saw \
             (DNS and HTTP probe results, service status), and writes an incident report: one verdict per service, with reasons for \
             and against, times with their bounds, and every number traceable to a file and record. It says that it could not tell \
             when it could not.",
            "Data goes to standard output, words for people to standard error. Long work shows its progress there, if it is a terminal.",
        ],
        exit: EXIT_STATUS,
        files: &[PROFILE],
        examples: &[
            (
                "From archives and recorded probe results to a report in the folder report:",
                "faultline analyze my.toml rrc00/ route-views.linx/ --probes probes/ --out report",
            ),
            (
                "Every observation behind the first incident:",
                "faultline explain my.toml rrc00/ route-views.linx/ --probes probes/ --incident 1",
            ),
        ],
    },
    Chapter {
        title: "faultline-analyze",
        description: &[
            "Files, folders, globs and standard input are read; formats and compression are told by content. Without a RIB dump state \
             is inferred from updates, and the report says so.",
            "With --all-origins there is no profile: the answer is which prefixes of which origin AS were withdrawn together, and when. \
             --organizations rolls that up by organization and country; --format jsonl tells it while archives are read.",
        ],
        exit: EXIT_STATUS,
        files: &[
            PROFILE,
            ("TABLE.csv", "Who holds an AS, with the columns asn, org and country."),
            ("DIR/incidents.json", "All of the report, for programs. --format json prints the same."),
            ("DIR/report.md", "The report for reading."),
            ("DIR/*.parquet", "Tables for notebooks, from a program built with the feature tables."),
        ],
        examples: &[
            (
                "A report of two collectors' archives and recorded probe results:",
                "faultline analyze my.toml rrc00/ route-views.linx/ --probes dns.jsonl.gz http.jsonl.gz --out report",
            ),
            (
                "Archives whose folder does not name the collector:",
                "faultline analyze my.toml --collector rrc00=archive/ --collector linx=other/",
            ),
            ("The same for programs:", "faultline analyze my.toml rrc00/ --format json"),
            ("Without a profile:", "faultline analyze --all-origins rrc00/"),
            (
                "The same as it happens, with the organization and country of each origin:",
                "faultline analyze --all-origins rrc00/ --organizations TABLE.csv --format jsonl",
            ),
        ],
    },
    Chapter {
        title: "faultline-explain",
        description: &[
            "The analysis is made again from the same input, and finds the same. Nothing is cut: what a report only counts is \
                        listed here, so that a verdict can be checked by hand.",
        ],
        exit: EXIT_STATUS,
        files: &[PROFILE],
        examples: &[
            ("What proves the first incident:", "faultline explain my.toml rrc00/ --probes probes/ --incident 1"),
            (
                "Only what concerns one service, for programs:",
                "faultline explain my.toml rrc00/ --probes probes/ --incident 2024-03-05T15:2 --service login --format json",
            ),
        ],
    },
    Chapter {
        title: "faultline-report",
        description: &[
            "Everything comes from the JSON alone: neither profile nor archive is asked. Parquet tables are not made again.",
        ],
        exit: EXIT_STATUS,
        files: &[("DIR/incidents.json", "What is read, and what is written again byte for byte.")],
        examples: &[
            ("Look at a report which somebody sent:", "faultline report incidents.json --timeline"),
            ("All its files again, as this version writes them:", "faultline report incidents.json --out again"),
            ("The JSON Schema of what is read:", "faultline report --schema incidents"),
        ],
    },
    Chapter {
        title: "faultline-org",
        description: &[],
        exit: &[("0", "the profile is valid"), ("2", "it is not, or cannot be read")],
        files: &[PROFILE],
        examples: &[("Is the profile valid?", "faultline org check my.toml")],
    },
    Chapter {
        title: "faultline-org-check",
        description: &[
            "No network is asked: whether a host name exists is not checked. What is allowed but looks like a mistake is a \
                        warning.",
        ],
        exit: &[("0", "the profile is valid; there may be warnings"), ("2", "it is not, or cannot be read")],
        files: &[PROFILE],
        examples: &[
            ("Every error with line, column and what to write:", "faultline org check my.toml"),
            ("The profile as it was understood, or its errors, for programs:", "faultline org check my.toml --format json"),
        ],
    },
    Chapter {
        title: "faultline-org-init",
        description: &[
            "Prefixes are those which the AS numbers originate in table dumps; what few ASes see is written as a comment, and who else \
             originates them, or what is inside of them, is told. --zone and --host ask the DNS. The profile is a draft: read it, correct \
             it, and let faultline org check look at it.",
        ],
        exit: DONE,
        files: &[(
            "FILES",
            "Table dumps (MRT): bview.* of RIPE RIS, rib.* of RouteViews, or of your own collector. They are read twice.",
        )],
        examples: &[
            ("A profile from a table dump:", "faultline org init AS64500 --rib rrc00/2026.11/bview.20261128.0800.gz --out my.toml"),
            (
                "The same with name servers and the addresses of a host:",
                "faultline org init AS64500 --rib seeds/ --zone example.com --host www.example.com --out my.toml",
            ),
        ],
    },
    Chapter {
        title: "faultline-probe",
        description: &[
            "What is asked follows from the profile: names of services through each resolver, name servers directly, pages by name and at each \
             known address, controls. Answers teach more of it. Trouble of the prober itself (no file descriptor, no address to send from) is told, \
             and is no result.",
        ],
        exit: PROBE_EXIT_STATUS,
        files: &[
            ("/etc/resolv.conf", "The resolvers, where the profile names none."),
            ("FILE.jsonl, FILE.parquet", "Every attempt, as faultline analyze --probes reads it."),
        ],
        examples: &[
            ("What is up, and what is not:", "faultline probe my.toml"),
            (
                "Ask every minute, and record it for faultline analyze --probes:",
                "faultline probe my.toml --every 60s --out probes.jsonl",
            ),
            ("Ten rounds, each attempt as a line of JSON:", "faultline probe my.toml --every 60s --rounds 10 --format jsonl"),
        ],
    },
    Chapter {
        title: "faultline-fetch",
        description: &[
            "Which files there are is told by the archives' naming rules, or with --index by their index pages: collectors of RouteViews \
             begin their files when their daemon was started, which is mostly, but not always, on the quarter hour, and RIPE RIS did so \
             until July 2003. A file has its name only when it was decoded to its end; what has come so far is taken up by the next run. \
             A server is asked for at most 4 files at once, and is given the time it asks for with Retry-After.",
            "The window begins with the newest table dump at or before it which the archive has, and all updates since.",
        ],
        exit: &[
            ("0", "everything is there which should have been published by now"),
            ("2", "failed; the message says what to do"),
            ("3", "something is missing in the archive, damaged or could not be fetched: the summary names it"),
        ],
        files: &[
            ("DIR/COLLECTOR/YYYY.MM/", "The files, as faultline analyze understands them."),
            ("DIR/.fetch.jsonl", "What was verified: size, BLAKE3 and address of each file, a line of JSON each."),
            ("DIR/COLLECTOR/YYYY.MM/.NAME.part, .NAME.tag", "What has come so far of a file, and which state of it that is."),
            (
                "DIR/COLLECTOR/YYYY.MM/.NAME.damaged",
                "A file which came damaged twice. What can be read of it can be read, under a name of your choice.",
            ),
        ],
        examples: &[
            (
                "An afternoon at two collectors, with the table dumps before it:",
                "faultline fetch --from 2021-10-04T15:00:00Z --until 2021-10-04T22:00:00Z --collectors rrc00,route-views2 --out archives",
            ),
            (
                "What would be fetched:",
                "faultline fetch --from 2021-10-04T15:00:00Z --until 2021-10-04T22:00:00Z --collectors rrc00 --out archives --dry-run",
            ),
        ],
    },
    Chapter {
        title: "faultline-drill",
        description: &["The same timeline gives the same bytes. Nothing in the folder was recorded, and PROVENANCE.md says so."],
        exit: DONE,
        files: &[
            ("TIMELINE.toml", "Who speaks, what is announced and withdrawn when, what clients see."),
            ("DIR/mrt/COLLECTOR/", "Archives, cut and named as RIPE RIS and RouteViews do."),
            ("DIR/dns.jsonl.gz, DIR/http.jsonl.gz, DIR/status.jsonl.gz", "Probe results and service status."),
            (
                "DIR/PROVENANCE.md",
                "Where each row of the timeline comes from. It is written last: a folder without it is not whole.",
            ),
        ],
        examples: &[
            ("Write the recordings of a timeline:", "faultline drill timeline.toml --out drill"),
            ("And analyze them:", "faultline analyze my.toml drill/mrt --probes drill"),
        ],
    },
    Chapter {
        title: "faultline-watch",
        description: &[
            "A line is printed when an incident opens, gets worse or better, is judged anew, or closes; each change once. Without --everything the \
                        server is asked for what concerns the profile's prefixes, and for what tells of sessions. A lost connection is made again, after a \
                        pause which grows; what was said meanwhile nobody knows, so routes are unknown until they are told again. \
                        With --seed it begins with what archives tell; between the last of them and the stream nothing is taken to have changed. \
                        Ctrl-C ends it.",
            "Whom the profile names under [[alerts]] is told. With --journal the numbers of incidents, what was told, and what waits outlive \
                        the program: killed at any moment, it loses no alert, and repeats none but one whose arrival it could not note any \
                        more, under the same key.",
        ],
        exit: EXIT_STATUS,
        files: &[
            PROFILE,
            ("FILE", "The journal. One process at a time has it."),
            ("FILE.d/notices.jsonl", "Everything that happened to incidents, a notice each."),
            ("FILE.d/incidents.json, FILE.d/requests/", "What faultline incident reads, and writes."),
        ],
        examples: &[
            ("Against RIPE RIS, for programs:", "faultline watch my.toml --format jsonl"),
            (
                "A replay, which has a clock and an end of its own:",
                "faultline watch my.toml --replayed --stream ws://127.0.0.1:8080/",
            ),
            ("Do alerts arrive?", "faultline watch my.toml --test-alert"),
            ("With alerts which outlive the program:", "faultline watch my.toml --journal my.journal"),
        ],
    },
    Chapter {
        title: "faultline-incident",
        description: &["It works beside a watch, and without one: the journal itself is not opened."],
        exit: DONE,
        files: JOURNAL,
        examples: &[("What does the watch know?", "faultline incident list --journal my.journal")],
    },
    Chapter {
        title: "faultline-incident-list",
        description: &["A receiver which was not told of the last change of an incident is listed with the reason."],
        exit: DONE,
        files: JOURNAL,
        examples: &[
            ("For people:", "faultline incident list --journal my.journal"),
            ("For programs:", "faultline incident list --journal my.journal --format json"),
        ],
    },
    Chapter {
        title: "faultline-incident-ack",
        description: &["It holds until the incident goes on after it was over."],
        exit: DONE,
        files: JOURNAL,
        examples: &[(
            "Somebody works on incident 3:",
            "faultline incident ack 3 --journal my.journal --by alice --note transit-called",
        )],
    },
    Chapter {
        title: "faultline-incident-silence",
        description: &[
            "The name of the silence is printed. When it ends, receivers are told of what still lasts. That an incident is over is \
                        told even while it is silenced, to whoever was told that it began.",
        ],
        exit: DONE,
        files: JOURNAL,
        examples: &[
            ("An incident, for two hours:", "faultline incident silence --journal my.journal --incident 3 --for 2h"),
            (
                "A prefix and what lies within, until a time:",
                "faultline incident silence --journal my.journal --prefix 192.0.2.0/24 --until 2026-12-01T05:00:00Z",
            ),
        ],
    },
    Chapter {
        title: "faultline-incident-lift",
        description: &[],
        exit: DONE,
        files: JOURNAL,
        examples: &[("End a silence which list shows:", "faultline incident lift 1764305000000000-4711 --journal my.journal")],
    },
    Chapter {
        title: "faultline-replay",
        description: &[
            "Without --listen every frame is one line of standard output. With it, clients subscribe as at ris-live.ripe.net; all see the same \
                        stream, which begins with the first subscription. The connection is closed after the last message. At a limited \
                        speed a client which cannot keep up loses its connection; at unlimited speed the slowest client sets the pace.",
        ],
        exit: DONE,
        files: &[],
        examples: &[
            ("A day in 24 minutes, for any client of RIS Live:", "faultline replay archives/ --listen 127.0.0.1:8080 --speed 60x"),
            (
                "A recording which can be analyzed like an archive:",
                "faultline replay archives/ --speed max --raw > recording.jsonl",
            ),
        ],
    },
    Chapter {
        title: "faultline-completions",
        description: &["A new shell completes commands and options after faultline, and files where files are meant."],
        exit: DONE,
        files: &[],
        examples: &[
            ("bash:", "faultline completions bash > ~/.local/share/bash-completion/completions/faultline"),
            ("zsh, in a folder of its fpath:", "faultline completions zsh > ~/.zfunc/_faultline"),
            ("fish:", "faultline completions fish > ~/.config/fish/completions/faultline.fish"),
            ("elvish:", "faultline completions elvish >> ~/.config/elvish/rc.elv"),
            ("PowerShell:", "faultline completions powershell >> $PROFILE"),
        ],
    },
    Chapter {
        title: "faultline-man",
        description: &["Without --out, the page faultline(1) is printed."],
        exit: DONE,
        files: &[(
            "DIR/faultline.1, DIR/faultline-COMMAND.1",
            "The pages. A folder man1 of the manual path makes them known to man.",
        )],
        examples: &[
            ("Read the page of the program:", "faultline man | man -l -"),
            ("Make all pages known to man:", "faultline man --out ~/.local/share/man/man1"),
        ],
    },
];
