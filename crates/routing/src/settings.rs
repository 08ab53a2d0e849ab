//! Every threshold, in one place: default, unit, reason and source; the report prints those in force.
//!
//! Only values are here. What they mean is decided where they are used.

use crate::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The thresholds in force.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Settings {
    /// Fewer eligible ASes than this: insufficient data, never an alarm.
    pub eligible_min: u32,
    /// Percent of the largest table of a collector and family from which a peer counts as full feed.
    pub full_feed_percent: u32,
    /// Where there is no table dump: percent of the upper quartile, over a collector's peers, of distinct prefixes spoken of, from which
    /// a peer counts as full feed.
    pub full_feed_spoken_percent: u32,
    /// How far back the baseline's median reaches.
    pub baseline_window: Span,
    /// With less history than this, the baseline is the share at the first complete seed, else 1.
    pub baseline_min: Span,
    /// Percent of the baseline below which a withdrawal is partial.
    pub warn_percent: u32,
    /// Percent of the baseline below which it is major, and an incident opens.
    pub open_percent: u32,
    /// Percent of the baseline below which it is full.
    pub critical_percent: u32,
    /// A level must hold this long before it counts.
    pub open_hold: Span,
    /// Percent of the baseline from which it has recovered.
    pub close_percent: u32,
    /// Recovery must hold this long.
    pub close_hold: Span,
    /// Onsets this close belong to one incident.
    pub grouping: Span,
    /// Later losses this long after the onset belong to the same incident.
    pub straggler_tail: Span,
    /// A peer still seeing the route this long after the onset of a full withdrawal is a zombie.
    pub zombie_after: Span,
    /// A table dump does not overwrite what an update said less than this before it.
    pub seed_slack: Span,
    /// A peer silent this long is suspended, where the collector records KEEPALIVEs.
    pub silence_with_keepalives: Span,
    /// A peer silent this long is suspended, elsewhere.
    pub silence: Span,
    /// A collector which says nothing this long, though it should have said much, has a gap.
    pub feed_gap: Span,
    /// A foreign origin counts when this many ASes take its route.
    pub foreign_origin_min: u32,
    /// Failures in a row until a target is down.
    pub down_after: u32,
    /// Successes in a row until it is up again.
    pub up_after: u32,
    /// A failure may precede the withdrawal which causes it by this much (whole-second stamps, path hunting).
    pub cause_before: Span,
    /// A failure may follow the withdrawal which causes it by this much, longer by the TTL.
    pub cause_after: Span,
    /// More than this between bounds which do not overlap means "after".
    pub order_margin: Span,
    /// Two probes of a series further apart than this leave a gap which nobody probed.
    pub probe_gap: Span,
}

/// One threshold with its words.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingInForce {
    /// Its key in the profile's `[settings]`.
    pub key: Cow<'static, str>,
    /// The value in force, with its unit.
    pub value: String,
    /// The default, with its unit.
    pub default: String,
    /// What it does and why the default is what it is.
    pub reason: Cow<'static, str>,
    /// Where the default comes from.
    pub source: Cow<'static, str>,
    /// True if the profile overrides it.
    pub overridden: bool,
}

/// A value of a setting, of one of the kinds there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SettingValue {
    /// A whole number of things.
    Count(u32),
    /// A share, in percent.
    Percent(u32),
    /// A length of time.
    Span(Span),
}

/// How a setting is found in [`Settings`]: the one list which the profile reader, the report and the documentation share.
pub struct SettingKey {
    /// Its key in the profile's `[settings]`.
    pub key: &'static str,
    /// What it does and why the default is what it is.
    pub reason: &'static str,
    /// Where the default comes from.
    pub source: &'static str,
    read: fn(&Settings) -> SettingValue,
    write: fn(&mut Settings, SettingValue) -> bool,
}

impl SettingValue {
    /// The number and its unit: `count`, `percent` or `us` (microseconds).
    pub const fn number(self) -> (i64, &'static str) {
        match self {
            SettingValue::Count(count) => (count as i64, "count"),
            SettingValue::Percent(percent) => (percent as i64, "percent"),
            SettingValue::Span(span) => (span.micros(), "us"),
        }
    }
}

impl std::fmt::Display for SettingValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SettingValue::Count(count) => write!(f, "{count}"),
            SettingValue::Percent(percent) => write!(f, "{percent} %"),
            SettingValue::Span(span) => write!(f, "{span}"),
        }
    }
}

impl SettingKey {
    /// Its value.
    pub fn get(&self, settings: &Settings) -> SettingValue {
        (self.read)(settings)
    }

    /// Sets it; false if the value is of another kind.
    #[must_use]
    pub fn set(&self, settings: &mut Settings, value: SettingValue) -> bool {
        (self.write)(settings, value)
    }
}

macro_rules! setting {
    ($key:ident, $kind:ident, $reason:literal, $source:literal) => {
        SettingKey {
            key: stringify!($key),
            reason: $reason,
            source: $source,
            read: |settings| SettingValue::$kind(settings.$key),
            write: |settings, value| {
                let SettingValue::$kind(value) = value else { return false };
                settings.$key = value;
                true
            },
        }
    };
}

