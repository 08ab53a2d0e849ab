//! Who saw a prefix, step by step.

use super::{end_of_bgp, windowed};
use crate::analysis::Analysis;
use crate::time::Timestamp;
use crate::vantage::Family;
use crate::visibility::Visibility;
use crate::withdrawal::Withdrawal;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The visibility of one prefix in the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VisibilitySeries {
    /// The prefix.
    pub prefix: String,
    /// What the profile calls it.
    pub label: Option<String>,
    /// Why it is shown.
    pub role: Role,
    /// The share which counted as usual, in millionths; `null` if it was not withdrawn.
    pub baseline_millionths: Option<u32>,
    /// Below this share an incident opens, in millionths; `null` if it was not withdrawn.
    pub open_below_millionths: Option<u64>,
    /// From its first step on; empty if nothing was ever said of it.
    pub steps: Vec<VisibilityStep>,
}

/// The visibility of several prefixes of one kind and family together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupSeries {
    /// Why they are shown.
    pub role: Role,
    /// Their family.
    pub family: Family,
    /// How many of them were ever spoken of.
    pub prefixes: u32,
    /// Summed over the prefixes: an AS counts once for each.
    pub steps: Vec<VisibilityStep>,
}

/// Why a prefix is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It was withdrawn.
    Withdrawn,
    /// Another origin announced it.
    Foreign,
    /// It is the organization's, or a more specific of one which is.
    Own,
    /// It covers one of these.
    Cover,
    /// A service or name server has its address in it.
    Dependency,
}

/// Who saw a prefix from here on; never without its denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VisibilityStep {
    /// From when on.
    pub at: Timestamp,
    /// ASes which have a route.
    pub seeing: u32,
    /// ASes which have none.
    pub lost: u32,
    /// ASes of which it cannot be told.
    pub unknown: u32,
}

impl Role {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Role::Withdrawn => "withdrawn",
            Role::Foreign => "announced by another origin",
            Role::Own => "own",
            Role::Cover => "covering route",
            Role::Dependency => "holds a service or name server",
        }
    }
}

impl VisibilityStep {
    /// The denominator.
    pub const fn eligible(&self) -> u32 {
        self.seeing + self.lost + self.unknown
    }
}

/// The series by role and family, summed, in the order in which each first stands.
pub(super) fn groups(all: &[VisibilitySeries]) -> Vec<GroupSeries> {
    let mut groups: Vec<((Role, Family), Vec<&VisibilitySeries>)> = Vec::new();
    for series in all.iter().filter(|series| !series.steps.is_empty()) {
        let key = (series.role, if series.prefix.contains(':') { Family::Ipv6 } else { Family::Ipv4 });
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, members)) => members.push(series),
            None => groups.push((key, vec![series])),
        }
    }
    let group = |((role, family), members): ((Role, Family), Vec<&VisibilitySeries>)| GroupSeries {
        role,
        family,
        prefixes: u32::try_from(members.len()).unwrap_or(u32::MAX),
        steps: summed(&members),
    };
    groups.into_iter().map(group).collect()
}

fn summed(members: &[&VisibilitySeries]) -> Vec<VisibilityStep> {
    let mut steps: Vec<(usize, &VisibilityStep)> =
        members.iter().enumerate().flat_map(|(member, series)| series.steps.iter().map(move |step| (member, step))).collect();
    steps.sort_by_key(|(_, step)| step.at);
    // Before the first word about a prefix nothing is known of it, while others of the group are drawn.
    let first = |series: &&VisibilitySeries| series.steps.first().map_or(0, VisibilityStep::eligible);
    let mut now: Vec<(u32, u32, u32)> = members.iter().map(|series| (0, 0, first(series))).collect();
    let (mut seeing, mut lost, mut unknown) = (0, 0, now.iter().map(|(.., unknown)| unknown).sum::<u32>());
    let mut sums: Vec<VisibilityStep> = Vec::new();
    for (member, step) in steps {
        let before = std::mem::replace(&mut now[member], (step.seeing, step.lost, step.unknown));
        (seeing, lost, unknown) = (seeing + step.seeing - before.0, lost + step.lost - before.1, unknown + step.unknown - before.2);
        let sum = VisibilityStep { at: step.at, seeing, lost, unknown };
        match sums.last_mut() {
            Some(last) if last.at == step.at => *last = sum,
            _ => sums.push(sum),
        }
    }
    sums
}

