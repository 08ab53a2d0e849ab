//! The picture in the terminal: golden pictures, every number compared with the view, and widths, names and recordings of all kinds.

use crate::program::text;
use crate::rebuilt::meta_2021::META;
use crate::report::{all, analyse, generated, golden, lab, unpainted};
use assert_cmd::cargo::cargo_bin_cmd;
use faultline::report::{self, Glyphs, LinkView, Phase, ReportView};
use faultline::time::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;
use unicode_width::UnicodeWidthStr;

const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;x\u{7}路由消失🔥\u{202e}\u{200b}\r\ne\u{301}\u{fe0f} │ █ a.very.long.name.indeed.example";

fn plain(view: &ReportView, width: usize) -> String {
    report::timeline(view, width, false, Glyphs::Blocks)
}

/// Every case, and what little can be recorded.
fn views() -> Vec<(String, ReportView)> {
    let mut views = all().to_vec();
    let dump = "data/lab/A/mrt/copen/rib.20261122.091309.mrt.gz";
    let empty = analyse(Path::new("data/lab/lab.toml"), &[dump.into()], &[]);
    views.push(("a dump without routes".to_owned(), ReportView::of(&empty, generated())));
    views
}

#[test]
fn the_pictures_are_as_they_were() {
    let lab = ReportView::of(&lab("A"), generated());
    for width in [40, 80, 120] {
        golden(&format!("lab-A-timeline-{width}.txt"), &plain(&lab, width));
        golden(&format!("meta-2021-timeline-{width}.txt"), &plain(&META.view, width));
    }
    golden("lab-A-timeline-ascii.txt", &report::timeline(&lab, 80, false, Glyphs::Ascii));
}

#[test]
fn no_picture_is_wider_or_taller_than_allowed_and_colours_carry_no_meaning_of_their_own() {
    for (name, view) in &views() {
        for width in 40..=160 {
            for glyphs in [Glyphs::Blocks, Glyphs::Ascii] {
                let picture = report::timeline(view, width, false, glyphs);
                assert!(picture.lines().count() <= 24, "{name} at {width}: {picture}");
                assert!(picture.lines().all(|line| line.width() <= width), "{name} at {width}: {picture}");
                assert!(glyphs == Glyphs::Blocks || picture.is_ascii(), "{name} at {width}: {picture}");
                assert_eq!(unpainted(&report::timeline(view, width, true, glyphs)), picture, "{name} at {width}");
            }
        }
        // The whole of a wide terminal is used, and no more than can be taken in.
        assert_eq!(plain(view, 500), plain(view, 160), "{name}");
        assert_eq!(plain(view, 10), plain(view, 40), "{name}");
    }
}

/// The rows of a picture of full width: label, cells and words.
fn rows(picture: &str, label: usize) -> Vec<(String, Vec<char>, String)> {
    let row = |line: &str| {
        let letters: Vec<char> = line.chars().collect();
        let (label, rest) = letters.split_at(letters.len().min(label));
        let rest: String = rest.iter().collect();
        let (cells, words) = rest.rsplit_once("  ").unwrap_or((&rest, ""));
        (label.iter().collect::<String>().trim().to_owned(), cells.chars().collect(), words.to_owned())
    };
    picture.lines().map(row).collect()
}

/// Where the rows of a picture begin: with its axis.
fn begin(picture: &str) -> usize {
    let axis = picture.lines().find(|line| line.contains('┬') && line.contains('─')).unwrap();
    axis.chars().take_while(|c| *c == ' ').count()
}

