//! Spans in which at least 35 peers had withdrawn a prefix, and then half of them at least, from the evidence of the withdrawal which the program found.
//!
//! The oracle counts peers, Faultline counts ASes; the evidence, which has every statement by peer, makes the two comparable. Peers
//! which only fell silent have not withdrawn.

use faultline::time::{Span, Timestamp};
use faultline::vantage::Asn;
use faultline::withdrawal::{Said, Withdrawal};
use ipnet::IpNet;
use std::collections::BTreeSet;

/// Peers which must have withdrawn a prefix.
const PEERS: usize = 35;
/// Half of them: fewer, and the prefix is back. Where the oracle's groups came back at one second, this is where the count stood.
const BACK: usize = PEERS / 2;
/// One span.
#[derive(Clone, Debug)]
pub struct Absence {
    pub prefix: IpNet,
    pub origins: Vec<Asn>,
    /// When the 35th peer had withdrawn.
    pub at: Timestamp,
    /// When fewer than half of these had; `None` if that is not in the recording.
    pub until: Option<Timestamp>,
    /// The outage of the survey to which it belongs.
    pub outage: usize,
}

impl Absence {
    /// How long it lasted; to the end of the recording if that came first.
    pub fn length(&self, end: Timestamp) -> Span {
        self.until.unwrap_or(end).since(self.at)
    }
}

/// The absences within a withdrawal, which is part of the outage at this place of the survey.
pub fn absences(withdrawal: &Withdrawal, outage: usize) -> Vec<Absence> {
    let mut gone = BTreeSet::new();
    let mut since = None;
    let mut found = Vec::new();
    let absence = |at, until| Absence { prefix: withdrawal.prefix, origins: withdrawal.origins.clone(), at, until, outage };
    for statement in &withdrawal.evidence {
        match statement.said {
            Said::Withdrew | Said::TreatedAsWithdraw | Said::AbsentFromTable => {
                gone.insert(statement.from);
            }
            Said::Announced | Said::InTable => {
                gone.remove(&statement.from);
            }
            Said::BecameUnknown | Said::BelievedAgain => {}
        }
        match since {
            None if gone.len() >= PEERS => since = Some(statement.at),
            Some(at) if gone.len() < BACK => {
                since = None;
                found.push(absence(at, Some(statement.at)));
            }
            _ => {}
        }
    }
    found.extend(since.map(|at| absence(at, None)));
    found
}
