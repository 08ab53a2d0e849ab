//! Words and numbers for people: one place, so that no two formats round or name a thing differently.

use crate::feed::FeedEvent;
use crate::incident::{Reason, ReasonCode};
use crate::observation::GapCause;
use crate::probe::{DnsKind, HttpKind, Outcome, ServiceStatus};
use crate::reachability::Layer;
use crate::report::view::place::RecordView;
use crate::source::FileKind;
use crate::time::{Bounds, Span, Timestamp};
use crate::visibility::Visibility;
use crate::withdrawal::Said;
use std::collections::BTreeSet;
use std::fmt::Display;

/// `2021-10-04 15:39:04`, cut to the second; UTC is said where it is used.
pub(crate) fn moment(at: Timestamp) -> String {
    at.in_words().trim_end_matches(" UTC").to_owned()
}

/// `15:39:04` on the given day, else with the date.
pub(super) fn clock(at: Timestamp, day: Timestamp) -> String {
    let whole = moment(at);
    match (whole.split_once(' '), moment(day).split_once(' ')) {
        (Some((date, time)), Some((today, _))) if date == today => time.to_owned(),
        _ => whole,
    }
}

/// A moment with its bounds, on the given day.
pub(super) fn bounds(when: Bounds, day: Timestamp) -> String {
    let latest = clock(not_before(when), day);
    if when.earliest == Timestamp::MIN {
        return format!("{latest} or before (never seen up before)");
    }
    if when.earliest.seconds() == when.latest.seconds() {
        return latest;
    }
    format!("{} to {latest}", clock(when.earliest, day))
}

/// The same, whole: with dates and the zone.
pub(super) fn bounds_whole(when: Bounds) -> String {
    if when.earliest == Timestamp::MIN {
        return format!("{} UTC or before (never seen up before)", moment(not_before(when)));
    }
    if when.earliest.seconds() == when.latest.seconds() {
        return format!("{} UTC", moment(when.latest));
    }
    format!("between {} and {} UTC", moment(when.earliest), clock(not_before(when), when.earliest))
}

/// The upper bound as a whole second: rounded up, or the truth might lie outside; within one second both are that second.
fn not_before(when: Bounds) -> Timestamp {
    if when.latest.micros() % 1_000_000 == 0 || when.earliest.seconds() == when.latest.seconds() {
        return when.latest;
    }
    Timestamp::from_parts(when.latest.seconds() + 1, 0)
}

/// A time which may not have come: a dash then.
pub(super) fn clock_or_dash(at: Option<Timestamp>, day: Timestamp) -> String {
    at.map_or_else(|| "–".to_owned(), |at| clock(at, day))
}

/// How long, cut to the second.
pub(crate) fn length(span: Span) -> String {
    Span::from_seconds(span.seconds()).to_string()
}

/// `rrc00/updates.20211004.1530.gz, record 389`: collectors name their files alike, so the folder is told.
pub(super) fn record(record: &RecordView) -> String {
    let name = record.file.rmatch_indices('/').nth(1).map_or(record.file.as_str(), |(place, _)| &record.file[place + 1..]);
    format!("{name}, record {}", record.record)
}

/// How long at most: rounded up to what [`Span`] shows, or the truth might be longer.
pub(super) fn length_at_most(span: Span) -> String {
    let unit = match span.seconds() {
        ..3_600 => 1,
        3_600..172_800 => 60,
        _ => 3_600,
    };
    let micros = unit * 1_000_000;
    length(Span::from_micros((span.micros() + micros - 1).div_euclid(micros) * micros))
}

/// `1,234 prefixes`, `1 prefix`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share in millionths: `66.6 %`, cut.
pub(super) fn percent(millionths: u64) -> String {
    match millionths {
        0..1_000 => "less than 0.1 %".to_owned(),
        _ => format!("{}.{} %", millionths / 10_000, millionths / 1_000 % 10),
    }
}

/// With a capital letter first.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A count of things as `u64`.
pub(super) fn size(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// `a, b, c and 4 more`; all of them if at most one more than `most`.
pub(super) fn some<T: Display>(items: impl IntoIterator<Item = T>, most: usize) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if items.len() <= most + 1 {
        return items.join(", ");
    }
    format!("{} and {} more", items[..most].join(", "), items.len() - most)
}

