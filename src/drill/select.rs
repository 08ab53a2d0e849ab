//! Whom an event concerns, and when each of them shows it.

use super::cast::{Cast, Feed, Way};
use super::dice::Dice;
use super::timeline::{Action, Event};
use crate::time::{Span, Timestamp};
use crate::vantage::{Asn, Family};
use std::collections::BTreeSet;

/// Spread of an event about routes which does not say.
const SPREAD: Span = Span::from_seconds(10);

/// The sessions of an event with their times, in the order in which they show it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Plan {
    /// Session and delay behind the event's time: the first has none, the last has the whole spread.
    pub(super) moves: Vec<(usize, Span)>,
    /// Sessions which come later, at a time of their own.
    pub(super) late: Vec<(usize, Timestamp)>,
}

/// Chooses the sessions of an event.
///
/// # Errors
/// In words: fewer peers than the event asks for.
pub(super) fn plan(cast: &Cast, event: &Event, index: usize, seed: u64) -> Result<Plan, String> {
    let mut sessions = chosen(cast, event, index, seed)?;
    Dice::new(seed, &format!("order {index}")).shuffle(&mut sessions);
    let mut late = Vec::new();
    for straggler in &event.stragglers {
        for _ in 0..straggler.count {
            let fits = |session: &usize| {
                let name = &cast.collectors[cast.sessions[*session].collector].name;
                straggler.collector.as_ref().is_none_or(|wanted| wanted == name)
            };
            let Some(place) = sessions.iter().rposition(fits) else {
                return Err(format!("there are fewer than {} peers left to straggle at {}", straggler.count, straggler.at));
            };
            late.push((sessions.remove(place), straggler.at));
        }
    }
    let delays = delays(sessions.len(), spread(event));
    Ok(Plan { moves: sessions.into_iter().zip(delays).collect(), late })
}

/// Over how long the sessions show an event.
pub(super) fn spread(event: &Event) -> Span {
    event.spread.unwrap_or(match event.action {
        Action::Withdraw | Action::Announce | Action::PathChange | Action::Hijack | Action::Flap => SPREAD,
        Action::SessionDown | Action::TableTransfer | Action::StateChange | Action::FeedCut => Span::ZERO,
    })
}

/// Most move early, few late, as convergence goes: delays grow with the square of the place.
fn delays(count: usize, spread: Span) -> impl Iterator<Item = Span> {
    let last = i128::try_from(count.saturating_sub(1)).unwrap_or(0).max(1);
    (0..count).map(move |place| {
        let place = i128::try_from(place).unwrap_or(0);
        let micros = i128::from(spread.micros()) * place * place / (last * last);
        Span::from_micros(i64::try_from(micros).unwrap_or(0))
    })
}

fn chosen(cast: &Cast, event: &Event, index: usize, seed: u64) -> Result<Vec<usize>, String> {
    let families: BTreeSet<Family> = match event.prefixes.as_slice() {
        [] => Family::BOTH.into(),
        prefixes => prefixes.iter().map(Family::of).collect(),
    };
    let about_routes = !event.prefixes.is_empty();
    let fits = |number: &usize| {
        let session = &cast.sessions[*number];
        let feed = match session.feed {
            Feed::Full => true,
            Feed::Partial => !about_routes,
            Feed::Idle => event.action == Action::StateChange,
        };
        let collector = &cast.collectors[session.collector].name;
        feed && families.contains(&session.family)
            && (event.collectors.is_empty() || event.collectors.contains(collector))
            && (event.asns.is_empty() || event.asns.contains(&session.mrt.peer_asn))
            && event.transit.is_none_or(|transit| behind(cast, event, *number, transit))
    };
    let candidates: Vec<usize> = (0..cast.sessions.len()).filter(fits).collect();
    let mut asns: Vec<Asn> = candidates.iter().map(|number| cast.sessions[*number].mrt.peer_asn).collect();
    asns.sort_unstable();
    asns.dedup();
    if asns.is_empty() {
        return Err("no peer fits this row; look at collectors, asns, transit and the families of the prefixes".to_owned());
    }
    let picked = picked(event, index, seed, asns)?;
    Ok(candidates.into_iter().filter(|number| picked.contains(&cast.sessions[*number].mrt.peer_asn)).collect())
}

/// True if the peer's usual path to one of the event's prefixes of its family leads through the transit.
fn behind(cast: &Cast, event: &Event, number: usize, transit: Asn) -> bool {
    let session = &cast.sessions[number];
    let mut prefixes = event.prefixes.iter().filter(|prefix| Family::of(prefix) == session.family);
    prefixes.any(|prefix| cast.announced.routes.get(prefix).is_some_and(|facts| facts.path(session, Way::Usual).contains(&transit)))
}

/// Chooses by AS, so that all sessions of an AS go together.
fn picked(event: &Event, index: usize, seed: u64, mut asns: Vec<Asn>) -> Result<BTreeSet<Asn>, String> {
    let label = event.pick.clone().unwrap_or_else(|| index.to_string());
    Dice::new(seed, &format!("pick {label}")).shuffle(&mut asns);
    let share = |percent: u32| (asns.len() * usize::try_from(percent).unwrap_or(0) + 50) / 100;
    let skip = share(event.skip_percent);
    let end = match (event.percent, event.count) {
        (Some(percent), _) => share(event.skip_percent + percent),
        (None, Some(count)) => skip + usize::try_from(count).unwrap_or(0),
        (None, None) => asns.len(),
    };
    match asns.get(skip..end) {
        Some(picked) => Ok(picked.iter().copied().collect()),
        None => Err(format!("this row asks for {} peer ASes and {} fit it", end - skip, asns.len().saturating_sub(skip))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Why: a rebuilt incident pins its first and its last withdrawal to published times.
    #[test]
    fn the_first_moves_at_once_and_the_last_after_the_whole_spread() {
        let delays: Vec<Span> = delays(5, Span::from_seconds(160)).collect();
        assert_eq!(delays.iter().map(|d| d.seconds()).collect::<Vec<_>>(), [0, 10, 40, 90, 160]);
        assert_eq!(super::delays(1, Span::from_seconds(160)).collect::<Vec<_>>(), [Span::ZERO]);
    }
}
