//! The dashboard of a watch: begun, and told what people are told.

use crate::cli::Watch;
use crate::dashboard::{Publisher, Serving, Token, serve};
use crate::report::ReportView;
use crate::time::Timestamp;
use crate::watch::board::{Lookout, OutboxState, canary_of, probes_of};
use crate::watch::run::Told;
use crate::watch::{IncidentEvent, Live};
use std::sync::Arc;

/// Who publishes to the dashboard, and the dashboard, which ends with it.
pub(super) struct Shown {
    publisher: Publisher,
    _serving: Serving,
}

impl Shown {
    /// Begins the dashboard, if it is wanted.
    ///
    /// # Errors
    /// If it cannot be served there, or not without a token.
    pub(super) fn begin(typed: &Watch, live: &Live, now: Timestamp) -> miette::Result<Option<Shown>> {
        let Some(address) = typed.dashboard else { return Ok(None) };
        let token = match (&typed.dashboard_token_file, std::env::var("FAULTLINE_TOKEN")) {
            (Some(path), _) => Some(std::fs::read_to_string(path).map_err(|error| {
                miette::miette!(help = "it holds the token, and nothing else", "{} cannot be read: {error}", path.display())
            })?),
            // A variable which is empty is one which is not set, to most who write it so.
            (None, token) => token.ok().filter(|token| !token.is_empty()),
        };
        let token = token.as_deref().map(Token::new).transpose()?;
        let lookout = Lookout::new((!typed.bmp_only).then_some(&*typed.stream), typed.replayed, now);
        let lookout = if typed.bmp.is_empty() { lookout } else { lookout.hearing_routers() };
        let (publisher, snapshots) = Publisher::new(lookout, live, now);
        let serving = serve(address, token, snapshots)?;
        super::super::tell(&format!("the dashboard is at http://{}/", serving.address));
        Ok(Some(Shown { publisher, _serving: serving }))
    }

    /// Takes what people are told, but for incidents.
    pub(super) fn take(&mut self, told: &Told<'_>) {
        let lookout = &mut self.publisher.lookout;
        match told {
            Told::Up => lookout.up(),
            Told::Down(reason) | Told::NoConnection(reason) => lookout.down(reason),
            Told::Quiet(_) => lookout.down("nobody puts anything onto the bus"),
            Told::Trouble(words) | Told::Error(words) => lookout.complaint(words),
            Told::Looked(live, at) => {
                lookout.probed(probes_of(live));
                if let Some(canary) = canary_of(live, *at) {
                    lookout.canary(canary);
                }
                self.publisher.looked(live, *at);
            }
            Told::Current(_)
            | Told::Silent(_)
            | Told::Overlap(..)
            | Told::Missed(_)
            | Told::Filled(_)
            | Told::NotFilled(_)
            | Told::Router(_)
            | Told::Probing(_)
            | Told::Recording(_)
            | Told::Unasked(_)
            | Told::Incidents(..) => {}
        }
    }

    /// How alerts are; nothing if nobody is told.
    pub(super) fn outbox(&mut self, outbox: Option<OutboxState>) {
        if let Some(outbox) = outbox {
            self.publisher.lookout.outbox(outbox);
        }
    }

    /// Something happens to incidents; the report shows them as they are now.
    pub(super) fn incidents(&mut self, view: ReportView, news: &[IncidentEvent], at: Timestamp) {
        self.publisher.incidents(Arc::new(view), news, at);
    }
}
