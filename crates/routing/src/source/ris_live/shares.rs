//! A stream dealt out in [shares](crate::scope::Share) of all prefixes, to several who follow it together.
//!
//! Who speaks, of what, and how large a table is, everybody has to know: each message is for all, but without its path, which is most of it. The path is for the
//! shares which hold a prefix that it announces.

use super::frame::{Hop, Message, Recorded};
use crate::scope::Share;
use std::collections::BTreeSet;

/// For whom a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathFor {
    /// For nobody: nothing is announced.
    Nobody,
    /// For these shares, by their numbers.
    Some(BTreeSet<u32>),
    /// For every share: it announces a prefix which all hold.
    Everybody,
}

impl Message {
    /// For whom its path is, of so many shares.
    pub fn path_for(&self, shares: u32) -> PathFor {
        let Recorded::Update { announced, path, .. } = &self.what else { return PathFor::Nobody };
        if announced.is_empty() || path.is_empty() {
            return PathFor::Nobody;
        }
        let numbers = announced.iter().map(|prefix| Share::only_one_of(prefix, shares));
        numbers.collect::<Option<BTreeSet<u32>>>().map_or(PathFor::Everybody, PathFor::Some)
    }

    /// Takes its path away.
    pub fn take_path(&mut self) -> Vec<Hop> {
        if let Recorded::Update { path, .. } = &mut self.what { std::mem::take(path) } else { Vec::new() }
    }

