//! The table `[settings]`: overrides of the thresholds of `settings`, each of the kind it is, within its range, and in order.
//!
//! The keys, kinds and defaults are those of [`SETTINGS`]; nothing is repeated here but what a value may be.

use super::field::Field;
use super::problem::{Findings, nearest};
use crate::settings::{SETTINGS, SettingKey, SettingValue, Settings};
use crate::time::Span;
use std::ops::Range;

/// A setting which the profile overrides, and where.
struct Override {
    key: &'static str,
    span: Range<usize>,
}

/// The settings in force; bad values are reported and keep their default.
pub(super) fn settings(field: Option<Field>, findings: &mut Findings) -> Settings {
    let mut settings = Settings::default();
    let Some(section) = field.and_then(|field| field.section("settings", findings)) else { return settings };
    let mut overrides = Vec::new();
    for (name, place, field) in section.entries() {
        let Some(setting) = SETTINGS.iter().find(|s| s.key == name) else {
            let known: Vec<&str> = SETTINGS.iter().map(|s| s.key).collect();
            let help = match nearest(name, &known) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("known settings: {}", known.join(", ")),
            };
            findings.problem(place, format!("`{name}` is no setting"), help);
            continue;
        };
        if let Some(value) = one(setting, field, findings).filter(|value| setting.set(&mut settings, *value)) {
            overrides.push(Override { key: setting.key, span: field.span() });
            debug_assert_eq!(setting.get(&settings), value);
        }
    }
    in_order(&settings, &overrides, findings);
    settings
}

/// A value of the setting's kind and within its range.
fn one(setting: &SettingKey, field: Field, findings: &mut Findings) -> Option<SettingValue> {
    let default = setting.get(&Settings::default());
    let number = field.raw().as_integer().filter(|number| number.radix() == 10);
    let written = number.map(|number| (number.as_str(), false)).or_else(|| field.raw().as_str().map(|text| (text, true)));
    let (value, expected) = match default {
        SettingValue::Count(count) => {
            let value = written.filter(|(_, quoted)| !quoted).and_then(|(text, _)| text.parse().ok()).filter(|count| *count >= 1);
            (value.map(SettingValue::Count), format!("a count of 1 or more: write {} = {count}", setting.key))
        }
        SettingValue::Percent(percent) => {
            let value = written.and_then(|(text, _)| text.trim_end_matches('%').trim().parse().ok());
            let value = value.filter(|percent| (1..=100).contains(percent)).map(SettingValue::Percent);
            (value, format!("a share of 1 to 100 percent: write {} = {percent} or \"{percent} %\"", setting.key))
        }
        SettingValue::Span(span) => {
            let value = written.filter(|(_, quoted)| *quoted).and_then(|(text, _)| text.parse().ok());
            let seconds = span.seconds();
            (
                value.map(SettingValue::Span),
                format!("a span of time with its unit (ms, s, min, h, d): write {} = \"{seconds}s\"", setting.key),
            )
        }
    };
    if value.is_none() {
        let found = written.map_or("this", |(text, _)| text);
        findings.problem(field.span(), format!("`{found}` is no value of `{}`", setting.key), format!("it is {expected}"));
    }
    value
}

/// Thresholds which only make sense in order; the complaint stands at an override, as the defaults are in order.
fn in_order(settings: &Settings, overrides: &[Override], findings: &mut Findings) {
    let pairs = [
        ("critical_percent", "open_percent", settings.critical_percent < settings.open_percent, "below"),
        ("open_percent", "warn_percent", settings.open_percent < settings.warn_percent, "below"),
        ("warn_percent", "close_percent", settings.warn_percent <= settings.close_percent, "at most"),
        ("baseline_min", "baseline_window", settings.baseline_min <= settings.baseline_window, "at most"),
        ("cause_before", "cause_after", settings.cause_before <= settings.cause_after, "at most"),
    ];
    let shown = |key: &str| SETTINGS.iter().find(|s| s.key == key).map(|s| s.get(settings).to_string()).unwrap_or_default();
    for (low, high, holds, how) in pairs {
        if let Some(place) = overrides.iter().rev().find(|o| !holds && (o.key == low || o.key == high)) {
            let message = format!("`{low}` ({}) must be {how} `{high}` ({})", shown(low), shown(high));
            findings.problem(place.span.clone(), message, "change one of the two; what is not written has its default");
        }
    }
    for (key, span) in [("probe_gap", settings.probe_gap), ("feed_gap", settings.feed_gap), ("silence", settings.silence)] {
        if let Some(place) = overrides.iter().find(|o| o.key == key && span == Span::ZERO) {
            findings.problem(
                place.span.clone(),
                format!("`{key}` is no time at all"),
                "write a span longer than zero, or remove the line",
            );
        }
    }
}
