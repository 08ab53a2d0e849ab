//! The view of a survey: outages of every origin, the largest first.

use super::completeness::CompletenessView;
use super::place::{Files, Period, lasted};
use super::roll_up::RollUpView;
use super::timeline::WithdrawnStep;
use super::withdrawal::MomentView;
use super::{OutcomeView, VERSION};
use crate::analysis::{OriginOutage, Outcome, Survey, Withdrawn};
use crate::report::{Shown, words};
use crate::settings::{SettingInForce, Settings};
use crate::time::{Bounds, Timestamp};
use crate::vantage::{Asn, VantageId};
use crate::withdrawal::{Level, Said, Withdrawal};
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Everything a survey shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "faultline-survey")]
pub struct SurveyView {
    /// Always `faultline-survey`.
    #[schemars(extend("const" = Self::FORMAT))]
    pub format: Cow<'static, str>,
    /// Of the format.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// When this was made.
    pub generated_at: Timestamp,
    /// What was recorded; `null` if nothing.
    pub recorded_bgp: Option<Period>,
    /// What it comes to.
    pub outcome: OutcomeView,
    /// Why the absence of an outage would prove nothing.
    pub doubts: Vec<String>,
    /// The largest first: by prefixes, then by peers which lost them.
    pub outages: Vec<OutageView>,
    /// The same by organization and country; not there if no table said who holds an AS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "RollUpView")]
    pub roll_up: Option<RollUpView>,
    /// How complete the data was.
    pub completeness: CompletenessView,
    /// The thresholds in force.
    pub settings: Vec<SettingInForce>,
}

/// Prefixes of one origin which were withdrawn together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutageView {
    /// The origin; `null` for prefixes whose origin was never seen.
    pub origin: Option<Asn>,
    /// How many prefixes.
    pub prefix_count: usize,
    /// When the first onset was.
    pub began: Timestamp,
    /// When the last prefix was back; `null` if one was not.
    pub ended: Option<Timestamp>,
    /// How long it lasted, or lasts at least.
    pub lasted: String,
    /// The most ASes which had lost one of them at a time, with the denominator.
    pub trough: MomentView,
    /// The most vantage points which had lost one of them at its trough.
    pub peers_lost: usize,
    /// How many of its prefixes were withdrawn, from their onsets to their recoveries.
    pub steps: Vec<WithdrawnStep>,
    /// Every prefix, in order of onset.
    pub prefixes: Vec<OutagePrefix>,
}

/// One prefix of an outage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutagePrefix {
    /// The prefix.
    pub prefix: String,
    /// The worst level held.
    pub level: Level,
    /// Onset.
    pub onset: Timestamp,
    /// Recovery.
    pub recovered: Option<Timestamp>,
    /// When fewest saw it.
    pub trough: MomentView,
    /// Vantage points which had lost it then.
    pub peers_lost: usize,
    /// The covering route which was left.
    pub cover: Option<String>,
    /// Statements behind it.
    pub statements: usize,
}

impl SurveyView {
    /// Makes the view.
    pub fn of(survey: &Survey, generated: Timestamp) -> SurveyView {
        let prefixes: Vec<OutagePrefix> = survey.routing.withdrawals.iter().map(OutagePrefix::of).collect();
        let (outages, places) = in_order(&survey.outages, &prefixes, survey.routing.last);
        let roll_up = survey.roll_up.as_ref().map(|roll_up| RollUpView::of(roll_up, survey, &places));
        SurveyView { outages, roll_up, outcome: Self::outcome_of(survey), ..Self::without_outages(survey, generated) }
    }

    /// Makes the view of what [shares](crate::scope::Share) found which are all there is, whatever their order: it is the same as if one had found it. `None` without
    /// any.
    pub fn joined(shares: Vec<SurveyShare>, settings: &Settings) -> Option<SurveyView> {
        let (mut view, mut withdrawals) = (None, Vec::new());
        for share in shares {
            withdrawals.extend(share.withdrawals);
            view.get_or_insert((share.view, share.last));
        }
        let (view, last): (SurveyView, Timestamp) = view?;
        withdrawals.sort_by_key(|ShareOfWithdrawals { withdrawn, net, .. }| (withdrawn.onset, *net));
        let found = Survey::outages_of(withdrawals.iter().map(|withdrawal| withdrawal.withdrawn), settings);
        let prefixes: Vec<OutagePrefix> = withdrawals.into_iter().map(|withdrawal| withdrawal.prefix).collect();
        let outcome = Self::outcome(found.len(), &view.doubts);
        Some(SurveyView { outages: in_order(&found, &prefixes, last).0, outcome, ..view })
    }

    fn without_outages(survey: &Survey, generated: Timestamp) -> SurveyView {
        let routing = &survey.routing;
        let files = Files::bgp(&survey.bgp_files);
        SurveyView {
            format: Self::FORMAT.into(),
            version: VERSION,
            generated_at: generated,
            recorded_bgp: routing.first.map(|first| Period::between(first, routing.last)),
            outcome: Self::outcome(0, &[]),
            doubts: survey.doubts(),
            outages: Vec::new(),
            roll_up: None,
            completeness: CompletenessView::routing((routing, &survey.vantages, &survey.settings), &survey.bgp_files, &files),
            settings: survey.settings.in_force(),
        }
    }