/// Every setting, in the order in which reports print them.
pub const SETTINGS: &[SettingKey] = &[
    setting!(
        eligible_min,
        Count,
        "fewer eligible ASes than this is insufficient data, never an alarm",
        "inferred; a lab or a single router may use fewer"
    ),
    setting!(
        full_feed_percent,
        Percent,
        "share of a collector's largest table from which a peer is full feed; fixed counts age",
        "IODA's full-feed rule, made relative"
    ),
    setting!(
        full_feed_spoken_percent,
        Percent,
        "without table dumps: share of the upper quartile of distinct prefixes spoken of, from which a peer is full feed",
        "route-views2, 23 February 2008: partial feeds reach 4 %, full feeds 26 % and more"
    ),
    setting!(baseline_window, Span, "how far back the median share reaches", "IODA"),
    setting!(baseline_min, Span, "with less history, the share at the first complete seed, else 1", "inferred, for short inputs"),
    setting!(warn_percent, Percent, "below this share of the baseline a withdrawal is partial", "watchtower-sentry"),
    setting!(
        open_percent,
        Percent,
        "below this share of the baseline it is major and opens an incident",
        "IODA: visible above 50 % of full-feed peers"
    ),
    setting!(
        critical_percent,
        Percent,
        "below this share it is full; 2-3 % of peers miss withdrawals, so 100 % is never required",
        "BGP zombies, RIPE Labs; stragglers of 4 October 2021"
    ),
    setting!(open_hold, Span, "a level must hold this long: removes path hunting", "inferred"),
    setting!(close_percent, Percent, "from this share of the baseline it has recovered", "inferred: hysteresis"),
    setting!(close_hold, Span, "recovery must hold this long", "inferred: hysteresis"),
    setting!(grouping, Span, "onsets this close are one incident", "the two waves of 4 October 2021, 15:39 and 15:42"),
    setting!(straggler_tail, Span, "losses this long after the onset belong to it", "15:42 to 16:02:33 on 4 October 2021"),
    setting!(
        zombie_after,
        Span,
        "a peer still seeing the route this long after a full withdrawal's onset is a zombie",
        "RIPE/Fontugne"
    ),
    setting!(seed_slack, Span, "a table dump does not overwrite what an update said less than this before it", "bgpview"),
    setting!(
        silence_with_keepalives,
        Span,
        "a peer silent this long is suspended where KEEPALIVEs are recorded",
        "RFC 4271 hold time, with room"
    ),
    setting!(silence, Span, "a peer silent this long is suspended where KEEPALIVEs are not recorded", "inferred"),
    setting!(
        feed_gap,
        Span,
        "a collector silent this long, though 30 messages were due, has a gap",
        "inferred: chance below e^-30"
    ),
    setting!(
        foreign_origin_min,
        Count,
        "a foreign origin counts when this many ASes take its route",
        "inferred: one peer's leak is no event"
    ),
    setting!(down_after, Count, "failures in a row until a target is down", "inferred"),
    setting!(up_after, Count, "successes in a row until it is up", "inferred"),
    setting!(cause_before, Span, "a failure may precede its withdrawal by this much", "whole-second stamps and path hunting"),
    setting!(
        cause_after,
        Span,
        "a failure may follow its withdrawal by this much, longer by the TTL",
        "4 October 2021: 15:39 to 15:50"
    ),
    setting!(order_margin, Span, "more than this between bounds which do not overlap means after", "inferred"),
    setting!(probe_gap, Span, "two probes of a series further apart leave a span which nobody probed", "inferred"),
];

impl Default for Settings {
    fn default() -> Self {
        Settings {
            eligible_min: 10,
            full_feed_percent: 80,
            full_feed_spoken_percent: 20,
            baseline_window: Span::from_seconds(86_400),
            baseline_min: Span::from_seconds(600),
            warn_percent: 80,
            open_percent: 50,
            critical_percent: 20,
            open_hold: Span::from_seconds(60),
            close_percent: 80,
            close_hold: Span::from_seconds(300),
            grouping: Span::from_seconds(360),
            straggler_tail: Span::from_seconds(1_200),
            zombie_after: Span::from_seconds(5_400),
            seed_slack: Span::from_seconds(60),
            silence_with_keepalives: Span::from_seconds(300),
            silence: Span::from_seconds(3_600),
            feed_gap: Span::from_seconds(60),
            foreign_origin_min: 2,
            down_after: 3,
            up_after: 2,
            cause_before: Span::from_seconds(120),
            cause_after: Span::from_seconds(900),
            order_margin: Span::from_seconds(120),
            probe_gap: Span::from_seconds(900),
        }
    }
}

impl Settings {
    /// Every setting with its words, in the order of [`SETTINGS`].
    pub fn in_force(&self) -> Vec<SettingInForce> {
        let defaults = Settings::default();
        SETTINGS
            .iter()
            .map(|key| SettingInForce {
                key: key.key.into(),
                value: key.get(self).to_string(),
                default: key.get(&defaults).to_string(),
                reason: key.reason.into(),
                source: key.source.into(),
                overridden: key.get(self) != key.get(&defaults),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_its_words() {
        let fields = serde_json::to_value(Settings::default()).unwrap();
        let keys: Vec<&str> = SETTINGS.iter().map(|s| s.key).collect();
        let fields = fields.as_object().unwrap();
        assert_eq!(fields.len(), keys.len());
        for key in keys {
            assert!(fields.contains_key(key), "{key}");
        }
    }

    #[test]
    fn an_override_shows_in_what_is_in_force() {
        let mut settings = Settings::default();
        let key = SETTINGS.iter().find(|s| s.key == "open_hold").unwrap();
        assert!(key.set(&mut settings, SettingValue::Span(Span::from_seconds(5))));
        assert!(!key.set(&mut settings, SettingValue::Count(5)));
        let shown = settings.in_force();
        let shown = shown.iter().find(|s| s.key == "open_hold").unwrap();
        assert_eq!((shown.value.as_str(), shown.overridden), ("5 s", true));
    }
}
