//! What is counted is what follows from the state, whatever is said.

use super::*;
use crate::observation::{FileId, RecordRef, Route, WithdrawCause};
use crate::scope::Share;
use crate::vantage::{CollectorId, Family, VantageId};
use crate::visibility::Vote;
use proptest::prelude::*;
use std::net::Ipv4Addr;
use std::sync::Arc;

const PEERS: u32 = 9;
const PREFIXES: u8 = 5;

#[derive(Debug, Clone)]
enum Word {
    Announce(u32, u8),
    Withdraw(u32, u8),
    Down(u32),
    EndOfRib(u32),
    /// Of the peers of a collector; which of them list which prefixes, and whether it is whole.
    Dump(u32, Vec<bool>, bool),
    Pass(i64),
}

fn words() -> impl Strategy<Value = Vec<Word>> {
    let listed = prop::collection::vec(prop::bool::weighted(0.8), (PEERS * u32::from(PREFIXES)) as usize);
    let word = prop_oneof![
        8 => (0..PEERS, 0..PREFIXES).prop_map(|(from, prefix)| Word::Announce(from, prefix)),
        8 => (0..PEERS, 0..PREFIXES).prop_map(|(from, prefix)| Word::Withdraw(from, prefix)),
        1 => (0..PEERS).prop_map(Word::Down),
        1 => (0..PEERS).prop_map(Word::EndOfRib),
        2 => (0u32..2, listed, prop::bool::weighted(0.8)).prop_map(|(collector, listed, whole)| Word::Dump(collector, listed, whole)),
        3 => (1i64..50_000).prop_map(Word::Pass),
        4 => (1i64..90).prop_map(Word::Pass),
    ];
    prop::collection::vec(word, 1..120)
}

/// The last one covers the first two.
fn prefix(number: u8) -> IpNet {
    let wide = number == PREFIXES - 1;
    if wide { "192.0.0.0/7".parse().unwrap() } else { format!("{}.0.2.0/24", 192 + number).parse().unwrap() }
}

struct Stage {
    vantages: Vantages,
    collectors: Vec<CollectorId>,
    peers: Vec<VantageId>,
    now: Timestamp,
}

impl Stage {
    /// Two collectors with neighbours in turn; some ASes have several sessions.
    fn new() -> Self {
        let mut vantages = Vantages::default();
        let collectors = vec![vantages.collector("rrc00"), vantages.collector("rrc01")];
        let peer = |number: u32| {
            vantages.vantage(collectors[number as usize % 2], Ipv4Addr::from_bits(number + 1).into(), Asn(1 + number % 6))
        };
        let peers = (0..PEERS).map(peer).collect();
        Stage { vantages, collectors, peers, now: Timestamp::from_parts(1_000_000, 0) }
    }

    fn statements(&mut self, word: &Word) -> Vec<Statement> {
        let route = || Arc::new(Route { path: [Asn(64_500)].into(), origin: Some(Asn(64_500)) });
        let peer = |number: &u32| self.peers[*number as usize];
        match word {
            Word::Announce(from, of) => {
                vec![Statement::Announce { from: peer(from), prefix: prefix(*of), path_id: 0, route: route() }]
            }
            Word::Withdraw(from, of) => {
                let cause = WithdrawCause::Statement;
                vec![Statement::Withdraw { from: peer(from), prefix: prefix(*of), path_id: 0, cause }]
            }
            Word::Down(from) => vec![Statement::SessionDown { from: peer(from) }],
            Word::EndOfRib(from) => vec![Statement::EndOfRib { from: peer(from), family: Family::Ipv4 }],
            Word::Dump(number, listed, complete) => {
                let collector = self.collectors[*number as usize];
                let here: Vec<u32> = (0..PEERS).filter(|peer| peer % 2 == *number).collect();
                let mut said = vec![Statement::TableBegin { collector, peers: Arc::from([]) }];
                for of in 0..PREFIXES {
                    let lists = |from: &&u32| listed[(**from * u32::from(PREFIXES)) as usize + usize::from(of)];
                    said.extend(here.iter().filter(lists).map(|from| Statement::TableEntry {
                        from: peer(from),
                        prefix: prefix(of),
                        path_id: 0,
                        route: route(),
                    }));
                }
                let sizes = here.iter().map(|from| (peer(from), [100, 0])).collect();
                said.push(Statement::TableEnd { collector, complete: *complete, sizes });
                said
            }
            Word::Pass(seconds) => {
                self.now = self.now + Span::from_seconds(*seconds);
                Vec::new()
            }
        }
    }
}

