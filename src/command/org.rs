//! `faultline org check`: is a profile valid, and what does it say?

use super::analyze::read_profile;
use crate::analysis::Outcome;
use crate::cli::{Org, OrgCommand};

/// Runs it.
///
/// # Errors
/// If the profile is not valid: all its errors, each with line and column.
pub fn run(typed: &Org) -> miette::Result<Outcome> {
    let OrgCommand::Check { profile } = &typed.command;
    let organization = read_profile(profile)?;
    let servers: usize = organization.zones.iter().map(|zone| zone.name_servers.len()).sum();
    let overridden = organization.settings.in_force().iter().filter(|setting| setting.overridden).count();
    super::print(&format!(
        "{}: valid. {}: {} AS numbers, {} prefixes, {} services, {} zones with {servers} name servers, {} controls, {} probe vantages, \
         {overridden} settings changed.\n",
        profile.display(),
        organization.name,
        organization.as_numbers.len(),
        organization.prefixes.len(),
        organization.services.len(),
        organization.zones.len(),
        organization.controls.len(),
        organization.probe_vantages.len(),
    ))?;
    Ok(Outcome::NoIncident)
}
