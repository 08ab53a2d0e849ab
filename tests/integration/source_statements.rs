//! What records mean: one test a habit of the protocol or of the programs which write archives.

use crate::wire::*;
use faultline::source::{Interest, WatchedPrefixes};

const PEER: (&str, u32) = ("192.0.2.1", 64505);
const OTHER: (&str, u32) = ("192.0.2.2", 131_072);

#[test]
fn an_update_which_withdraws_and_announces_a_prefix_announces_it() {
    let update = update(&["198.51.100.0/24", "203.0.113.0/24"], &["198.51.100.0/24"], &[64505, 64500]);
    let read = read_records(&[message(100, 4, PEER, &update)]);
    assert_eq!(read.lines(), ["100 AS64505 withdraws 203.0.113.0/24#0", "100 AS64505 announces 198.51.100.0/24#0 [64505 64500]"]);
    assert_eq!((read.accounts[0].announced, read.accounts[0].withdrawn), (1, 2), "counts say what the message says");
}

#[test]
fn ipv6_comes_in_mp_reach_and_mp_unreach_and_multicast_is_only_counted() {
    let read = read_records(&[
        message(100, 4, PEER, &update(&["2001:db8:1::/48"], &["2001:db8:2::/48", "198.51.100.0/24"], &[64505])),
        message(101, 4, PEER, &update_safi(&[], &["2001:db8:3::/48"], &[64505], 2)),
    ]);
    assert_eq!(
        read.lines(),
        [
            "100 AS64505 withdraws 2001:db8:1::/48#0",
            "100 AS64505 announces 198.51.100.0/24#0 [64505]",
            "100 AS64505 announces 2001:db8:2::/48#0 [64505]",
            "101 AS64505 alive",
        ]
    );
    assert_eq!(read.accounts[0].other["IPv6 multicast prefixes announced"], 1);
}

#[test]
fn end_of_rib_is_told_for_each_family() {
    let read = read_records(&[message(100, 4, PEER, &update(&[], &[], &[])), message(101, 4, PEER, &end_of_rib_v6())]);
    assert_eq!(read.lines(), ["100 AS64505 end of IPv4", "101 AS64505 end of IPv6"]);
}

#[test]
fn an_announcement_without_as_path_is_taken_as_a_withdrawal() {
    // RFC 7606 §3 d.
    let origin_only = [0x40, 1, 1, 0];
    let read = read_records(&[message(100, 4, PEER, &update_raw(&[], &origin_only, &nlri("198.51.100.0/24")))]);
    assert_eq!(read.lines(), ["100 AS64505 is taken to withdraw 198.51.100.0/24"]);
    assert_eq!(read.accounts[0].treated_as_withdrawn, 1);
}

#[test]
fn path_identifiers_are_kept() {
    let update = update(&["198.51.100.0/24#1"], &["198.51.100.0/24#2"], &[64505]);
    let read = read_records(&[message(100, 9, PEER, &update)]);
    assert_eq!(read.lines(), ["100 AS64505 withdraws 198.51.100.0/24#1", "100 AS64505 announces 198.51.100.0/24#2 [64505]"]);
}

#[test]
fn an_open_tells_the_as_number_that_two_bytes_cannot() {
    // Version, AS_TRANS, hold time, identifier, one parameter: the capability 65 with AS 131072 (RFC 6793 §3).
    let open = bgp(1, &[4, 0x5b, 0xa0, 0, 90, 192, 0, 2, 2, 8, 2, 6, 65, 4, 0, 2, 0, 0]);
    let read = read_records(&[
        message(100, 4, (OTHER.0, 23456), &open),
        message(101, 4, (OTHER.0, 0), &bgp(4, &[])),
        message(102, 4, OTHER, &bgp(3, &[6, 2])),
    ]);
    assert_eq!(read.lines(), ["100 AS131072 up", "101 AS131072 alive", "102 AS131072 down"]);
    assert_eq!(read.vantages.len(), 1, "one peer, whatever its records call it");
}

