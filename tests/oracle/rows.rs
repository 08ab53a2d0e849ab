//! The rows of the oracle: what was counted from the messages of the recording, read from its two tables.

use crate::recording::Recording;
use faultline::time::Timestamp;
use faultline::vantage::Asn;
use ipnet::IpNet;
use std::collections::{BTreeSet, HashMap};

/// `oracle-origin-outages.csv`: prefixes of one origin, each withdrawn by at least 35 peers for at least 300 s.
pub struct GroupRow {
    pub origin: Asn,
    pub prefixes: BTreeSet<IpNet>,
    /// When the 35th peer had withdrawn the first of them.
    pub first: Timestamp,
    /// When the 35th peer had withdrawn the last of them.
    pub last: Timestamp,
    /// When the median prefix was back.
    pub median_back: Timestamp,
    /// True if it can be seen without older state.
    pub self_contained: bool,
}

/// `oracle-beacons.csv`: one RIS beacon at one boundary of its schedule.
pub struct BeaconRow {
    pub prefix: IpNet,
    pub boundary: Timestamp,
    /// True if the schedule withdraws it then.
    pub withdraws: bool,
    pub up_at_end: u32,
    pub seen_so_far: u32,
    pub withdraw_statements: u32,
    /// Seconds from the boundary to the first and the last peer's final statement.
    pub finals: Option<(i64, i64)>,
}

impl GroupRow {
    pub fn read(recording: &Recording) -> Vec<Self> {
        let row = |cells: &HashMap<String, String>| GroupRow {
            origin: Asn(cells["origin_as"].trim_start_matches("AS").parse().unwrap()),
            prefixes: cells["prefix_list"].split(' ').map(|prefix| prefix.parse().unwrap()).collect(),
            first: cells["first_prefix_at_35_peers_utc"].parse().unwrap(),
            last: cells["last_prefix_at_35_peers_utc"].parse().unwrap(),
            median_back: cells["median_back_utc"].parse().unwrap(),
            self_contained: cells["self_contained"] == "yes",
        };
        table(recording, "oracle-origin-outages.csv").iter().map(row).collect()
    }
}

impl BeaconRow {
    pub fn read(recording: &Recording) -> Vec<Self> {
        let row = |cells: &HashMap<String, String>| BeaconRow {
            prefix: cells["prefix"].parse().unwrap(),
            boundary: cells["boundary_utc"].replace('Z', ":00Z").parse().unwrap(),
            withdraws: cells["ris_schedule"] == "withdraw",
            up_at_end: cells["peers_up_at_end_of_slot"].parse().unwrap(),
            seen_so_far: cells["peers_seen_so_far"].parse().unwrap(),
            withdraw_statements: cells["withdraw_elems_in_slot"].parse().unwrap(),
            finals: cells["first_final_offset_s"].parse().ok().zip(cells["last_final_offset_s"].parse().ok()),
        };
        table(recording, "oracle-beacons.csv").iter().map(row).collect()
    }

    /// Its peers really withdrew: most of those which ever had it said so in this slot, and it was gone at its end.
    pub fn is_testable(&self) -> bool {
        self.withdraws
            && self.up_at_end * 2 < self.seen_so_far
            && self.withdraw_statements * 2 > self.seen_so_far
            && self.seen_so_far >= 10
    }
}

fn table(recording: &Recording, name: &str) -> Vec<HashMap<String, String>> {
    let mut reader = csv::Reader::from_path(recording.path(name)).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}
