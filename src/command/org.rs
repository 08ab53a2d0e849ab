//! `faultline org check`: is a profile valid, and what does it say?

use super::analyze::read_profile;
use crate::analysis::Outcome;
use crate::cli::{Org, OrgCommand};
use crate::report;

/// Runs it.
///
/// # Errors
/// If the profile is not valid: all its errors, each with line and column.
pub fn run(typed: &Org) -> miette::Result<Outcome> {
    let OrgCommand::Check { profile } = &typed.command;
    let organization = read_profile(profile)?;
    let servers: usize = organization.zones.iter().map(|zone| zone.name_servers.len()).sum();
    let overridden = organization.settings.in_force().iter().filter(|setting| setting.overridden).count();
    let rows = [
        ("organization", organization.name.clone()),
        ("AS numbers", names(&organization.as_numbers)),
        ("prefixes", organization.prefixes.len().to_string()),
        ("services", names(organization.services.iter().map(|service| &service.name))),
        ("zones", names(organization.zones.iter().map(|zone| &zone.name))),
        ("name servers", servers.to_string()),
        ("controls", names(organization.controls.iter().map(|control| &control.name))),
        ("probe vantages", names(organization.probe_vantages.iter().map(|vantage| &vantage.name))),
        ("settings", format!("{overridden} of {} changed", organization.settings.in_force().len())),
    ];
    let rows = rows.iter().map(|(what, value)| format!("{what:<16}{value}\n"));
    super::print(&report::plain(&format!("{} is valid.\n{}", profile.display(), rows.collect::<String>())))?;
    Ok(Outcome::NoIncident)
}

fn names<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