#[test]
fn state_changes_of_every_program_name_the_peer() {
    let read = read_records(&[
        message(100, 4, PEER, &bgp(4, &[])),
        // FRR's states 7 and 8 are outside RFC 6396.
        state_change(101, PEER, LOCAL, (6, 7)),
        state_change(102, PEER, LOCAL, (5, 6)),
        // OpenBGPD swaps the two ends.
        state_change(103, LOCAL, PEER, (6, 1)),
        state_change(104, LOCAL, (PEER.0, 0), (5, 6)),
    ]);
    assert_eq!(read.lines()[1..], ["101 AS64505 down", "102 AS64505 up", "103 AS64505 down", "104 AS64505 up"]);
    assert_eq!((read.vantages.len(), read.accounts[0].state_changes), (1, 4));
}

#[test]
fn attempts_beside_an_established_session_end_nothing() {
    let read = read_records(&[
        state_change(100, PEER, LOCAL, (5, 6)),
        // FRR records both connections of a collision, and deletes the one which it gives up.
        state_change(100, PEER, LOCAL, (1, 3)),
        state_change(100, PEER, LOCAL, (3, 4)),
        state_change(100, PEER, LOCAL, (4, 8)),
        // RIS is full of peers which never come up.
        state_change(101, PEER, LOCAL, (2, 3)),
        message(101, 4, PEER, &bgp(3, &[6, 7])),
        state_change(102, PEER, LOCAL, (6, 7)),
        state_change(102, PEER, LOCAL, (7, 1)),
    ]);
    assert_eq!(read.lines(), ["100 AS64505 up", "102 AS64505 down", "102 AS64505 down"]);
    assert_eq!(read.accounts[0].notifications, 1);
    assert_eq!(read.accounts[0].state_changes, 7, "all are counted");
}

#[test]
fn what_the_collector_itself_sends_says_nothing() {
    let read =
        read_records(&[message(100, 7, PEER, &update(&[], &["198.51.100.0/24"], &[64499])), message(101, 4, PEER, &bgp(4, &[]))]);
    assert_eq!(read.lines(), ["101 AS64505 alive"]);
    assert_eq!(read.accounts[0].other["messages sent by the collector"], 1);
}

#[test]
fn what_is_not_watched_is_passed_on_in_one_statement() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("updates");
    let update = update(&["203.0.113.0/24"], &["198.51.100.0/24", "10.0.0.0/8", "198.51.0.0/16"], &[64505]);
    let records = [
        message(100, 4, PEER, &update),
        peer_index(101, &[("0.0.0.0", 0), PEER]),
        rib(101, 2, "198.51.100.0/24", &[(1, None, &[64505])]),
        rib(101, 2, "10.0.0.0/8", &[(1, None, &[64505])]),
    ];
    std::fs::write(&path, records.concat()).unwrap();
    let interest = Interest::Watched(WatchedPrefixes::new(["198.51.100.0/24".parse().unwrap()]));
    let read = read(vec![input(&path, "test", "updates", None)], interest);
    assert_eq!(
        read.lines(),
        [
            "100 AS64505 announces 198.51.100.0/24#0 [64505]",
            "100 AS64505 announces 198.51.0.0/16#0 [64505]",
            "100 AS64505 other +[10.0.0.0/8] -[203.0.113.0/24]",
            "101 table of test 1",
            "101 AS64505 has 198.51.100.0/24#0",
            "101 table complete AS64505:2+0",
        ]
    );
}

#[test]
fn a_file_may_hold_several_dumps_each_applied_as_one_moment() {
    let filler = ("0.0.0.0", 0);
    let read = read_records(&[
        peer_index(100, &[filler, PEER, OTHER]),
        rib(102, 2, "198.51.100.0/24", &[(1, None, &[64505]), (2, None, &[131_072])]),
        rib(104, 4, "2001:db8::/32", &[(2, None, &[131_072])]),
        // GoBGP appends the next dump to the same file.
        peer_index(200, &[filler, PEER]),
        rib(200, 8, "198.51.100.0/24", &[(1, Some(1), &[64505]), (1, Some(2), &[64505])]),
        rib_generic(201, (1, 1), "203.0.113.0/24", &[(1, None, &[64505]), (0, None, &[])]),
    ]);
    assert_eq!(
        read.lines(),
        [
            "100 table of test 2",
            "100 AS64505 has 198.51.100.0/24#0",
            "100 AS131072 has 198.51.100.0/24#0",
            "100 AS131072 has 2001:db8::/32#0",
            "100 table complete AS64505:1+0 AS131072:1+1",
            "200 table of test 1",
            "200 AS64505 has 198.51.100.0/24#1",
            "200 AS64505 has 198.51.100.0/24#2",
            "200 AS64505 has 203.0.113.0/24#0",
            "200 table complete AS64505:2+0",
        ]
    );
    assert_eq!((read.accounts[0].tables, read.accounts[0].table_entries), (2, 7));
}

