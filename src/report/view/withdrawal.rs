//! Withdrawals as reports show them: every time, who could tell, what was left, and every statement behind it.

use super::place::{Files, When, lasted};
use crate::report::words;
use crate::rib::Rib;
use crate::time::{Bounds, Timestamp};
use crate::vantage::{Asn, Vantages};
use crate::visibility::Visibility;
use crate::withdrawal::{Cover, Level, Said, Statement, Withdrawal};
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// One withdrawal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawalView {
    /// The prefix.
    pub prefix: String,
    /// What the profile calls it.
    pub label: Option<String>,
    /// ASes which originated it.
    pub origins: Vec<Asn>,
    /// The worst level held.
    pub level: Level,
    /// The share which counted as usual, such as `100.0 %`.
    pub baseline: String,
    /// The same in millionths.
    #[schemars(range(max = 1_000_000))]
    pub baseline_millionths: u32,
    /// True if some eligible vantage point had no table dump: its state is inferred from updates.
    pub inferred_state: bool,
    /// The first withdraw statement of the run.
    pub first_statement: Timestamp,
    /// The change point before the crossing.
    pub onset: When,
    /// When each level was crossed for good.
    pub crossed: Crossings,
    /// When its first level had held long enough.
    pub opened: Timestamp,
    /// When fewest saw it.
    pub trough: MomentView,
    /// First announcement after the trough.
    pub first_back: Option<Timestamp>,
    /// Back at the opening threshold for good.
    pub back_at_open: Option<Timestamp>,
    /// Back at the closing threshold for good.
    pub recovered: Option<When>,
    /// When recovery had held long enough.
    pub closed: Option<Timestamp>,
    /// How long it lasted, or lasts at least.
    pub lasted: String,
    /// ASes which lost it late.
    pub stragglers: Vec<StragglerView>,
    /// ASes which still saw it long after everybody else had lost it.
    pub zombies: Vec<Asn>,
    /// The covering route which was left.
    pub cover: Option<CoverView>,
    /// False if no table was known, so that a covering route may have been there unseen.
    pub covers_known: bool,
    /// Every covering route seen when it was decided, longest first, those withdrawn meanwhile included.
    pub covers: Vec<CoverView>,
    /// What was left for traffic, in a sentence.
    pub route_left: String,
    /// ASes which had lost it at the trough.
    pub lost_by: Vec<Asn>,
    /// ASes which all lost paths share and no surviving path has.
    pub common_transit: Vec<Asn>,
    /// Every statement, in time order.
    pub statements: Vec<StatementView>,
}

/// When each level was first crossed for good; `null` if it was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Crossings {
    /// Below the setting `warn_percent`.
    pub partial: Option<Timestamp>,
    /// Below `open_percent`.
    pub major: Option<Timestamp>,
    /// Below `critical_percent`.
    pub full: Option<Timestamp>,
}

/// Visibility at a moment; never without its denominator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MomentView {
    /// When.
    pub at: Timestamp,
    /// ASes which had a route.
    pub seeing: u32,
    /// ASes which had none.
    pub lost: u32,
    /// ASes of which it could not be told.
    pub unknown: u32,
    /// All of them: the denominator.
    pub eligible: u32,
    /// For people.
    pub words: String,
}

/// An AS which lost the route late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StragglerView {
    /// The AS.
    pub asn: Asn,
    /// When it lost the route.
    pub at: Timestamp,
}

/// The covering route which was left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CoverView {
    /// The less specific prefix.
    pub prefix: String,
    /// ASes which originate it.
    pub origins: Vec<Asn>,
    /// ASes which saw it when the withdrawal was decided.
    pub seeing: u32,
    /// Of so many.
    pub eligible: u32,
}

/// One statement of one vantage point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementView {
    /// When.
    pub at: Timestamp,
    /// Who: a name of `completeness.peers`.
    pub vantage: String,
    /// What it said.
    pub said: Said,
    /// The AS path of the route then, or of the last one; `null` if none was kept.
    pub path: Option<String>,
    /// The file; `null` for silence, which stands nowhere.
    pub file: Option<String>,
    /// The record in it, from 1.
    pub record: Option<u64>,
}

/// Withdrawals which look alike: the same onset to the second, level and cover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawalGroup {
    /// The prefixes.
    pub prefixes: Vec<String>,
    /// The earliest onset and the latest.
    pub onset: When,
    /// The level.
    pub level: Level,
    /// Fewest which saw one of them.
    pub trough: MomentView,
    /// What was left for traffic.
    pub route_left: String,
    /// When the last of them had recovered; `null` if one has not.
    pub recovered: Option<When>,
}

/// What withdrawals are shown with.
pub(in crate::report) struct Witnesses<'a> {
    /// Names of vantage points.
    pub vantages: &'a Vantages,
    /// Paths.
    pub rib: &'a Rib,
    /// Files.
    pub files: &'a Files,
    /// What the profile calls its prefixes.
    pub labels: HashMap<IpNet, &'a str>,
    /// The recording: its beginning and its end.
    pub recorded: (Timestamp, Timestamp),
    /// The end of what was recorded of BGP.
    pub bgp_until: Timestamp,
}

impl MomentView {
    pub(in crate::report) fn of(at: Timestamp, visible: Visibility) -> Self {
        let Visibility { seeing, lost, unknown } = visible;
        MomentView { at, seeing, lost, unknown, eligible: visible.eligible(), words: words::visibility(visible) }
    }
}

