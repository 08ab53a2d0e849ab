//! The generator: the same bytes for the same seed, which somebody else reads as what was meant.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests stop at the first surprise")]

use bgpkit_parser::BgpkitParser;
use bgpkit_parser::models::{BgpElem, ElemType};
use faultline_peers::generator::{BEGINS, Peer, Said, Scale, Universe, UpdateStream, Watched, watched, write_table};
use ipnet::IpNet;
use std::io::Cursor;

const PREFIXES: usize = 600;

fn world(seed: u64) -> (Universe, Vec<Peer>, Watched) {
    let universe = Universe::new(seed, Scale::SMALL);
    let (peers, organization) = (Peer::all(60, seed, &universe), watched(&universe, PREFIXES));
    (universe, peers, organization)
}

fn updates(seed: u64) -> (Vec<u8>, Said) {
    let (universe, peers, organization) = world(seed);
    let mut bytes = Vec::new();
    let said = UpdateStream::new(&universe, &peers, &organization, seed).write(5_000, (300, 300), &mut bytes).unwrap();
    (bytes, said)
}

fn table(seed: u64) -> (Vec<u8>, u64) {
    let (universe, peers, _) = world(seed);
    let mut bytes = Vec::new();
    let entries = write_table(&universe, &peers, PREFIXES, &mut bytes).unwrap();
    (bytes, entries)
}

fn elements(bytes: Vec<u8>) -> Vec<BgpElem> {
    BgpkitParser::from_reader(Cursor::new(bytes)).into_iter().collect()
}

fn own(elements: &[BgpElem]) -> usize {
    let list: Vec<IpNet> = world(1).2.list().lines().map(|line| line.parse().unwrap()).collect();
    elements.iter().filter(|element| list.contains(&element.prefix.prefix)).count()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    assert!(updates(1) == updates(1) && table(1) == table(1));
    assert!(updates(1).0 != updates(2).0 && table(1).0 != table(2).0);
}

#[test]
fn another_reader_finds_in_the_updates_what_was_said() {
    let (bytes, said) = updates(1);
    let elements = elements(bytes);
    let announced = elements.iter().filter(|element| element.elem_type == ElemType::ANNOUNCE).count() as u64;
    assert_eq!((announced, elements.len() as u64 - announced), (said.announced, said.withdrawn));
    assert!(said.withdrawn > 0 && own(&elements) > 0, "withdrawn, and of the watched organization");
    let (first, last) = (elements[0].timestamp, elements[elements.len() - 1].timestamp);
    let begins = f64::from(u32::try_from(BEGINS).unwrap()) + 300.0;
    assert!(first >= begins && last < begins + 300.0, "{first} to {last}");
}

#[test]
fn another_reader_finds_in_the_table_every_entry() {
    let (bytes, entries) = table(1);
    let elements = elements(bytes);
    assert_eq!(elements.len() as u64, entries);
    assert!(own(&elements) > 0);
    assert!(elements.iter().any(|element| element.prefix.prefix.addr().is_ipv6()), "both families");
    assert!(elements.iter().all(|element| element.as_path.is_some() && element.next_hop.is_some()));
}
