//! Messages of BMP to statements, each written byte by byte: takes what a router sends, gives what an archive of it would say.

use super::*;

const PEER: (&str, u32) = ("192.0.2.1", 64505);
const SIX: (&str, u32) = ("2001:db8::6", 64506);
const NET: &str = "198.51.100.0/24";

#[test]
fn what_a_router_tells_becomes_the_statements_of_an_archive() {
    let reading = recorded(&[
        initiation("edge1"),
        of(PEER, 100).up(&[], &[]),
        of(PEER, 101).says(&update(&[], &[NET], &[64505, 64500])),
        of(PEER, 101).says(&update(&[], &[], &[])),
        of(SIX, 102).says(&update(&[], &["2001:db8:1::/48"], &[64506, 64500])),
        of(SIX, 103).says(&end_of_rib_v6()),
        of(PEER, 104).says(&update(&[NET], &[], &[])),
        of(PEER, 105).down(3),
        of(PEER, 106).down(2),
        message(5, &[0, 1, 0, 2, 0, 0]),
    ]);
    assert_eq!(
        lines(&reading),
        [
            "101 AS64505 up",
            "101 AS64505 announces 198.51.100.0/24#0 [64505 64500]",
            "101 AS64505 end of IPv4",
            "102 AS64506 announces 2001:db8:1::/48#0 [64506 64500]",
            "103 AS64506 end of IPv6",
            "104 AS64505 withdraws 198.51.100.0/24#0",
            "105 AS64505 down",
            "106 AS64505 down",
        ]
    );
    let account = &reading.accounts[0];
    assert_eq!((account.records, account.announced, account.withdrawn, account.end_of_ribs), (10, 2, 1, 2));
    assert_eq!((account.state_changes, account.skipped_count), (3, 0));
    let counted: Vec<(&str, u64)> = account.other.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(
        counted,
        [
            ("initiations", 1),
            ("sessions down for reason 2, ended by the router", 1),
            ("sessions down for reason 3, NOTIFICATION received", 1),
            ("terminations", 1)
        ]
    );
    let points: Vec<String> = reading.vantages.iter().map(|(_, point)| point.to_string()).collect();
    assert_eq!(points, ["AS64505 192.0.2.1 at edge", "AS64506 2001:db8::6 at edge"]);
}

// Why: FRR tells the End-of-RIB of both views whatever it monitors, and each route of a peer would count twice.
#[test]
fn of_two_views_what_the_peer_said_itself_counts() {
    let post = Of { flags: POST, ..of(PEER, 100) };
    let other = Of { peer: ("192.0.2.2", 64507), ..post };
    let reading = recorded(&[
        of(PEER, 100).statistics(),
        post.says(&update(&[], &[], &[])),
        of(PEER, 100).says(&update(&[], &[NET], &[64505, 64500])),
        post.says(&update(&[], &[NET], &[64505, 64501, 64500])),
        of(PEER, 101).says(&update(&[], &[], &[])),
        // Of another peer only what the policy left is told, until more is.
        other.says(&update(&[], &[NET], &[64507, 64500])),
        other.says(&update(&[], &[], &[])),
        Of { flags: 0, ..other }.says(&update(&[], &[NET], &[64507, 64508, 64500])),
        other.says(&update(&[NET], &[], &[])),
    ]);
    assert_eq!(
        lines(&reading),
        [
            "100 AS64505 announces 198.51.100.0/24#0 [64505 64500]",
            "101 AS64505 end of IPv4",
            "101 AS64507 announces 198.51.100.0/24#0 [64507 64500]",
            "101 AS64507 end of IPv4",
            "101 AS64507 announces 198.51.100.0/24#0 [64507 64508 64500]",
        ]
    );
    assert_eq!(reading.accounts[0].other["UPDATEs of the view which does not count"], 3);
}

// Why: FRR puts its own AS first, and every path would be one hop too long and begin with who has no vote.
#[test]
fn the_routers_own_as_is_no_part_of_what_a_peer_says() {
    let reading = recorded(&[
        of(PEER, 100).statistics(),
        // The OPENs which it sent have the number 64500.
        of(PEER, 100).up(&[], &[]),
        of(PEER, 101).says(&update(&[], &[NET], &[64500, 64505, 64501])),
        of(PEER, 102).says(&update(&[], &[NET], &[64505, 64500, 64505, 64501])),
    ]);
    assert_eq!(
        lines(&reading)[1..],
        [
            "101 AS64505 announces 198.51.100.0/24#0 [64505 64501]",
            "102 AS64505 announces 198.51.100.0/24#0 [64505 64500 64505 64501]"
        ]
    );
}

// Why: what a router sends or chose itself is no word of a witness; left out in silence it would look like a quiet peer.
#[test]
fn what_the_router_says_itself_is_left_out_and_counted() {
    let reading = recorded(&[
        of(PEER, 100).says(&update(&[], &[NET], &[64505, 64500])),
        Of { kind: 3, ..of(("0.0.0.0", 64499), 100) }.up(&[], &[]),
        Of { kind: 3, ..of(("0.0.0.0", 64499), 100) }.says(&update(&[], &["203.0.113.0/24"], &[64501])),
        Of { flags: OUT, ..of(PEER, 100) }.says(&update(&[], &["203.0.113.0/24"], &[64499, 64501])),
        Of { kind: 9, ..of(PEER, 100) }.says(&update(&[], &["203.0.113.0/24"], &[64501])),
        message(6, &[of(PEER, 100).header(), vec![0, 0, 0, 0]].concat()),
        message(77, &[1, 2, 3]),
    ]);
    assert_eq!(lines(&reading), ["100 AS64505 announces 198.51.100.0/24#0 [64505 64500]"]);
    let other = &reading.accounts[0].other;
    for (name, count) in [
        ("messages about its Loc-RIB (RFC 9069), left out", 2),
        ("messages about what it sends itself (Adj-RIB-Out, RFC 8671), left out", 1),
        ("messages about peers of type 9, not known", 1),
        ("mirrored messages (RFC 7854 §4.7), left out", 1),
        ("messages of type 77, not known", 1),
    ] {
        assert_eq!(other.get(name), Some(&count), "{name}: {other:?}");
    }
    assert_eq!(reading.vantages.len(), 1);
}