/// A series for each of these prefixes, in their order.
pub(super) fn series(shown: &[(IpNet, Role)], analysis: &Analysis, window: (Timestamp, Timestamp)) -> Vec<VisibilitySeries> {
    let routing = &analysis.routing;
    let mut changes: HashMap<_, Vec<_>> = HashMap::new();
    for (prefix, _) in shown {
        if let Some(id) = routing.rib.id_of(prefix) {
            changes.insert(id, Vec::new());
        }
    }
    for change in &routing.log.visibility {
        if let Some(steps) = changes.get_mut(&change.prefix) {
            steps.push((change.at, change.now));
        }
    }
    // The first withdrawal of each prefix which concerns this time.
    let mut lost: HashMap<IpNet, &Withdrawal> = HashMap::new();
    for withdrawal in routing.withdrawals.iter().filter(|lost| lost.onset.latest <= window.1) {
        lost.entry(withdrawal.prefix).or_insert(withdrawal);
    }
    let labels = analysis.organization.labels();
    let one = |(prefix, role): &(IpNet, Role)| {
        let steps = routing.rib.id_of(prefix).and_then(|id| changes.remove(&id)).unwrap_or_default();
        // Before anybody was eligible there is nothing to show.
        let steps = steps.into_iter().skip_while(|(_, now)| now.eligible() == 0);
        let last = end_of_bgp(analysis, window);
        let mut steps: Vec<(Timestamp, Visibility)> = steps.collect();
        if let (Some(at), Some((_, now))) = (last, steps.last().copied()) {
            steps.push((at, Visibility { seeing: 0, lost: 0, unknown: now.eligible() }));
        }
        let steps = windowed(steps, window).into_iter();
        let baseline = lost.get(prefix).map(|lost| lost.baseline.millionths());
        let open = u64::from(analysis.organization.settings.open_percent);
        VisibilitySeries {
            prefix: prefix.to_string(),
            label: labels.get(prefix).map(|label| (*label).to_owned()),
            role: *role,
            baseline_millionths: baseline,
            open_below_millionths: baseline.map(|baseline| u64::from(baseline) * open / 100),
            steps: steps.map(|(at, now)| VisibilityStep { at, seeing: now.seeing, lost: now.lost, unknown: now.unknown }).collect(),
        }
    };
    shown.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_the_sum_of_its_prefixes_at_every_time() {
        let step = |seconds, seeing, lost| VisibilityStep { at: Timestamp::from_parts(seconds, 0), seeing, lost, unknown: 0 };
        let series = |prefix: &str, role, steps| VisibilitySeries {
            prefix: prefix.to_owned(),
            label: None,
            role,
            baseline_millionths: None,
            open_below_millionths: None,
            steps,
        };
        let all = [
            series("192.0.2.0/24", Role::Withdrawn, vec![step(0, 6, 0), step(5, 0, 6)]),
            series("2001:db8::/32", Role::Withdrawn, vec![step(0, 4, 0)]),
            series("198.51.100.0/24", Role::Withdrawn, vec![step(0, 5, 0), step(5, 1, 4), step(7, 5, 0)]),
            series("203.0.113.0/24", Role::Withdrawn, Vec::new()),
        ];
        let groups = groups(&all);
        assert_eq!(groups.iter().map(|group| group.prefixes).collect::<Vec<_>>(), [2, 1], "what was never seen is not counted");
        assert_eq!(groups[0].steps, [step(0, 11, 0), step(5, 1, 10), step(7, 5, 6)]);
        let late =
            [series("192.0.2.0/24", Role::Own, vec![step(0, 6, 0)]), series("198.51.100.0/24", Role::Own, vec![step(9, 4, 1)])];
        let unknown = VisibilityStep { unknown: 5, ..step(0, 6, 0) };
        assert_eq!(super::groups(&late)[0].steps, [unknown, step(9, 10, 1)], "nothing is known before the first word");
    }
}