    /// Gives it a path.
    pub fn give_path(&mut self, given: Vec<Hop>) {
        if let Recorded::Update { path, .. } = &mut self.what {
            *path = given;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::RisLive;
    use super::*;
    use crate::pipeline::Pipeline;
    use crate::scope::Scope;
    use crate::settings::Settings;
    use crate::source::interest::{Interest, WatchedPrefixes};
    use crate::time::{Span, Timestamp};
    use crate::vantage::Asn;
    use ipnet::IpNet;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    const PEERS: u32 = 9;
    /// One lies within a wide one, which every share holds.
    const PREFIXES: [&str; 6] = ["192.0.2.0/24", "193.0.2.0/24", "194.0.2.0/24", "192.0.0.0/7", "2001:db8::/32", "2002:db8:1::/48"];

    /// Who says what of which prefixes; `None`: the session is lost, a `Some` of none: a keepalive.
    type Word = (u32, Option<(Vec<usize>, Vec<usize>)>, i64);

    fn words() -> impl Strategy<Value = Vec<Word>> {
        let some = || prop::collection::vec(0..PREFIXES.len(), 0..4);
        let said = prop_oneof![12 => (some(), some()).prop_map(Some), 1 => Just(None)];
        prop::collection::vec((0..PEERS, said, prop_oneof![6 => 0i64..3, 2 => 0i64..120, 1 => 0i64..2_000]), 1..150)
    }

    fn messages(words: &[Word]) -> Vec<Message> {
        let mut at = Timestamp::from_parts(1_000_000, 0);
        let prefixes = |places: &[usize]| -> Vec<IpNet> { places.iter().map(|place| PREFIXES[*place].parse().unwrap()).collect() };
        // Everybody announces everything to begin with, so that there is something to lose.
        let all: Vec<usize> = (0..PREFIXES.len()).collect();
        let first = (0..PEERS).map(|from| (from, Some((all.clone(), Vec::new())), 1));
        let told = first.chain(words.iter().cloned()).map(|(from, said, after)| {
            at = at + Span::from_micros(after * 1_000_000 + 1_000);
            let what = match said {
                None => Recorded::State { up: false },
                Some((announced, withdrawn)) if announced.is_empty() && withdrawn.is_empty() => Recorded::Keepalive,
                Some((announced, withdrawn)) => {
                    let withdrawn = withdrawn.into_iter().filter(|place| !announced.contains(place)).collect::<Vec<_>>();
                    let (mut announced, mut withdrawn) = (prefixes(&announced), prefixes(&withdrawn));
                    for list in [&mut announced, &mut withdrawn] {
                        list.sort();
                        list.dedup();
                    }
                    Recorded::Update { announced, withdrawn, path: vec![Hop::One(Asn(1 + from % 6)), Hop::One(Asn(64_500))] }
                }
            };
            let (peer, asn) = (Ipv4Addr::from_bits(from + 1).into(), Asn(1 + from % 6));
            Message { at, collector: format!("rrc{:02}", from % 2), peer, asn, what }
        });
        told.collect()
    }

    /// What a pipeline finds in a stream: its steps, and its withdrawals without ids, which are in the order of what was met.
    fn found(scope: Scope, interest: Interest, messages: impl Iterator<Item = Message>) -> Vec<String> {
        let mut settings = Settings::default();
        (settings.eligible_min, settings.open_hold) = (2, Span::from_seconds(2));
        let (mut stream, mut pipeline) = (RisLive::new("test", interest), Pipeline::new(scope, &settings).followed());
        let mut last = Timestamp::MIN;
        for message in messages {
            last = last.max(message.at);
            stream.take_message(message);
            let (said, vantages) = stream.said();
            said.iter().for_each(|observation| pipeline.observe(observation, vantages));
        }
        stream.end();
        let (said, vantages) = stream.said();
        said.iter().for_each(|observation| pipeline.observe(observation, vantages));
        let end = last + Span::from_seconds(5_000);
        pipeline.advance(end, vantages);
        let mut told: Vec<String> = pipeline.steps().iter().map(|step| format!("{step:?}")).collect();
        let withdrawals = pipeline.finish(end, vantages).withdrawals;
        told.extend(withdrawals.iter().map(|found| {
            format!("{} {:?} {:?} {:?} {:?}", found.prefix, found.level, found.onset, found.recovered, found.origins)
        }));
        told.sort();
        told
    }

    /// What comes to whoever takes these shares.
    fn through<'a>(messages: &'a [Message], of: u32, takes: impl Fn(u32) -> bool + 'a) -> impl Iterator<Item = Message> + 'a {
        messages.iter().map(move |message| {
            let mut message = message.clone();
            let comes = match message.path_for(of) {
                PathFor::Nobody => false,
                PathFor::Some(numbers) => numbers.into_iter().any(&takes),
                PathFor::Everybody => true,
            };
            if !comes {
                message.take_path();
            }
            message
        })
    }

    #[test]
    fn all_lose_a_prefix_and_the_share_which_holds_it_tells() {
        let words: Vec<Word> = (0..PEERS).map(|from| (from, Some((vec![0], vec![1])), 1)).collect();
        let messages = messages(&words);
        let alone = found(Scope::Everything, Interest::Everything, messages.iter().cloned());
        assert!(alone.iter().any(|told| told.contains("193.0.2.0/24")), "{alone:#?}");
        let share = |number| Scope::Share(Share::new(number, 4).unwrap());
        let of_share = |number| found(share(number), Interest::Everything, through(&messages, 4, move |other| other == number));
        assert_eq!(of_share(1), alone);
        assert_eq!(of_share(0), Vec::<String>::new());
    }

    #[test]
    fn a_path_is_for_those_who_hold_what_it_announces() {
        let words = [(0, Some((vec![0, 1], vec![2])), 1), (0, Some((vec![3, 1], vec![])), 1), (0, Some((vec![], vec![1])), 1)];
        let told: Vec<PathFor> = messages(&words)[PEERS as usize..].iter().map(|message| message.path_for(4)).collect();
        assert_eq!(told, [PathFor::Some([0, 1].into()), PathFor::Everybody, PathFor::Nobody], "192.0.0.0/7 is in every share");
    }

    proptest! {
        #[test]
        fn dealt_out_and_joined_shares_find_what_one_finds_alone(words in words(), times in 1u32..3, shares in 1u32..4) {
            let messages = messages(&words);
            let alone = found(Scope::Everything, Interest::Everything, messages.iter().cloned());
            let of = times * shares;
            let mut together: Vec<String> = (0..shares).flat_map(|number| {
                let scope = Scope::Share(Share::new(number, shares).unwrap());
                found(scope, Interest::Everything, through(&messages, of, move |other| other % shares == number))
            }).collect();
            together.sort();
            prop_assert_eq!(together, alone);
        }

        #[test]
        fn of_a_watched_prefix_its_share_finds_what_everything_tells(words in words(), of in 1u32..5, place in 0..PREFIXES.len()) {
            let (messages, watched) = (messages(&words), PREFIXES[place].parse::<IpNet>().unwrap());
            let own = || crate::scope::Own { prefix: watched, longest: watched.prefix_len(), origins: vec![Asn(64_500)] };
            let scope = || Scope::of([own()], &[Asn(64_500)], []);
            let interest = || Interest::Watched(WatchedPrefixes::new([watched]));
            let alone = found(scope(), interest(), messages.iter().cloned());
            let needed = move |other| Share::only_one_of(&watched, of).is_none_or(|number| other == number);
            prop_assert_eq!(found(scope(), interest(), through(&messages, of, needed)), alone);
        }
    }
}