#[test]
fn every_number_beside_a_row_is_one_of_the_view() {
    let labs = ["A", "B", "D", "E", "H"].map(|case| ReportView::of(&lab(case), generated()));
    let mut compared = 0;
    for view in labs.iter().chain([&META.view]) {
        let timeline = &view.incidents[0].timeline;
        let picture = plain(view, 120);
        let words: BTreeMap<String, String> =
            rows(&picture, begin(&picture)).into_iter().map(|(label, _, words)| (label, words)).collect();
        for group in &timeline.groups {
            let best = group.steps.iter().map(|step| step.seeing).max().unwrap();
            let after = group.steps.iter().skip_while(|step| step.seeing < best);
            let worst =
                after.min_by_key(|step| u64::from(step.seeing + step.unknown) * 1_000_000 / u64::from(step.eligible())).unwrap();
            let last = group.steps.last().unwrap();
            let mut course = vec![best];
            course.extend((worst.seeing != best).then_some(worst.seeing));
            course.extend((last.seeing != worst.seeing).then_some(last.seeing));
            let course: Vec<String> = course.iter().map(u32::to_string).collect();
            let row = words.iter().find(|(label, _)| {
                let kind = match group.role.word() {
                    "withdrawn" => "withdrawn",
                    "announced by another origin" => "other origin",
                    "covering route" => "covering",
                    "holds a service or name server" => "of services",
                    own => own,
                };
                **label == format!("{} {kind} {}", group.prefixes, group.family)
            });
            assert_eq!(*row.unwrap().1, format!("{} of {}", course.join("→"), last.eligible()), "{picture}");
            compared += 1;
        }
        let labels = [
            ("authority", "name servers"),
            ("resolver", "resolvers"),
            ("service_by_address", "services by IP"),
            ("service_by_name", "services by name"),
            ("status", "status reports"),
            ("control", "controls"),
        ];
        for lane in &timeline.layers {
            let layer = serde_json::to_value(lane.layer).unwrap();
            let label = labels.iter().find(|(name, _)| layer == *name).unwrap().1;
            let worst = lane.steps.iter().map(|step| step.failing).max().unwrap();
            assert_eq!(words[label], format!("{worst} of {} fail", lane.series), "{picture}");
            compared += 1;
        }
    }
    assert!(compared > 50, "{compared}");
}

/// `1-3,5` as numbers.
fn numbers(text: &str) -> Vec<usize> {
    let run = |run: &str| {
        let (first, last) = run.split_once('-').unwrap_or((run, run));
        first.parse::<usize>().unwrap()..=last.parse().unwrap()
    };
    text.split(',').flat_map(run).collect()
}

#[test]
fn every_step_of_the_chain_stands_at_its_moment_and_clocks_at_theirs() {
    let labs = ["A", "B", "D", "E", "H"].map(|case| ReportView::of(&lab(case), generated()));
    for view in labs.iter().chain([&META.view]) {
        let incident = &view.incidents[0];
        let window = &incident.timeline.window;
        for width in [60, 80, 100, 160] {
            let picture = plain(view, width);
            let begin = begin(&picture);
            let lines: Vec<&str> = picture.lines().collect();
            let axis = lines.iter().position(|line| line.contains('─')).unwrap();
            let row: Vec<char> = lines[axis].chars().skip(begin).collect();
            let column = |at: Timestamp| {
                let (part, whole) = (at.since(window.from).micros(), window.until.since(window.from).micros());
                usize::try_from(i128::from(part) * row.len() as i128 / i128::from(whole)).unwrap().min(row.len() - 1)
            };
            let mut told: Vec<usize> = lines[axis - 1].split_whitespace().skip(1).flat_map(numbers).collect();
            told.sort_unstable();
            assert_eq!(told, (1..=incident.chain.len()).collect::<Vec<_>>(), "each once: {picture}");
            let marked: Vec<usize> = (0..row.len()).filter(|column| row[*column] == '▲').collect();
            let mut expected: Vec<usize> = incident.chain.iter().map(|link| column(link.at.latest)).collect();
            expected.sort_unstable();
            expected.dedup();
            assert_eq!(marked, expected, "{picture}");
            let clocks = lines[axis + 1];
            for clock in clocks.split_whitespace().skip(1) {
                let seconds = if clock.len() == 5 { ":00" } else { "" };
                let at: Timestamp = format!("{}T{clock}{seconds}Z", &window.from.to_string()[..10]).parse().unwrap();
                let start = clocks.find(clock).unwrap() - begin;
                let tick = column(at);
                assert!((start..start + clock.len()).contains(&tick) && row[tick] != '─', "{clock} at {width}: {picture}");
            }
        }
    }
}

/// The line of a picture which is its axis.
fn axis(lines: &[&str]) -> usize {
    let axis = |line: &&str| line.trim_start().width() >= 20 && line.trim_start().chars().all(|c| "─┬▲-+^".contains(c));
    lines.iter().position(axis).unwrap()
}

/// What the key under the axis says of each number: `broke` or `back`, and the layer.
fn explained(key: &str) -> Vec<(usize, String, String)> {
    let (mut phase, mut layer, mut explained) = ("", "", Vec::new());
    for word in key.split_whitespace() {
        let bare = word.trim_end_matches([':', ';', ',']);
        match word.chars().next() {
            Some('0'..='9') => {
                explained.extend(numbers(bare).into_iter().map(|number| (number, phase.to_owned(), layer.to_owned())))
            }
            _ if word.ends_with(':') => phase = bare,
            _ => layer = bare,
        }
    }
    explained.sort_unstable();
    explained
}