/// All of them.
pub(super) fn all<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

/// Numbers in order, each once, neighbours as a range: `1-3, 7, 9-10`.
pub(super) fn runs(numbers: impl IntoIterator<Item = u64>) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers.into_iter().collect::<BTreeSet<u64>>() {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    all(runs.into_iter().map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") }))
}

/// `seen by 3 of 40 ASes, lost by 36, unknown at 1`.
pub(super) fn visibility(visible: Visibility) -> String {
    let unknown = if visible.unknown > 0 { format!(", unknown at {}", visible.unknown) } else { String::new() };
    format!("seen by {} of {} ASes{unknown}", visible.seeing, visible.eligible())
}

/// What a layer is called.
pub(super) const fn layer(layer: Layer) -> &'static str {
    match layer {
        Layer::Resolver => "names through resolvers",
        Layer::Authority => "name servers asked directly",
        Layer::ServiceByAddress => "service at its addresses",
        Layer::ServiceByName => "service by name",
        Layer::Status => "status reports",
        Layer::Control => "controls",
    }
}

/// What a vantage point said.
pub(super) const fn said(said: Said) -> &'static str {
    match said {
        Said::Withdrew => "withdrew its route",
        Said::TreatedAsWithdraw => "sent a malformed UPDATE, treated as a withdraw (RFC 7606)",
        Said::AbsentFromTable => "had no route in its table",
        Said::Announced => "announced a route",
        Said::InTable => "had the route in its table",
        Said::BecameUnknown => "ceased to be believable (session lost, silent or not recorded)",
        Said::BelievedAgain => "is believed again, as before",
    }
}

/// A reason's code as the JSON form writes it: `NAME_SERVER_PREFIXES_LOST`.
pub(super) fn code(code: ReasonCode) -> String {
    let mut text = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_uppercase());
    }
    text
}

/// A reason with its code.
pub(super) fn reason(reason: &Reason) -> String {
    format!("{} ({})", reason.text, code(reason.code))
}

/// What a BGP file turned out to hold.
pub(super) const fn file_kind(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Unread => "not read",
        FileKind::Empty => "empty",
        FileKind::Updates => "updates",
        FileKind::Table => "table",
        FileKind::Mixed => "updates and table",
        FileKind::Ripestat => "RIPEstat",
        FileKind::RisLive => "RIS Live",
        FileKind::Bmp => "BMP",
        FileKind::NotBgp => "no BGP data",
        FileKind::Copy => "copy",
    }
}

/// What a vantage point did with a foreign route.
pub(super) const fn took(taken: bool) -> &'static str {
    if taken { "took the foreign route" } else { "dropped the foreign route" }
}

/// What happened to a feed.
pub(crate) const fn feed_event(event: FeedEvent) -> &'static str {
    match event {
        FeedEvent::SessionLost => "session lost: its routes count as unknown until told anew",
        FeedEvent::Silent => "silent: its routes count as unknown until it speaks again",
        FeedEvent::TableSentAgain => "sent its table again without a recorded session loss: the session must have been reset",
        FeedEvent::Gap(GapCause::MissingFile) => "nothing recorded: a file is missing from the sequence",
        FeedEvent::Gap(GapCause::DamagedFile) => "nothing recorded: a file could not be read to its end",
        FeedEvent::Gap(GapCause::Silence) => "nothing recorded: the collector fell silent",
        FeedEvent::Gap(GapCause::Disconnected) => "nothing recorded: the connection was lost",
    }
}

