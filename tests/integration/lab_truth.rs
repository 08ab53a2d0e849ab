//! What was done in a lab case, by the lab's own account (`truth.json`), and what its second reader saw of it (`observed.json`).

use faultline::time::{Span, Timestamp};
use faultline::vantage::Asn;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// One case's truth.
pub struct Truth {
    truth: Value,
    observed: Value,
}

impl Truth {
    /// That of a case of `data/lab`.
    pub fn of(case: &str) -> Truth {
        let folder = Path::new("data/lab").join(case);
        let json = |name: &str| serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap();
        Truth { truth: json("truth.json"), observed: json("observed.json") }
    }

    /// The only event of this name.
    pub fn event(&self, what: &str) -> Timestamp {
        let times: Vec<Timestamp> =
            self.events().iter().filter(|event| event["what"] == what).map(|event| at(&event["t"])).collect();
        assert_eq!(times.len(), 1, "{what}");
        times[0]
    }

    /// When the health checks of a group of name-server prefixes reached this state, the first node and the last.
    pub fn healthchecks(&self, group: &str, state: &str) -> (Timestamp, Timestamp) {
        let wanted = |event: &&Value| event["what"] == "healthcheck" && event["group"] == group && event["state"] == state;
        let times: BTreeSet<Timestamp> = self.events().iter().filter(wanted).map(|event| at(&event["t"])).collect();
        assert_eq!(times.len(), 2, "{group} {state} at both sites");
        (*times.first().unwrap(), *times.last().unwrap())
    }

    /// A list of texts of what was expected: `withdrawn`, `stay`, `announced`.
    pub fn expected(&self, key: &str) -> BTreeSet<String> {
        let list = self.truth["expect"][key].as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    }

    /// ASes of the vantage points which the case concerns.
    pub fn concerned(&self) -> Vec<Asn> {
        let mut ases: Vec<Asn> = self.expected("peers").iter().map(|name| self.asn(name)).collect();
        ases.sort_unstable();
        ases
    }

    /// The AS of a vantage point.
    pub fn asn(&self, name: &str) -> Asn {
        let peer = self.truth["peers"].as_array().unwrap().iter().find(|peer| peer["name"] == name).unwrap();
        Asn(u32::try_from(peer["asn"].as_u64().unwrap()).unwrap())
    }

    /// The AS which announced what is not its own.
    pub fn hijacker(&self) -> Asn {
        Asn(u32::try_from(self.truth["expect"]["origin"].as_u64().unwrap()).unwrap())
    }

    /// The covering routes of the organization.
    pub fn covers(&self) -> Vec<ipnet::IpNet> {
        self.truth["org"]["covering"].as_array().unwrap().iter().map(|cover| cover.as_str().unwrap().parse().unwrap()).collect()
    }

    /// The first and the last failure of a kind at a client; `None` if there was none.
    pub fn failed(&self, client: &str, kind: &str) -> Option<(Timestamp, Timestamp)> {
        let seen = &self.observed["impact_rel_first_event_s"][client][kind];
        let start = at(&self.events()[0]["t"]);
        seen.as_array().map(|pair| (start + span(&pair[0]), start + span(&pair[1])))
    }

    /// Sessions which left the state Established at a collector: when, and whose.
    pub fn sessions_lost(&self, collector: &str) -> Vec<(Timestamp, Asn)> {
        let start = at(&self.truth["t_start"]);
        let changes = self.observed["per_collector"][collector]["state_changes"].as_array().unwrap();
        let lost = changes.iter().filter(|change| change[2] == "6");
        lost.map(|change| (start + span(&change[0]), self.asn(change[1].as_str().unwrap()))).collect()
    }

    fn events(&self) -> &[Value] {
        self.truth["events"].as_array().unwrap()
    }
}

/// Seconds in a float, as the lab writes them.
fn span(seconds: &Value) -> Span {
    Span::from_micros((seconds.as_f64().unwrap() * 1e6).round() as i64)
}

fn at(seconds: &Value) -> Timestamp {
    Timestamp::from_micros(span(seconds).micros())
}