/// An incident of more steps than any line can hold, and of few rows: 30 steps which break and 30 which come back, layers by turns.
fn of_many_steps() -> ReportView {
    let mut view = META.view.clone();
    view.incidents[0].timeline.groups.truncate(2);
    view.incidents[0].timeline.layers.truncate(2);
    let chain = &mut view.incidents[0].chain;
    let (first, last) = (chain[0].clone(), chain[chain.len() - 1].clone());
    let layers = [chain[0].layer, chain[1].layer];
    *chain = std::iter::repeat_n(first, 30).chain(std::iter::repeat_n(last, 30)).collect();
    chain.iter_mut().zip(layers.iter().cycle()).for_each(|(link, layer)| link.layer = *layer);
    view
}

#[test]
fn every_number_on_the_axis_is_explained_or_all_of_them_are_elsewhere() {
    let mut views = views();
    views.extend([("META 2021".to_owned(), META.view.clone()), ("many steps".to_owned(), of_many_steps())]);
    let mut elsewhere = BTreeMap::new();
    for (name, view) in views.iter().filter(|(_, view)| !view.incidents.is_empty()) {
        let chain = &view.incidents[0].chain;
        let phase = |link: &LinkView| if link.phase == Phase::Breaks { "broke" } else { "back" };
        let steps = (1..).zip(chain).map(|(number, link)| (number, phase(link).to_owned(), link.layer.word().to_owned()));
        let steps: Vec<(usize, String, String)> = steps.collect();
        for (width, glyphs) in (40..=160).flat_map(|width| [(width, Glyphs::Blocks), (width, Glyphs::Ascii)]) {
            let picture = report::timeline(view, width, false, glyphs);
            let lines: Vec<&str> = picture.lines().collect();
            let axis = axis(&lines);
            let flags = lines[axis - 1].trim_start_matches("chain").split_whitespace();
            let mut flags: Vec<usize> = flags.flat_map(numbers).collect();
            flags.sort_unstable();
            assert_eq!(flags, (1..=chain.len()).collect::<Vec<_>>(), "{name} at {width}: {picture}");
            let key: Vec<&str> = lines[axis + 2..].iter().copied().filter(|line| !line.contains(" not drawn: ")).collect();
            if key == [format!("numbers 1-{}: see the report's chain", chain.len())] {
                elsewhere.insert(name.as_str(), width);
            } else {
                assert_eq!(explained(&key.join(" ")), steps, "{name} at {width}: {picture}");
            }
        }
    }
    // Only where eight rows must stay, and have their labels above them: wider terminals have room for all of it.
    assert_eq!(elsewhere, BTreeMap::from([("META 2021", 59)]));
}

/// A line up to a column of the terminal, and from there; no letter may lie across it.
fn split(line: &str, column: usize) -> (&str, &str) {
    let place = (0..=line.len()).rev().filter(|place| line.is_char_boundary(*place)).find(|place| line[..*place].width() == column);
    line.split_at(place.unwrap_or_else(|| panic!("something lies across column {column}: {line}")))
}