proptest! {
    #[test]
    fn the_count_of_votes_is_what_every_as_said(words in words()) {
        let (mut stage, mut settings) = (Stage::new(), Settings::default());
        settings.eligible_min = 2;
        let mut pipeline = Pipeline::new(Scope::Everything, &settings);
        for (record, word) in (1..).zip(&words) {
            stage.now = stage.now + Span::from_seconds(1);
            for what in stage.statements(word) {
                let source = RecordRef { file: FileId(0), record };
                pipeline.observe(&Observation { at: stage.now, source, what }, &stage.vantages);
                let Stages { rib, feeds } = &pipeline.stages;
                let state = Electorate { rib, feeds, vantages: &stage.vantages };
                for (id, prefix) in rib.prefixes() {
                    let counted = pipeline.votes.visibility(id);
                    let said = [Vote::Seeing, Vote::Lost, Vote::Unknown].map(|vote| pipeline.votes.voters(id, vote, state).len());
                    prop_assert_eq!([counted.seeing, counted.lost, counted.unknown].map(|count| count as usize), said, "{}", prefix);
                }
            }
        }
    }

    #[test]
    fn a_collector_falls_silent_at_once_as_peer_by_peer(words in words()) {
        let (mut stage, mut settings) = (Stage::new(), Settings::default());
        (settings.eligible_min, settings.open_hold) = (2, Span::from_seconds(2));
        // So short a silence does not part what was said before it from what is said after it.
        (settings.feed_gap, settings.grouping) = (Span::from_seconds(30), Span::from_seconds(300));
        let new = || Pipeline::new(Scope::Everything, &settings).followed();
        let mut both = [new(), new().peer_by_peer()];
        let first = (0..PEERS).flat_map(|from| (0..PREFIXES).map(move |prefix| Word::Announce(from, prefix)));
        for (record, word) in (1..).zip(first.chain([Word::Pass(20)]).chain(words)) {
            stage.now = stage.now + Span::from_micros(200_000);
            for what in stage.statements(&word) {
                let said = Observation { at: stage.now, source: RecordRef { file: FileId(0), record }, what };
                both.iter_mut().for_each(|pipeline| pipeline.observe(&said, &stage.vantages));
            }
        }
        let end = stage.now + Span::from_seconds(5_000);
        let [at_once, one_by_one] = both.map(|mut pipeline| {
            pipeline.advance(end, &stage.vantages);
            let steps = format!("{:#?}", pipeline.steps());
            let found = pipeline.finish(end, &stage.vantages);
            (steps, format!("{:#?}", (found.withdrawals, found.insufficient)))
        });
        prop_assert_eq!(at_once, one_by_one);
    }
}

/// What was found, without ids, which are in the order of what was met.
fn told(mut found: RoutingFindings) -> Vec<String> {
    for withdrawal in &mut found.withdrawals {
        withdrawal.id = PrefixId::at(0);
        withdrawal.evidence.iter_mut().for_each(|statement| statement.route = None);
    }
    let withdrawals = found.withdrawals.iter().map(|withdrawal| format!("{withdrawal:?}"));
    withdrawals.chain(found.insufficient.iter().map(|few| format!("{few:?}"))).collect()
}