#[test]
fn version_one_has_no_index_and_a_pause_begins_another_dump() {
    let peer = (PEER.0, 64505);
    let read = read_records(&[
        table_dump(100, "198.51.100.0/24", peer, &[64505, 64500]),
        table_dump(130, "203.0.113.0/24", peer, &[64505]),
        table_dump(7300, "203.0.113.0/24", peer, &[64505]),
    ]);
    assert_eq!(
        read.lines(),
        [
            "100 table of test 0",
            "100 AS64505 has 198.51.100.0/24#0",
            "100 AS64505 has 203.0.113.0/24#0",
            "100 table complete AS64505:2+0",
            "7300 table of test 0",
            "7300 AS64505 has 203.0.113.0/24#0",
            "7300 table complete AS64505:1+0",
        ]
    );
}

#[test]
fn an_empty_or_truncated_dump_is_no_seed() {
    let empty = read_records(&[peer_index(100, &[PEER])]);
    assert_eq!(empty.lines(), ["100 table of test 1", "100 table incomplete AS64505:0+0"]);
    let entry = rib(100, 2, "198.51.100.0/24", &[(1, None, &[64505])]);
    let records = [peer_index(100, &[("0.0.0.0", 0), PEER]), entry.clone(), entry[..entry.len() - 9].to_vec()];
    let truncated = read_records(&records);
    assert_eq!(truncated.lines().last().unwrap(), "100 table incomplete AS64505:1+0");
    // A record which promises more entries than it has, though its own length is right.
    let mut promises = rib(100, 2, "203.0.113.0/24", &[(1, None, &[64505])]);
    promises[12 + 4 + 4 + 1] = 2;
    let short = read_records(&[peer_index(100, &[("0.0.0.0", 0), PEER]), promises]);
    assert_eq!(short.lines().last().unwrap(), "100 table incomplete AS64505:1+0");
    assert!(short.accounts[0].skipped[0].cause.contains("only 1 of the 2 table entries"), "{:?}", short.accounts[0].skipped);
}

#[test]
fn a_message_which_the_writer_cut_short_keeps_its_complete_prefixes() {
    // Zebra's collectors of 2008 wrote at most 4,096 bytes a record.
    let mut update = update(&[], &["198.51.100.0/24", "203.0.113.0/24"], &[64505]);
    update.truncate(update.len() - 2);
    let read = read_records(&[message(100, 4, PEER, &update), message(101, 4, PEER, &bgp(4, &[]))]);
    assert_eq!(
        read.lines(),
        ["100 AS64505 announces 198.51.100.0/24#0 [64505]", "100 gap of test until 101 DamagedFile", "101 AS64505 alive"]
    );
    assert_eq!(read.accounts[0].skipped_bytes, 2);
}

#[test]
fn what_nobody_reads_is_counted_and_not_taken_for_damage() {
    let entry = record(100, None, 16, 2, &[0; 40]);
    let ospf = record(100, None, 11, 0, &[0; 20]);
    let read = read_records(&[entry.clone(), entry, ospf, message(101, 4, PEER, &bgp(4, &[]))]);
    assert_eq!(read.lines(), ["101 AS64505 alive"]);
    let account = &read.accounts[0];
    assert_eq!((account.skipped_count, account.records), (0, 4));
    assert_eq!(account.other["BGP4MP subtype 2 (ENTRY) records, not readable"], 2);
    assert_eq!(account.other["OSPFv2 records"], 1);
}
