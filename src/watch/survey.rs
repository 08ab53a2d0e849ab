//! Every origin AS, or a share of all prefixes, watched against a stream.
//!
//! Takes what is said, with its notes of how late it is; gives what happens to outages. Pure: whoever takes the same again, from the same archives on, finds the same.

use super::connection::Said;
use super::seed::{known_tables, seed};
use crate::outage::{OutageEvent, OutageStream};
use crate::pipeline::Pipeline;
use crate::scope::Scope;
use crate::settings::Settings;
use crate::source::ris_live::RisLive;
use crate::source::{InputFile, Interest, SourceError};
use crate::time::Timestamp;

/// Every origin, watched.
pub struct LiveSurvey {
    stream: RisLive,
    pipeline: Pipeline,
    outages: OutageStream,
    seeded_until: Option<Timestamp>,
}

impl LiveSurvey {
    /// Nothing has come yet from the stream at this address.
    pub fn new(scope: Scope, address: &str) -> Self {
        let settings = Settings::default();
        LiveSurvey {
            stream: RisLive::new(address, Interest::Origins),
            pipeline: Pipeline::new(scope, &settings).followed(),
            outages: OutageStream::new(&settings),
            seeded_until: None,
        }
    }

    /// Begins with what archives tell, and with what happened in them.
    ///
    /// # Errors
    /// If not one of the files can be read.
    pub fn seeded(mut self, files: Vec<InputFile>, threads: usize) -> Result<(Self, Vec<OutageEvent>), SourceError> {
        let (_, until) = seed(files, threads, &mut self.stream, &mut self.pipeline)?;
        self.seeded_until = Some(until);
        let steps = self.pipeline.steps();
        let events = self.outages.take(&steps);
        Ok((self, events))
    }

    /// Until when archives told what was.
    pub fn seeded_until(&self) -> Option<Timestamp> {
        self.seeded_until
    }

    /// Of how many vantage points the whole table of some family is known, and of how many anything.
    pub fn known_tables(&self) -> (usize, usize) {
        known_tables(&self.stream, &self.pipeline)
    }

    /// How many outages there were, and how many of them are not over.
    pub fn count(&self) -> (usize, usize) {
        self.outages.count()
    }

    /// Takes what is said; gives what happens to outages.
    pub fn take(&mut self, said: Vec<Said>) -> Vec<OutageEvent> {
        for said in said {
            match said {
                Said::Message(message) => self.stream.take_message(message),
                Said::Clock(at) => {
                    self.stream.pass(at);
                    self.hear();
                    self.pipeline.advance(at, self.stream.vantages());
                }
                Said::Lost(from, until) => self.stream.lost(from, until),
                Said::End => self.stream.end(),
            }
        }
        self.hear();
        let steps = self.pipeline.steps();
        if steps.is_empty() { Vec::new() } else { self.outages.take(&steps) }
    }

    fn hear(&mut self) {
        let (mut said, vantages) = self.stream.said();
        self.pipeline.observe_all(said.make_contiguous(), vantages);
    }
}