impl WithdrawalView {
    pub(in crate::report) fn of(withdrawal: &Withdrawal, witnesses: &Witnesses<'_>) -> Self {
        WithdrawalView {
            prefix: withdrawal.prefix.to_string(),
            label: witnesses.labels.get(&withdrawal.prefix).map(|label| (*label).to_owned()),
            origins: withdrawal.origins.clone(),
            level: withdrawal.level,
            baseline: withdrawal.baseline.to_string(),
            baseline_millionths: withdrawal.baseline.millionths(),
            inferred_state: withdrawal.inferred,
            first_statement: withdrawal.first_statement,
            onset: When::of(withdrawal.onset),
            crossed: {
                let [partial, major, full] = withdrawal.crossed;
                Crossings { partial, major, full }
            },
            opened: withdrawal.opened,
            trough: MomentView::of(withdrawal.trough.at, withdrawal.trough.visibility),
            first_back: withdrawal.first_back,
            back_at_open: withdrawal.back_at_open,
            recovered: withdrawal.recovery().map(When::of),
            closed: withdrawal.closed,
            lasted: lasted(withdrawal.onset, withdrawal.recovery(), witnesses.bgp_until),
            stragglers: withdrawal.stragglers.iter().map(|late| StragglerView { asn: late.asn, at: late.at }).collect(),
            zombies: withdrawal.zombies.clone(),
            cover: withdrawal.cover.as_ref().map(CoverView::of),
            covers_known: withdrawal.covers_known,
            covers: withdrawal.covers.iter().map(CoverView::of).collect(),
            route_left: route_left(withdrawal),
            lost_by: withdrawal.lost_by.clone(),
            common_transit: withdrawal.common_transit.clone(),
            statements: withdrawal.evidence.iter().map(|statement| StatementView::of(statement, witnesses)).collect(),
        }
    }
}

impl CoverView {
    fn of(cover: &Cover) -> Self {
        CoverView {
            prefix: cover.prefix.to_string(),
            origins: cover.origins.clone(),
            seeing: cover.visibility.seeing,
            eligible: cover.visibility.eligible(),
        }
    }
}

impl StatementView {
    fn of(statement: &Statement, witnesses: &Witnesses<'_>) -> Self {
        let path = statement.route.map(|route| path(&witnesses.rib.route_of(route).path));
        let (file, record) = witnesses.files.place(statement.source);
        let vantage = witnesses.vantages.point(statement.from).to_string();
        StatementView { at: statement.at, vantage, said: statement.said, path, file, record }
    }
}

/// Groups withdrawals which look alike, in order of onset.
pub(in crate::report) fn groups(withdrawals: &[Withdrawal]) -> Vec<WithdrawalGroup> {
    let mut alike: BTreeMap<_, Vec<&Withdrawal>> = BTreeMap::new();
    for withdrawal in withdrawals {
        let cover = withdrawal.cover.as_ref().map(|cover| cover.prefix);
        alike.entry((withdrawal.onset.latest.seconds(), withdrawal.level, cover)).or_default().push(withdrawal);
    }
    alike.into_values().filter_map(|group| grouped(&group)).collect()
}

fn grouped(group: &[&Withdrawal]) -> Option<WithdrawalGroup> {
    let first = group.first()?;
    let worst = group.iter().min_by_key(|withdrawal| (withdrawal.trough.visibility.upper(), withdrawal.trough.at))?;
    let onset = group.iter().fold(first.onset, |onset, withdrawal| Bounds {
        earliest: onset.earliest.min(withdrawal.onset.earliest),
        latest: onset.latest.max(withdrawal.onset.latest),
    });
    let cover = group.iter().min_by_key(|withdrawal| withdrawal.cover.as_ref().map(|cover| cover.visibility.seeing))?;
    let ends: Option<Vec<Bounds>> = group.iter().map(|withdrawal| withdrawal.recovery()).collect();
    Some(WithdrawalGroup {
        prefixes: group.iter().map(|withdrawal| withdrawal.prefix.to_string()).collect(),
        onset: When::of(onset),
        level: first.level,
        trough: MomentView::of(worst.trough.at, worst.trough.visibility),
        route_left: route_left(cover),
        recovered: ends.and_then(Bounds::last_of).map(When::of),
    })
}

/// Where no table was known, silence about a covering route proves nothing.
const NOT_KNOWN: &str = "whether a covering route was left is not known: no table dump, and none was announced meanwhile";

/// "No route" and "still covered" are different sentences.
pub(super) fn route_left(withdrawal: &Withdrawal) -> String {
    match (&withdrawal.cover, withdrawal.trough.visibility.seeing) {
        (Some(cover), _) => format!(
            "still covered by {}, {}: traffic is drawn there and may die",
            cover.prefix,
            words::visibility(cover.visibility)
        ),
        (None, _) if !withdrawal.covers.is_empty() => {
            let covers = words::some(withdrawal.covers.iter().map(|cover| cover.prefix), 3);
            format!("no route: what covered it was withdrawn too ({covers})")
        }
        (None, _) if !withdrawal.covers_known => NOT_KNOWN.to_owned(),
        (None, 0) => "no route: no covering route was seen".to_owned(),
        (None, _) => "no route where it was lost: no covering route was seen".to_owned(),
    }
}

fn path(path: &[Asn]) -> String {
    path.iter().map(|asn| asn.0.to_string()).collect::<Vec<_>>().join(" ")
}
