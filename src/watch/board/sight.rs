//! Can we see? A pure decision, with its reasons.

use super::{CanaryState, CollectorState, Condition, PrefixState, RouterState, Sight, SightCode, StreamState};

/// What is looked at.
pub(super) struct Seen<'a> {
    pub stream: Option<&'a StreamState>,
    pub routers: Option<&'a [RouterState]>,
    pub collectors: &'a [CollectorState],
    pub prefixes: &'a [PrefixState],
    pub canary: Option<&'a CanaryState>,
    /// So many ASes must be able to tell of a prefix.
    pub least: u32,
}

/// Nothing can be seen without any connection, without a voice, or if nobody can tell of any prefix; a part if one of the connections is missing, a
/// collector is silent, too few can tell of a prefix, nobody's table is known, or the canary is not heard.
pub(super) fn sight(seen: &Seen<'_>) -> Sight {
    let Seen { stream, routers, collectors, prefixes, least, .. } = seen;
    let sum = |of: fn(&CollectorState) -> u32| collectors.iter().map(of).sum::<u32>();
    let (all, speaking, known) =
        (sum(|one| one.vantage_points), sum(|one| one.speaking), sum(|one| one.known_tables.min(one.vantage_points)));
    let untold = prefixes.iter().filter(|prefix| prefix.condition == Condition::Untold).count();
    let missing: Vec<String> = stream.and_then(no_stream).into_iter().chain(routers.and_then(no_routers)).collect();
    let any = stream.is_some_and(|stream| stream.connected)
        || routers.is_some_and(|routers| routers.iter().any(|router| router.connected));
    let mut limits = limits(seen, (untold, known));
    if !any {
        return Sight { code: SightCode::Blind, sentence: format!("No: {}.", missing.join(", and ")), limits };
    }
    limits.splice(0..0, missing.iter().map(|missing| sentence(missing)));
    let blind = |sentence: String| Sight { code: SightCode::Blind, sentence, limits: limits.clone() };
    if stream.is_none_or(|stream| stream.frames == 0) && all == 0 {
        return blind("No: nothing has been heard yet.".to_owned());
    }
    if speaking == 0 {
        return blind(format!("No: none of {all} vantage points speaks."));
    }
    let told = prefixes.len() - untold - prefixes.iter().filter(|prefix| prefix.condition == Condition::NeverSeen).count();
    if told == 0 {
        return blind(format!("No: of none of the prefixes {least} or more ASes can tell."));
    }
    let collectors = match collectors.len() {
        1 => "1 collector".to_owned(),
        several => format!("{several} collectors"),
    };
    let speak = format!("{speaking} of {all} vantage points of {collectors} speak, and {known} full tables are known");
    match limits.is_empty() {
        true => Sight { code: SightCode::Clear, sentence: format!("Yes: {speak}."), limits },
        false => Sight { code: SightCode::Limited, sentence: format!("In part: {speak}."), limits },
    }
}

/// That there is no connection to the stream, and why.
fn no_stream(stream: &StreamState) -> Option<String> {
    let why = stream.reason.as_deref().unwrap_or("no connection was made yet");
    (!stream.connected).then(|| format!("there is no connection to the stream ({why})"))
}

/// Which routers are not there, if they ever were; or that none is.
fn no_routers(routers: &[RouterState]) -> Option<String> {
    let gone: Vec<&str> = routers.iter().filter(|router| !router.connected).map(|router| router.name.as_str()).collect();
    match gone[..] {
        [] if routers.is_empty() => Some("no router has told anything yet".to_owned()),
        [] => None,
        [name] => Some(format!("the router {name} is not connected")),
        _ => Some(format!("the routers {} are not connected", gone.join(", "))),
    }
}

/// With a capital letter and a full stop.
fn sentence(words: &str) -> String {
    let (first, rest) = words.split_at(words.chars().next().map_or(0, char::len_utf8));
    format!("{}{rest}.", first.to_uppercase())
}

fn limits(seen: &Seen<'_>, (untold, known): (usize, u32)) -> Vec<String> {
    let mut limits = Vec::new();
    let silent: Vec<&str> =
        seen.collectors.iter().filter(|collector| collector.silent).map(|collector| collector.name.as_str()).collect();
    if !silent.is_empty() {
        limits.push(format!("Silent: {}.", silent.join(", ")));
    }
    let mute = seen.collectors.iter().filter(|collector| !collector.silent && collector.speaking == 0);
    limits.extend(mute.map(|collector| format!("None of the vantage points of {} speaks.", collector.name)));
    if untold > 0 {
        let prefixes = if untold == 1 { "1 prefix".to_owned() } else { format!("{untold} prefixes") };
        limits.push(format!("Fewer than {} ASes can tell of {prefixes}.", seen.least));
    }
    if known == 0 && !seen.collectors.is_empty() {
        limits.push("Nobody's table is known: a prefix counts as seen from its first announcement on.".to_owned());
    }
    limits.extend(seen.canary.filter(|canary| !canary.sings).map(|canary| canary.sentence.clone()));
    limits
}
