//! The view of a roll-up: outages of organizations and of countries, the largest first. What nobody is known to hold comes last: it has nothing in common.

use super::place::lasted;
use crate::analysis::{GroupOutage, RollUp, Survey};
use crate::report::words;
use crate::time::{Bounds, Timestamp};
use crate::vantage::Asn;
use crate::withdrawal::Level;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Outages of organizations and countries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollUpView {
    /// The table which says who holds an AS.
    pub file: String,
    /// How many AS numbers are in it.
    pub listed: usize,
    /// Origins with an outage which are not in it, ascending: they are a group without a name.
    pub unlisted: Vec<Asn>,
    /// What is not in it, in a sentence.
    pub sentence: String,
    /// By organization, the largest first: by prefixes; those without a name last.
    pub organizations: Vec<GroupOutageView>,
    /// By country, the largest first: by prefixes; those without a name last.
    pub countries: Vec<GroupOutageView>,
}

/// Outages of origins of one organization or country which belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupOutageView {
    /// The organization or country; `null` for origins of which the table does not tell it.
    pub name: Option<String>,
    /// Origins concerned, ascending; `null` for prefixes whose origin was never seen.
    pub origins: Vec<Option<Asn>>,
    /// Prefixes withdrawn, each counted once.
    pub prefix_count: usize,
    /// Prefixes of the organization or country ever seen in the input.
    pub prefixes_seen: usize,
    /// The share of them which was withdrawn, in millionths.
    #[schemars(extend("maximum" = 1_000_000))]
    pub share_millionths: u64,
    /// The same in words.
    pub size: String,
    /// The worst level held.
    pub level: Level,
    /// When the first onset was.
    pub began: Timestamp,
    /// When the last prefix was back; `null` if one was not.
    pub ended: Option<Timestamp>,
    /// How long it lasted, or lasts at least.
    pub lasted: String,
    /// Which of the `outages` of origins belong to it: their places there, from 0.
    pub outages: Vec<usize>,
}

impl RollUpView {
    /// Makes the view. `places` are where the survey's outages stand in its own view.
    pub(super) fn of(roll_up: &RollUp, survey: &Survey, places: &[usize]) -> Self {
        let views = |groups: &[GroupOutage]| {
            let mut views: Vec<GroupOutageView> = groups.iter().map(|group| GroupOutageView::of(group, survey, places)).collect();
            views.sort_by(|one, other| one.rank().cmp(&other.rank()));
            views
        };
        RollUpView {
            file: roll_up.file.display().to_string(),
            listed: roll_up.listed,
            unlisted: roll_up.unlisted.iter().copied().collect(),
            sentence: sentence(roll_up),
            organizations: views(&roll_up.organizations),
            countries: views(&roll_up.countries),
        }
    }
}

fn sentence(roll_up: &RollUp) -> String {
    let file = roll_up.file.display();
    let listed = words::count(words::size(roll_up.listed), "AS", "ASes");
    if roll_up.unlisted.is_empty() {
        return format!("{file} lists {listed}; every origin with an outage is in it.");
    }
    let count = words::count(words::size(roll_up.unlisted.len()), "origin", "origins");
    format!("{file} lists {listed}. {count} with an outage not in it, taken as one group: {}.", words::some(&roll_up.unlisted, 4))
}

impl GroupOutageView {
    fn of(group: &GroupOutage, survey: &Survey, places: &[usize]) -> Self {
        let outages = || group.outages.iter().map(|outage| &survey.outages[*outage]);
        let origins: BTreeSet<Option<Asn>> = outages().map(|outage| outage.origin).collect();
        let withdrawals = outages().flat_map(|outage| &outage.withdrawals).map(|place| &survey.routing.withdrawals[*place]);
        let (prefix_count, prefixes_seen) = (group.prefix_count, group.prefixes_seen);
        let share_millionths = words::size(prefix_count) * 1_000_000 / words::size(prefixes_seen).max(1);
        let (part, whole) = (words::grouped(words::size(prefix_count)), words::grouped(words::size(prefixes_seen)));
        let mut places: Vec<usize> = group.outages.iter().map(|outage| places[*outage]).collect();
        places.sort_unstable();
        GroupOutageView {
            name: group.name.as_deref().map(str::to_owned),
            origins: origins.into_iter().collect(),
            prefix_count,
            prefixes_seen,
            share_millionths,
            size: format!("{part} of {whole} ({})", words::percent(share_millionths)),
            level: withdrawals.map(|withdrawal| withdrawal.level).max().unwrap_or(Level::Major),
            began: group.began,
            ended: group.ended,
            lasted: lasted(Bounds::exact(group.began), group.ended.map(Bounds::exact), survey.routing.last),
            outages: places,
        }
    }

    /// Its name as it is shown.
    pub(in crate::report) fn shown_name(&self) -> &str {
        self.name.as_deref().unwrap_or("not in the table")
    }

    /// Its ASes as they are shown.
    pub(in crate::report) fn shown_origins(&self, most: usize) -> String {
        words::some(self.origins.iter().map(|origin| origin.map_or("unknown".to_owned(), |origin| origin.to_string())), most)
    }

    fn rank(&self) -> impl Ord {
        (self.name.is_none(), Reverse(self.prefix_count), self.began, self.name.clone())
    }
}