// Why: FRR's Peer Up carries the time of the session's change before, 28 s early in one recording, and its End-of-RIB none; after the
// first message nobody is believed alone who tells of another day.
#[test]
fn times_which_cannot_be_are_those_of_the_messages_before() {
    let day = 86_400;
    let reading = recorded(&[
        of(PEER, 10).up(&[], &[]),
        of(PEER, 1_000).says(&update(&[], &[NET], &[64505, 64500])),
        of(PEER, 0).says(&update(&[], &[], &[])),
        of(SIX, 972).up(&[], &[]),
        of(PEER, 1_010 + 3 * day).statistics(),
        of(PEER, 1_020).says(&update(&[NET], &[], &[])),
        of(PEER, 2_000 + 3 * day).statistics(),
        of(PEER, 2_010 + 3 * day).says(&update(&[], &[NET], &[64505, 64500])),
    ]);
    assert_eq!(
        lines(&reading),
        [
            "1000 AS64505 up",
            "1000 AS64505 announces 198.51.100.0/24#0 [64505 64500]",
            "1000 AS64505 end of IPv4",
            "1000 AS64506 up",
            "1020 AS64505 withdraws 198.51.100.0/24#0",
            "261210 AS64505 announces 198.51.100.0/24#0 [64505 64500]",
        ]
    );
}

// Why: one address may be a peer in several VRFs, and their routes must not overwrite each other's.
#[test]
fn peers_of_a_vrf_are_those_of_another_collector() {
    let vrf = Of { kind: 1, distinguisher: 0x0000_fbf4_0000_0007, ..of(PEER, 100) };
    let reading = recorded(&[
        of(PEER, 100).says(&update(&[], &[NET], &[64505, 64500])),
        vrf.says(&update(&[], &[NET], &[64505, 64501])),
        vrf.down(5),
    ]);
    let points: Vec<String> = reading.vantages.iter().map(|(_, point)| point.to_string()).collect();
    assert_eq!(points, ["AS64505 192.0.2.1 at edge", "AS64505 192.0.2.1 at edge VRF 64500:7"]);
}

#[test]
fn paths_of_two_byte_numbers_and_prefixes_with_identifiers_are_read_as_agreed() {
    // ORIGIN, AS_PATH (two bytes a number) with AS_TRANS, NEXT_HOP, and AS4_PATH.
    let mut attributes = vec![0x40, 1, 1, 0, 0x40, 2, 6, 2, 2, 0xfb, 0xf9, 0x5b, 0xa0, 0x40, 3, 4, 192, 0, 2, 1];
    attributes.extend([0xc0, 17, 6, 2, 1, 0, 1, 0, 0]);
    let legacy = update_raw(&[], &attributes, &nlri(NET));
    let with_id = update_raw(&[], &super::super::wire::attributes(&[64505, 64500]), &[&[0, 0, 0, 7], &nlri(NET)[..]].concat());
    let add_path = |mode: u8| [69, 4, 0, 1, 1, mode];
    let reading = recorded(&[
        Of { flags: LEGACY, ..of(PEER, 100) }.says(&legacy),
        of(("192.0.2.2", 64505), 101).up(&add_path(1), &add_path(2)),
        of(("192.0.2.2", 64505), 101).says(&with_id),
    ]);
    assert_eq!(
        lines(&reading),
        [
            "100 AS64505 announces 198.51.100.0/24#0 [64505 65536]",
            "101 AS64505 up",
            "101 AS64505 announces 198.51.100.0/24#7 [64505 64500]",
        ]
    );
}

#[test]
fn a_broken_message_costs_itself_and_a_broken_header_the_rest() {
    let mut cut = update(&[], &[NET], &[64505, 64500]);
    cut.pop();
    let reading = recorded(&[
        of(PEER, 100).says(&update(&[], &[NET], &[64505, 64500])),
        of(PEER, 101).says(&cut),
        message(0, &[0; 10]),
        of(PEER, 102).says(&bgp(4, &[])),
        of(PEER, 103).says(&update(&[NET], &[], &[])),
        vec![9, 0, 0, 0, 6, 0],
        of(PEER, 104).says(&update(&[], &[NET], &[64505, 64500])),
    ]);
    assert_eq!(
        lines(&reading),
        ["100 AS64505 announces 198.51.100.0/24#0 [64505 64500]", "103 AS64505 withdraws 198.51.100.0/24#0"]
    );
    let causes: Vec<&str> = reading.accounts[0].skipped.iter().map(|damage| damage.cause.as_str()).collect();
    assert_eq!(causes.len(), 4, "{causes:?}");
    assert!(causes[0].starts_with("an UPDATE tells a length of ") && causes[1].contains("per-peer header"), "{causes:?}");
    assert!(causes[2].contains("type 4, and not an UPDATE") && causes[3].contains("version 9"), "{causes:?}");
    assert_eq!(reading.accounts[0].skipped[3].record, 6);
}
