//! Counts of real files against those which other readers agreed on (INDEX.md of the recorded data).

use crate::skip::shared;
use crate::wire::{input, read};
use faultline::source::{FileAccount, FileKind, InputSpec, Interest, Merge, Resources, discover};
use faultline::vantage::Vantages;
use std::path::Path;

/// File, announced, withdrawn, state changes as the index has them, and why they may differ from the account's own fields.
const UPDATES: &[(&str, u64, u64, u64, &str)] = &[
    ("ripencc-bgpdump/test_data/updates.20100722.2015.gz", 5_067, 547, 40, "as the index"),
    ("ripencc-bgpdump/test_data/updates.20071015.1505.gz", 10_111, 385, 0, "as the index"),
    (
        "ripencc-bgpdump/test_data/updates.20070211.0141.gz",
        51_329,
        2_328,
        0,
        "the index counts multicast, which the account keeps apart",
    ),
    ("ripencc-bgpdump/test_data/updates.20020722.2238.gz", 825, 2_419, 93, "as the index"),
    ("ripencc-bgpdump/test_data/updates.et-header.2015.gz", 577_737, 3, 4, "as the index"),
    ("ripencc-bgpdump/test_data/updates.long_withdrawal.gz", 0, 4_096, 0, "as the index"),
    ("caida-libbgpstream/test/ris.rrc06.updates.1427846400.gz", 1_435, 122, 4, "as the index"),
    ("caida-libbgpstream/test/routeviews.route-views.jinx.updates.1427846400.bz2", 8_160, 451, 0, "as the index"),
    ("bgpkit-parser/tests/fixtures/ripe/rrc15/2010.02/updates.20100227.1600.gz", 52_468, 1_318, 20, "as the index"),
    ("bgpkit-parser/tests/fixtures/ripe/rrc15/2010.02/updates.20100227.1610.gz", 5_920, 1_549, 16, "as the index"),
    ("bgpkit-parser/tests/fixtures/ripe/rrc03/2010.02/updates.20100227.1600.first-796-records.gz", 1_226, 133, 4, "as the index"),
    (
        "bgpkit-parser/tests/fixtures/ripe/rrc01/2000.11/updates.20001104.0124.gz",
        378,
        141,
        364,
        "as the index; 42 changes name no peer",
    ),
    ("bgpkit-parser/tests/fixtures/ripe/rrc00/1999.09/updates.19990903.1041.gz", 65_286, 25, 4, "the index tells no state changes"),
    (
        "bgpkit-parser/tests/fixtures/ripe/rrc00/1999.12/updates.19991214.1621.gz",
        54_126,
        1_363,
        27,
        "the index tells no state changes",
    ),
    (
        "bgpkit-parser/tests/fixtures/ripe/rrc00/2000.01/updates.20000102.2014.gz",
        5_668,
        675,
        16,
        "the index tells no state changes",
    ),
    ("bgpkit-parser/examples/local_only/updates.bz2", 159, 109, 0, "as the index"),
    ("ripencc-java-mrt/src/test/resources/rrc20.updates.20180205.1030.gz", 63_301, 4_194, 38, "as the index"),
    ("ripencc-java-mrt/src/test/resources/updates.20170103.0630", 24_628, 2_302, 39, "as the index"),
    ("mrtparse/samples/bird_bgp", 14, 0, 12, "ADD-PATH prefixes inside a plain message; the index tells no state changes"),
];

/// File and entries.
const TABLES: &[(&str, u64, &str)] = &[
    ("ripencc-bgpdump/test_data/bview.20020722.2337.gz", 115_521, "TABLE_DUMP version 1"),
    ("ripencc-bgpdump/test_data/bview.64k_stream_overflow.gz", 23, "one record of 64 KiB"),
    ("ripencc-bgpdump/test_data/bview.ipv4_unicast_add_path.gz", 62, "two of them the collector's own"),
    ("ripencc-bgpdump/test_data/bview.ipv6_unicast_add_path.gz", 62, "two of them the collector's own"),
    ("mrtparse/samples/quagga_rib", 9, "small"),
    ("mrtparse/samples/openbgpd_rib_table", 31, "TABLE_DUMP version 1, IPv4 and IPv6"),
    ("mrtparse/samples/openbgpd_rib_table-v2", 31, "small"),
];

/// The account of one file; statements are counted away as they come.
fn account(path: &Path) -> FileAccount {
    let mut merge = Merge::open(vec![input(path, "test", "updates", None)], Interest::Everything, &Resources::default()).unwrap();
    let mut vantages = Vantages::default();
    while merge.next(&mut vantages).is_some() {}
    merge.accounts()[0].clone()
}

fn multicast(account: &FileAccount, verb: &str) -> u64 {
    account.other.iter().filter(|(name, _)| name.ends_with(&format!("multicast prefixes {verb}"))).map(|(_, count)| count).sum()
}

#[test]
fn updates_are_counted_as_other_readers_count_them() {
    let Some(folder) = shared("data/mrt") else { return };
    for (name, announced, withdrawn, state_changes, why) in UPDATES {
        let account = account(&folder.join(name));
        let counts = (
            account.announced + multicast(&account, "announced"),
            account.withdrawn + multicast(&account, "withdrawn"),
            account.state_changes,
        );
        assert_eq!(counts, (*announced, *withdrawn, *state_changes), "{name}: {why}");
        assert_eq!((account.skipped_count, account.error.as_deref(), account.kind), (0, None, FileKind::Updates), "{name}");
    }
}

#[test]
fn tables_are_counted_as_other_readers_count_them() {
    let Some(folder) = shared("data/mrt") else { return };
    for (name, entries, why) in TABLES {
        let account = account(&folder.join(name));
        assert_eq!((account.table_entries, account.skipped_count), (*entries, 0), "{name}: {why}");
    }
}

#[test]
fn a_table_in_a_format_nobody_reads_is_said_to_be_one() {
    let Some(folder) = shared("data/mrt/mrtparse/samples") else { return };
    let account = account(&folder.join("openbgpd_rib_table-mp"));
    let unread: u64 = account.other.values().sum();
    assert_eq!((unread, account.records, account.skipped_count), (31, 31, 0), "{:?}", account.other);
}

#[test]
fn every_file_of_the_collection_is_read_or_refused_by_name() {
    let Some(folder) = shared("data/mrt/mrtparse") else { return };
    let read = read(discover(&[InputSpec { path: folder, collector: Some("lab".into()) }]).unwrap(), Interest::Everything);
    for account in &read.accounts {
        assert!(account.kind == FileKind::NotBgp || account.records > 0, "{account:?}");
        assert_eq!(account.skipped_count, 0, "{account:?}");
    }
}

#[test]
fn messages_cut_by_the_writer_count_as_bgpdump_counts_them() {
    let Some(folder) = shared("data/events/routeviews2-2008-02") else { return };
    // The first two have messages cut at 4,096 bytes, the third is whole; announced and withdrawn from files.csv.
    for (name, announced, withdrawn) in [
        ("2008-02-19/updates.20080219.0045.bz2", 47_040, 6_103),
        ("2008-02-23/updates.20080223.2250.bz2", 64_398, 5_858),
        ("2008-02-19/updates.20080219.0030.bz2", 44_228, 3_312),
    ] {
        let account = account(&folder.join(name));
        let counts = (account.announced + multicast(&account, "announced"), account.withdrawn + multicast(&account, "withdrawn"));
        assert_eq!(counts, (announced, withdrawn), "{name}");
    }
}
