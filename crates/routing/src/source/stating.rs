//! What is needed to state what the messages of a stream say.
//!
//! A stream tells of many collectors, an archive of one: [`Stating::of`] gives what the decoder of archives needs of one of them. Nothing is read
//! here.

use super::account::FileAccount;
use super::interest::Interest;
use super::mrt::{Context, Sessions};
use super::route::Routes;
use crate::observation::{FileId, Observation, Others};
use crate::vantage::{CollectorId, Vantages};
use std::collections::VecDeque;

/// Where statements go, and what they are made with.
pub(super) struct Stating<'a> {
    /// Where vantage points get their ids.
    pub(super) vantages: &'a mut Vantages,
    /// Which prefixes deserve a statement.
    pub(super) interest: &'a Interest,
    /// Where everything is counted.
    pub(super) account: &'a mut FileAccount,
    /// The file, or what is counted like one.
    pub(super) file: FileId,
    /// Where routes are made.
    pub(super) routes: &'a mut Routes,
    /// Where statements go.
    pub(super) out: &'a mut VecDeque<Observation>,
    /// Room for the next messages of which no prefix is watched.
    pub(super) spare: &'a mut Option<Box<Others>>,
}

impl Stating<'_> {
    /// The same for the decoder of archives, of one collector.
    pub(super) fn of<'b>(&'b mut self, collector: CollectorId, sessions: &'b mut Sessions) -> Context<'b> {
        Context {
            vantages: self.vantages,
            collector,
            sessions,
            interest: self.interest,
            account: self.account,
            file: self.file,
            repeated: None,
            routes: self.routes,
            out: self.out,
            spare: self.spare,
            tap: None,
            bytes: None,
        }
    }
}