/// What came of an attempt, as it was recorded; nothing is judged.
pub(super) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Dns(dns) => {
            let said = match dns.kind {
                DnsKind::Answered => format!("answered {}", all(dns.answers.iter().map(|answer| &answer.data))),
                DnsKind::NoData => "NOERROR without an answer".to_owned(),
                DnsKind::NxDomain => "NXDOMAIN".to_owned(),
                DnsKind::ServFail => "SERVFAIL".to_owned(),
                DnsKind::Refused => "REFUSED".to_owned(),
                DnsKind::OtherRcode(code) => format!("response code {code}"),
                DnsKind::Timeout => "no answer in time".to_owned(),
                DnsKind::NetworkError => "network error".to_owned(),
                DnsKind::Malformed => "malformed answer".to_owned(),
            };
            let extended = |code| format!("{said}, extended error {code} ({})", extended_error(code));
            dns.extended_error.map_or_else(|| said.clone(), extended)
        }
        Outcome::Http(http) => match http.kind {
            HttpKind::Status(status) => format!("status {status}"),
            HttpKind::Connected => "connected".to_owned(),
            HttpKind::ConnectRefused => "connection refused".to_owned(),
            HttpKind::ConnectTimeout => "no answer to the connection attempt".to_owned(),
            HttpKind::Unreachable => "host or net unreachable".to_owned(),
            HttpKind::TlsFailed => "TLS handshake failed".to_owned(),
            HttpKind::ReadFailed => "connected, but no whole response in time".to_owned(),
            HttpKind::NameNotResolved => "name not resolved".to_owned(),
        },
        Outcome::Ping { answered: true } => "answered".to_owned(),
        Outcome::Ping { answered: false } => "no answer".to_owned(),
        Outcome::Status(ServiceStatus::Up) => "reported up".to_owned(),
        Outcome::Status(ServiceStatus::Degraded) => "reported degraded".to_owned(),
        Outcome::Status(ServiceStatus::Down) => "reported down".to_owned(),
    }
}

/// The name of an extended DNS error (RFC 8914 §4 and its registry).
pub(super) const fn extended_error(code: u16) -> &'static str {
    match code {
        0 => "other",
        1 => "unsupported DNSKEY algorithm",
        2 => "unsupported DS digest type",
        3 => "stale answer",
        4 => "forged answer",
        5 => "DNSSEC indeterminate",
        6 => "DNSSEC bogus",
        7 => "signature expired",
        8 => "signature not yet valid",
        9 => "DNSKEY missing",
        10 => "RRSIGs missing",
        11 => "no zone key bit set",
        12 => "NSEC missing",
        13 => "cached error",
        14 => "not ready",
        15 => "blocked",
        16 => "censored",
        17 => "filtered",
        18 => "prohibited",
        19 => "stale NXDOMAIN answer",
        20 => "not authoritative",
        21 => "not supported",
        22 => "no reachable authority",
        23 => "network error",
        24 => "invalid data",
        _ => "not in RFC 8914",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_whose_beginning_nobody_saw_is_told_in_words_and_not_as_a_date() {
        let at: Timestamp = "2021-10-04T15:50:00Z".parse().unwrap();
        let never_up = Bounds { earliest: Timestamp::MIN, latest: at };
        assert_eq!(bounds(never_up, at), "15:50:00 or before (never seen up before)");
        assert_eq!(bounds_whole(never_up), "2021-10-04 15:50:00 UTC or before (never seen up before)");
    }

    #[test]
    fn a_code_reads_as_in_json() {
        for known in [ReasonCode::NameServerPrefixesLost, ReasonCode::NoControls] {
            assert_eq!(serde_json::to_value(known).unwrap(), code(known));
        }
    }

    #[test]
    fn times_are_cut_to_the_second_and_name_another_day() {
        let at: Timestamp = "2021-10-04T23:59:59.999999Z".parse().unwrap();
        let next: Timestamp = "2021-10-05T00:00:01Z".parse().unwrap();
        assert_eq!(clock(at, at), "23:59:59");
        assert_eq!(clock(next, at), "2021-10-05 00:00:01");
        assert_eq!(bounds(Bounds::between(at, next), at), "23:59:59 to 2021-10-05 00:00:01");
    }

    #[test]
    fn neighbours_are_written_as_ranges_and_no_number_is_lost() {
        assert_eq!(runs([3, 1, 2, 7, 9, 10, 7]), "1-3, 7, 9-10");
        assert_eq!(runs([u64::MAX, 0]), "0, 18446744073709551615");
        assert_eq!(runs([]), "");
    }

    #[test]
    fn long_lists_say_how_many_more() {
        assert_eq!(some(1..=9, 3), "1, 2, 3 and 6 more");
        assert_eq!(some(1..=4, 3), "1, 2, 3, 4", "\"and 1 more\" is no shorter than the one");
        assert_eq!(count(1_234_567, "record", "records"), "1,234,567 records");
        assert_eq!(count(1, "record", "records"), "1 record");
    }
}
