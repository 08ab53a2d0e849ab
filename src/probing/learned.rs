//! What answers add to a profile: addresses of hosts, aliases, name servers.
//!
//! Takes results one by one and keeps the newest answer to each question, so that what no answer names any more is forgotten, and what was
//! known stays known while nobody answers.

use crate::dependency::{Answers, Dependencies};
use crate::org::Organization;
use crate::probe::{DnsKind, Outcome, ProbeResult, Question, Target};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// The newest answers.
#[derive(Debug, Default)]
pub(super) struct Learned {
    newest: BTreeMap<Target, ProbeResult>,
    changed: bool,
}

impl Learned {
    /// Takes a result; only answers teach anything.
    pub(super) fn observe(&mut self, result: &ProbeResult) {
        let Outcome::Dns(outcome) = &result.outcome else { return };
        if outcome.kind != DnsKind::Answered {
            return;
        }
        let before = self.newest.insert(result.target.clone(), result.clone());
        let facts = |result: &ProbeResult| match &result.outcome {
            Outcome::Dns(outcome) => {
                let mut facts: Vec<_> = outcome.answers.iter().map(|a| (Arc::clone(&a.name), Arc::clone(&a.data))).collect();
                facts.sort();
                facts
            }
            Outcome::Http(_) | Outcome::Ping { .. } | Outcome::Status(_) => Vec::new(),
        };
        self.changed |= before.is_none_or(|before| facts(&before) != facts(result));
    }

    /// Was anything learned since this was asked last?
    pub(super) fn has_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// What the services need, by the profile and the newest answers.
    pub(super) fn dependencies(&self, organization: &Organization) -> Dependencies {
        let mut answers = Answers::default();
        self.newest.values().for_each(|result| answers.observe(result));
        Dependencies::new(organization, &answers)
    }

    /// Forgets the answers to what is not asked any more.
    pub(super) fn keep(&mut self, questions: &[Arc<Question>]) {
        let asked: HashSet<Target> = questions.iter().map(|question| question.target()).collect();
        self.newest.retain(|target, _| asked.contains(target));
    }
}
