//! The collectors whose archives are public, by name.
//!
//! Takes a name; gives the project which publishes its archive, or the nearest name there is. The list is data, and of a day: a collector which
//! opened later is not in it. Collectors which have closed are, since their archives stay.

use crate::time::Timestamp;

/// When the list was read, from that of bgpkit-broker (`src/collector.rs`), which follows the two projects' own.
pub const LISTED_ON: &str = "2026-11-28";

/// Who publishes archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Project {
    /// RIPE RIS.
    Ris,
    /// RouteViews.
    RouteViews,
}

/// RIS wrote a file every 15 minutes until this day, and every 5 since (RIS raw data documentation).
pub const RIS_FIVE_MINUTES: Timestamp = Timestamp::from_parts(1_058_918_400, 0);

/// RIS collectors have numbers; these have never been given.
const RIS_LAST: u8 = 26;
const RIS_NEVER: u8 = 17;

/// The collectors of RouteViews; the oldest names begin with `route-views`, the newer ones are exchange and city.
const ROUTE_VIEWS: &[&str] = &[
    "amsix.ams",
    "cix.atl",
    "crix.sjo",
    "decix.fra",
    "decix.jhb",
    "getafix.mnl",
    "hkix.hkg",
    "iix.cgk",
    "interlan.otp",
    "iraq-ixp.bgw",
    "ix-br.gru",
    "ix-br2.gru",
    "ixpn.lagos",
    "kinx.icn",
    "namex.fco",
    "netnod.mmx",
    "pacwave.lax",
    "pit.scl",
    "pitmx.qro",
    "route-views.amsix",
    "route-views.bdix",
    "route-views.bknix",
    "route-views.chicago",
    "route-views.chile",
    "route-views.eqix",
    "route-views.flix",
    "route-views.fortaleza",
    "route-views.gixa",
    "route-views.gorex",
    "route-views.isc",
    "route-views.jinx",
    "route-views.kixp",
    "route-views.linx",
    "route-views.mwix",
    "route-views.napafrica",
    "route-views.nwax",
    "route-views.ny",
    "route-views.perth",
    "route-views.peru",
    "route-views.phoix",
    "route-views.rio",
    "route-views.saopaulo",
    "route-views.sfmix",
    "route-views.sg",
    "route-views.siex",
    "route-views.soxrs",
    "route-views.sydney",
    "route-views.telxatl",
    "route-views.uaeix",
    "route-views.wide",
    "route-views2",
    "route-views2.saopaulo",
    "route-views3",
    "route-views4",
    "route-views5",
    "route-views6",
    "route-views7",
    "route-views8",
];

/// Who publishes the archive of the collector; `None` if it is not in the list.
pub fn project_of(name: &str) -> Option<Project> {
    if ROUTE_VIEWS.contains(&name) {
        return Some(Project::RouteViews);
    }
    let number: u8 = name
        .strip_prefix("rrc")
        .filter(|digits| digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit()))?
        .parse()
        .ok()?;
    (number <= RIS_LAST && number != RIS_NEVER).then_some(Project::Ris)
}

/// Every name, RIS first.
pub fn names() -> Vec<String> {
    let ris = (0..=RIS_LAST).filter(|number| *number != RIS_NEVER).map(|number| format!("rrc{number:02}"));
    ris.chain(ROUTE_VIEWS.iter().map(|name| (*name).to_owned())).collect()
}

/// The name in the list which was probably meant: one which ends as it does (`linx` for `route-views.linx`), or differs in few letters.
pub fn nearest(name: &str) -> Option<String> {
    let name = name.to_lowercase();
    let names = names();
    let tail =
        |known: &&String| !name.is_empty() && known.rsplit('.').next() == Some(&name) || known.split('.').next() == Some(&name);
    if let Some(known) = names.iter().find(tail) {
        return Some(known.clone());
    }
    let allowed = (name.chars().count() / 3).clamp(1, 3);
    let near = names.into_iter().map(|known| (distance(&name, &known), known));
    near.filter(|(distance, _)| *distance <= allowed).min().map(|(_, known)| known)
}

/// Edit distance (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut before = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let best = (before + usize::from(from != *to)).min(row[j] + 1).min(row[j + 1] + 1);
            before = std::mem::replace(&mut row[j + 1], best);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_who_publishes_them() {
        for (name, project) in [
            ("rrc00", Some(Project::Ris)),
            ("rrc26", Some(Project::Ris)),
            ("rrc17", None),
            ("rrc27", None),
            ("rrc0", None),
            ("rrc+1", None),
            ("route-views2", Some(Project::RouteViews)),
            ("route-views.linx", Some(Project::RouteViews)),
            ("decix.fra", Some(Project::RouteViews)),
            ("../rrc00", None),
        ] {
            assert_eq!(project_of(name), project, "{name}");
        }
        assert!(names().iter().all(|name| project_of(name).is_some()));
        assert!(ROUTE_VIEWS.is_sorted());
    }

    #[test]
    fn a_slip_is_answered_with_the_name_meant() {
        for (slip, meant) in [
            ("rcc00", Some("rrc00")),
            ("RRC05", Some("rrc05")),
            ("linx", Some("route-views.linx")),
            ("routeviews2", Some("route-views2")),
            ("route-views.lynx", Some("route-views.linx")),
            ("fra", Some("decix.fra")),
            ("my-own-collector", None),
        ] {
            assert_eq!(nearest(slip).as_deref(), meant, "{slip}");
        }
    }
}