proptest! {
    #[test]
    fn shares_find_together_what_one_finds_alone(words in words(), of in 1u32..5) {
        let (mut stage, mut settings) = (Stage::new(), Settings::default());
        (settings.eligible_min, settings.open_hold) = (2, Span::from_seconds(2));
        let shares = (0..of).filter_map(|number| Share::new(number, of)).map(Scope::Share);
        let mut all: Vec<_> = [Scope::Everything].into_iter().chain(shares).map(|scope| Pipeline::new(scope, &settings).followed()).collect();
        for (record, word) in (1..).zip(&words) {
            stage.now = stage.now + Span::from_seconds(1);
            let said: Vec<_> = stage.statements(word).into_iter().map(|what| {
                Observation { at: stage.now, source: RecordRef { file: FileId(0), record }, what }
            }).collect();
            all.iter_mut().for_each(|pipeline| pipeline.observe_all(&said, &stage.vantages));
        }
        let end = stage.now + Span::from_seconds(5_000);
        let mut found: Vec<_> = all.into_iter().map(|mut pipeline| {
            pipeline.advance(end, &stage.vantages);
            let steps = pipeline.steps();
            let found = pipeline.finish(end, &stage.vantages);
            let notes = format!("{:?}", (&found.notes, found.first, found.last));
            (steps.iter().map(|step| format!("{step:?}")).collect::<Vec<_>>(), told(found), notes)
        }).collect();
        let (mut steps, mut alone, notes) = found.remove(0);
        prop_assert!(found.iter().all(|(.., of_share)| *of_share == notes));
        let (mut steps_of_shares, mut together): (Vec<String>, Vec<String>) = Default::default();
        for (steps, told, _) in found {
            steps_of_shares.extend(steps);
            together.extend(told);
        }
        for list in [&mut steps, &mut alone, &mut steps_of_shares, &mut together] {
            list.sort();
        }
        prop_assert_eq!((steps, alone), (steps_of_shares, together));
    }
}

/// Two of six ASes never had the route, and no table says so before it is withdrawn everywhere else.
#[test]
fn a_table_dump_during_an_outage_makes_nobody_lose_what_they_never_had() {
    let (mut stage, mut settings) = (Stage::new(), Settings::default());
    (settings.eligible_min, settings.open_hold, settings.close_hold) = (2, Span::from_seconds(2), Span::from_seconds(10));
    let mut pipeline = Pipeline::new(Scope::Everything, &settings);
    let had = || (0..PEERS).filter(|peer| peer % 6 < 4);
    let all = |of| (0..PEERS).map(move |from| Word::Announce(from, of));
    let listed = (0..PEERS).flat_map(|_| (0..PREFIXES).map(|prefix| prefix > 0)).collect::<Vec<_>>();
    let words = (1..PREFIXES).flat_map(all).chain(had().map(|from| Word::Announce(from, 0))).chain([Word::Pass(20)]);
    let words = words.chain(had().map(|from| Word::Withdraw(from, 0))).chain([Word::Pass(30)]);
    let words = words.chain((0..2).map(|collector| Word::Dump(collector, listed.clone(), true))).chain([Word::Pass(30)]);
    for (record, word) in (1..).zip(words.chain(had().map(|from| Word::Announce(from, 0)))) {
        stage.now = stage.now + Span::from_micros(20_000);
        for what in stage.statements(&word) {
            let said = Observation { at: stage.now, source: RecordRef { file: FileId(0), record }, what };
            pipeline.observe(&said, &stage.vantages);
        }
    }
    let end = stage.now + Span::from_seconds(60);
    pipeline.advance(end, &stage.vantages);
    let found = pipeline.finish(end, &stage.vantages);
    let [withdrawal] = &found.withdrawals[..] else { panic!("{:#?}", found.withdrawals) };
    assert!(withdrawal.closed.is_some(), "{withdrawal:#?}");
}

#[test]
fn a_hold_runs_until_it_ends_or_everything_is_back() {
    let (mut stage, mut settings) = (Stage::new(), Settings::default());
    (settings.eligible_min, settings.open_hold) = (2, Span::from_seconds(10));
    let mut pipeline = Pipeline::new(Scope::Everything, &settings);
    let mut record = 0;
    let mut say = |words: &mut dyn Iterator<Item = Word>, pass: i64| {
        for word in words {
            for what in stage.statements(&word) {
                record += 1;
                let said = Observation { at: stage.now, source: RecordRef { file: FileId(0), record }, what };
                pipeline.observe(&said, &stage.vantages);
            }
        }
        stage.now = stage.now + Span::from_seconds(pass);
        pipeline.advance(stage.now, &stage.vantages);
        pipeline.hold_ends(stage.now).is_some()
    };
    assert!(!say(&mut (0..PEERS).flat_map(|from| (0..PREFIXES).map(move |of| Word::Announce(from, of))), 30));
    assert!(say(&mut (0..PEERS).map(|from| Word::Withdraw(from, 0)), 5));
    assert!(!say(&mut (0..PEERS).map(|from| Word::Announce(from, 0)), 2), "it was back within the hold");
    assert!(say(&mut (0..PEERS).map(|from| Word::Withdraw(from, 0)), 5));
    assert!(!say(&mut std::iter::empty(), 10), "it is a withdrawal now");
}