#[test]
fn rows_begin_and_end_with_their_axis_whatever_their_names() {
    let wide = "路".repeat(40);
    let names =
        [HOSTILE, &wide, &format!("x{wide}"), "e\u{301}\u{301}", "\u{301}", "👩\u{200d}👩\u{200d}👧☎\u{fe0f}", "", "\u{1b}[1C"];
    let mut view = ReportView::of(&lab("D"), generated());
    let mut compared = 0;
    for name in names {
        let failing = view.incidents[0].timeline.lanes.iter_mut().filter(|lane| lane.steps.iter().any(|step| step.failing > 0));
        failing.for_each(|lane| lane.name = name.to_owned());
        for (width, glyphs) in (40..=160).flat_map(|width| [(width, Glyphs::Blocks), (width, Glyphs::Ascii)]) {
            let picture = report::timeline(&view, width, false, glyphs);
            let lines: Vec<&str> = picture.lines().collect();
            let axis = axis(&lines);
            let columns = lines[axis].trim_start().width();
            let begin = lines[axis].width() - columns;
            // Where labels stand above their rows, rows and axis begin in the first column.
            let legend = |line: &&str| line.starts_with("routes") || line.starts_with("probes");
            let rows = lines[1..axis - 1].iter().copied().filter(|line| !legend(line) && begin > 0);
            for row in rows {
                let (label, row) = split(row, begin);
                let (cells, words) = split(row, columns);
                assert!(label.ends_with(' '), "{name:?} at {width}: {picture}");
                assert!(cells.chars().all(|c| " █▁▂▃▄▅▆▇░▒▓·?#=-.".contains(c)), "{name:?} at {width}: {cells} in {picture}");
                assert!(
                    words.starts_with("  ") && words[2..].starts_with(|c: char| c.is_ascii_digit()),
                    "{name:?} at {width}: {picture}"
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 10_000, "{compared}");
}

#[test]
fn a_hostile_name_does_not_steer_the_terminal() {
    let mut view = ReportView::of(&lab("D"), generated());
    let failing = view.incidents[0].timeline.lanes.iter_mut().filter(|lane| lane.steps.iter().any(|step| step.failing > 0));
    failing.for_each(|lane| lane.name = HOSTILE.to_owned());
    for width in 40..=160 {
        for glyphs in [Glyphs::Blocks, Glyphs::Ascii] {
            let picture = report::timeline(&view, width, false, glyphs);
            assert!(!picture.chars().any(|c| c.is_control() && c != '\n'), "{picture:?}");
            assert!(!picture.contains(['\u{202e}', '\u{200b}']), "{picture:?}");
            assert!(picture.lines().all(|line| line.width() <= width), "{width}: {picture}");
            assert!(picture.lines().count() <= 24, "{width}: {picture}");
        }
    }
}

#[test]
fn of_many_rows_so_many_are_drawn_as_find_room_and_the_others_are_counted() {
    let mut view = ReportView::of(&lab("D"), generated());
    let timeline = &mut view.incidents[0].timeline;
    let ill = timeline.lanes.iter().find(|lane| lane.name == "127.0.0.1 at client-b").unwrap().clone();
    timeline.lanes.extend((0..2_000).map(|number| {
        let mut lane = ill.clone();
        lane.name = format!("resolver-{number}");
        lane
    }));
    for width in [40, 80, 120] {
        let picture = plain(&view, width);
        assert!(picture.lines().count() <= 24, "{picture}");
        let drawn =
            picture.lines().filter(|line| line.trim_start().starts_with("resolver-") || line.contains("at client-b")).count();
        let said = picture.lines().last().unwrap();
        let (count, _) = said.split_once(" rows not drawn: ").unwrap_or_else(|| panic!("{picture}"));
        assert!(count.replace(',', "").parse::<usize>().unwrap() >= 2_001 - drawn, "{picture}");
        assert!(picture.contains("controls") && picture.contains("withdrawn"), "what matters most stays: {picture}");
    }
}

#[test]
fn the_most_urgent_incident_is_drawn_and_where_there_is_nothing_that_is_said() {
    for (name, view) in &views() {
        let picture = plain(view, 100);
        let title = picture.lines().next().unwrap();
        match view.incidents.first() {
            Some(incident) => assert_eq!(title, format!("Timeline of incident 1: {}", incident.timeline.window.words), "{name}"),
            None => assert!(title.starts_with("Timeline of the recording: "), "{name}: {picture}"),
        }
        let routes = picture.contains("routes by AS and prefix");
        let probes = picture.contains("probes: · work");
        assert_eq!(
            routes,
            !picture.contains("no BGP recorded") && !picture.contains("nothing known of any prefix"),
            "{name}: {picture}"
        );
        assert_eq!(probes, !picture.contains("no probes recorded"), "{name}: {picture}");
    }
    let mut view = ReportView::of(&lab("C"), generated());
    view.timeline = None;
    assert_eq!(plain(&view, 80), "No timeline: nothing was recorded\n");
    // Of two, the one which is not over comes first.
    let mut view = ReportView::of(&lab("A"), generated());
    let mut other = view.incidents[0].clone();
    (other.number, other.open) = (2, true);
    view.incidents.push(other);
    assert!(plain(&view, 80).starts_with("Timeline of incident 2 of 2"), "{}", plain(&view, 80));
}

#[test]
fn the_program_draws_it_under_the_summary_as_its_locale_allows() {
    let run = |locale: &str, more: &[&str]| {
        let mut program = cargo_bin_cmd!("faultline");
        program.args(["analyze", "data/lab/lab.toml", "data/lab/A/mrt", "--timeline"]).args(more);
        program.env("LC_ALL", locale).output().unwrap()
    };
    let blocks = run("C.UTF-8", &[]);
    assert_eq!(blocks.status.code(), Some(1));
    let (summary, picture) = text(&blocks.stdout).split_once("\n\n").unwrap();
    assert!(summary.contains("proof") && picture.starts_with("Timeline of incident 1") && picture.contains('█'), "{picture}");
    let ascii = run("POSIX", &[]);
    let (_, picture) = text(&ascii.stdout).split_once("\n\n").unwrap();
    assert!(picture.is_ascii() && picture.contains('#') && picture.contains("24->0->24 of 24"), "{picture}");
    let json = run("C.UTF-8", &["--format", "json"]);
    assert!(serde_json::from_slice::<serde_json::Value>(&json.stdout).is_ok(), "nothing is drawn under JSON");
}