    /// What a survey comes to.
    pub(super) fn outcome_of(survey: &Survey) -> OutcomeView {
        Self::outcome(survey.outages.len(), &survey.doubts())
    }

    fn outcome(outages: usize, doubts: &[String]) -> OutcomeView {
        OutcomeView::of(
            Outcome::of(outages, doubts),
            words::count(words::size(outages), "outage", "outages"),
            "No outage: none was found, and enough was seen to find one.",
        )
    }
}

/// What one of several found who survey every origin together.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SurveyShare {
    /// Everything but outages, which is the same for all.
    view: SurveyView,
    /// The end of the recording.
    last: Timestamp,
    withdrawals: Vec<ShareOfWithdrawals>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct ShareOfWithdrawals {
    net: IpNet,
    withdrawn: Withdrawn,
    prefix: OutagePrefix,
}

impl SurveyShare {
    /// What was found of the share which was surveyed.
    pub fn of(survey: &Survey, generated: Timestamp) -> SurveyShare {
        let withdrawals = survey.routing.withdrawals.iter().map(|withdrawal| ShareOfWithdrawals {
            net: withdrawal.prefix,
            withdrawn: Withdrawn::of(withdrawal),
            prefix: OutagePrefix::of(withdrawal),
        });
        let withdrawals = withdrawals.collect();
        SurveyShare { view: SurveyView::without_outages(survey, generated), last: survey.routing.last, withdrawals }
    }
}

/// The views of outages, the largest first, and the place of each among them.
fn in_order(outages: &[OriginOutage], prefixes: &[OutagePrefix], last: Timestamp) -> (Vec<OutageView>, Vec<usize>) {
    let numbered = outages.iter().enumerate();
    let mut views: Vec<(usize, OutageView)> =
        numbered.filter_map(|(number, outage)| Some((number, OutageView::of(outage, prefixes, last)?))).collect();
    views.sort_by_key(|(_, outage)| (Reverse(outage.prefix_count), Reverse(outage.peers_lost), outage.began, outage.origin));
    let mut places = vec![0; outages.len()];
    views.iter().enumerate().for_each(|(place, (number, _))| places[*number] = place);
    (views.into_iter().map(|(_, outage)| outage).collect(), places)
}

impl OutageView {
    fn of(outage: &OriginOutage, prefixes: &[OutagePrefix], last: Timestamp) -> Option<Self> {
        let prefixes: Vec<OutagePrefix> = outage.withdrawals.iter().filter_map(|place| prefixes.get(*place)).cloned().collect();
        let worst = prefixes.iter().max_by_key(|prefix| prefix.trough.lost)?;
        Some(OutageView {
            origin: outage.origin,
            prefix_count: prefixes.len(),
            began: outage.began,
            ended: outage.ended,
            lasted: lasted(Bounds::exact(outage.began), outage.ended.map(Bounds::exact), last),
            trough: worst.trough.clone(),
            peers_lost: prefixes.iter().map(|prefix| prefix.peers_lost).max().unwrap_or(0),
            steps: steps(&prefixes),
            prefixes,
        })
    }
}

fn steps(prefixes: &[OutagePrefix]) -> Vec<WithdrawnStep> {
    let mut changes: BTreeMap<Timestamp, (u32, u32)> = BTreeMap::new();
    for prefix in prefixes {
        changes.entry(prefix.onset).or_default().0 += 1;
        if let Some(recovered) = prefix.recovered {
            changes.entry(recovered).or_default().1 += 1;
        }
    }
    let mut count = 0;
    let step = |(at, (gone, back)): (Timestamp, (u32, u32))| {
        count = count + gone - back;
        WithdrawnStep { at, prefixes: count }
    };
    changes.into_iter().map(step).collect()
}

impl OutagePrefix {
    fn of(withdrawal: &Withdrawal) -> Self {
        OutagePrefix {
            prefix: withdrawal.prefix.to_string(),
            level: withdrawal.level,
            onset: withdrawal.onset.latest,
            recovered: withdrawal.recovered,
            trough: MomentView::of(withdrawal.trough.at, withdrawal.trough.visibility),
            peers_lost: peers_lost(withdrawal),
            cover: withdrawal.cover.as_ref().map(|cover| cover.prefix.to_string()),
            statements: withdrawal.evidence.len(),
        }
    }
}

/// Vantage points whose last statement until the trough was a loss.
fn peers_lost(withdrawal: &Withdrawal) -> usize {
    let mut last: BTreeMap<VantageId, Said> = BTreeMap::new();
    for statement in withdrawal.evidence.iter().filter(|statement| statement.at <= withdrawal.trough.at) {
        last.insert(statement.from, statement.said);
    }
    last.values().filter(|said| matches!(said, Said::Withdrew | Said::TreatedAsWithdraw | Said::AbsentFromTable)).count()
}
