//! A profile to begin with: what table dumps and the DNS tell of an organization, as TOML with remarks, for a person to edit.
//!
//! Takes what was seen and found; gives text which `org check` takes, whatever names came out of the DNS. Judges nothing but this: what too few ASes see is
//! written as a comment. Asks nobody.

mod fold;
mod text;

use super::profile;
use crate::time::Timestamp;
use crate::vantage::{Asn, Family};
use fold::{Listed, fold};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use text::{remark, string};

/// What is known of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What it is called.
    pub name: String,
    /// Its AS numbers.
    pub as_numbers: Vec<Asn>,
    /// Prefixes which fewer ASes see are written as comments.
    pub seen_by: usize,
    /// Where its prefixes were seen.
    pub tables: Vec<SeenTable>,
    /// ASes which sent routes, by [`Family::index`].
    pub witnesses: [usize; 2],
    /// Prefixes which its AS numbers originate, each with every origin and how many ASes see the prefix from there.
    pub own: BTreeMap<IpNet, BTreeMap<Asn, usize>>,
    /// Prefixes inside of those which others originate.
    pub inside: BTreeMap<(IpNet, Asn), usize>,
    /// Whom the DNS was asked through, and when.
    pub resolver: Option<(String, Timestamp)>,
    /// What the DNS says of its zones.
    pub zones: Vec<FoundZone>,
    /// What the DNS says of its hosts.
    pub hosts: Vec<FoundHost>,
}

/// A table dump.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeenTable {
    /// Who made it.
    pub collector: String,
    /// When.
    pub at: Timestamp,
    /// The file it stands in.
    pub file: String,
    /// Peers which have a table in it.
    pub peers: usize,
}

/// What the DNS says of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundZone {
    /// Its name.
    pub name: String,
    /// Its name servers, or why they are not known.
    pub servers: Result<Vec<FoundHost>, String>,
}

/// What the DNS says of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundHost {
    /// Its name.
    pub name: String,
    /// Names it leads to.
    pub aliases: Vec<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Why some are not known.
    pub problems: Vec<String>,
}

/// Prefixes of others which are told one by one.
const INSIDE_TOLD: usize = 50;

impl Draft {
    /// The profile.
    pub fn to_toml(&self) -> String {
        let mut out = Lines::default();
        self.head(&mut out);
        self.organization(&mut out);
        self.others_inside(&mut out);
        self.zones(&mut out);
        self.services(&mut out);
        self.rest(&mut out);
        out.0
    }

    fn head(&self, out: &mut Lines) {
        out.line("# A profile to begin with, written by `faultline org init`. Everything in it is to be read and corrected by somebody who knows the");
        out.line("# organization; docs/profile.md describes every key, and `faultline org check` tells what is wrong with it.");
        out.line("#");
        out.line("# Prefixes: from these table dumps.");
        for table in &self.tables {
            let SeenTable { collector, at, file, peers } = table;
            let peers = if *peers == 1 { "1 peer".to_owned() } else { format!("{peers} peers") };
            out.line(&format!("#   {} of {}, {peers}: {}", remark(collector), at.in_words(), remark(file)));
        }
        match &self.resolver {
            Some((resolver, at)) => {
                out.line(&format!("# Names and addresses: from the DNS, asked through {} at {}.", remark(resolver), at.in_words()));
            }
            None => out.line("# Names and addresses: none; --zone and --host ask the DNS for them."),
        }
        out.line("");
    }

    fn organization(&self, out: &mut Lines) {
        let (listed, few) = self.listed();
        let listed = fold(listed);
        out.line("[organization]");
        out.line(&format!("name = {}", string(&self.name)));
        let numbers: Vec<String> = self.as_numbers.iter().map(|asn| asn.0.to_string()).collect();
        out.line(&format!("as_numbers = [{}]", numbers.join(", ")));
        if few {
            let words = "# No prefix is seen by as many ASes as --seen-by asks for, so that all of them are taken: is this enough to tell an outage by?";
            out.line(words);
        }
        out.line("prefixes = [");
        for family in Family::BOTH {
            let of_it: Vec<&Listed> = listed.iter().filter(|one| Family::of(&one.prefix) == family).collect();
            if !of_it.is_empty() {
                out.line(&format!("    # {family}; ASes which sent routes: {}", self.witnesses[family.index()]));
            }
            for one in of_it {
                let text = format!("{},", string(&one.written()));
                let text = if one.enough || few { text } else { format!("# {text}") };
                out.line(&format!("    {text:<40} # {}", self.of_prefix(one)));
            }
        }
        out.line("]");
        out.line("");
    }

    /// Its prefixes, and whether all of them are seen by few.
    fn listed(&self) -> (Vec<Listed>, bool) {
        let own = self.own.iter().map(|(prefix, origins)| {
            let (ours, others): (Vec<_>, Vec<_>) = origins.iter().partition(|(asn, _)| self.as_numbers.contains(asn));
            let count = |list: Vec<(&Asn, &usize)>| list.into_iter().map(|(asn, seen)| (*asn, *seen)).collect::<Vec<_>>();
            let (ours, others) = (count(ours), count(others));
            let seen = ours.iter().map(|(_, seen)| *seen).max().unwrap_or(0);
            let enough = seen >= self.seen_by.min(self.witnesses[Family::of(prefix).index()]);
            Listed { prefix: *prefix, ours, others, seen, enough, longest: prefix.prefix_len() }
        });
        let own: Vec<Listed> = own.collect();
        let few = own.iter().all(|one| !one.enough);
        (own, few)
    }

    /// What is to be known of a prefix.
    fn of_prefix(&self, one: &Listed) -> String {
        let mut text = match one.seen {
            1 => "seen by 1 AS".to_owned(),
            seen => format!("seen by {seen} ASes"),
        };
        if one.longest > one.prefix.prefix_len() {
            text.push_str(", with every prefix inside it of these lengths");
        }
        if self.as_numbers.len() > 1 {
            let origins: Vec<String> = one.ours.iter().map(|(asn, _)| asn.to_string()).collect();
            text.push_str(&format!("; origin {}", origins.join(", ")));
        }
        if !one.enough {
            text.push_str("; so few: a leak, a test, or meant for few?");
        }
        for (asn, seen) in &one.others {
            text.push_str(&format!(
                "; {asn} originates it too, seen by {seen}: if that is meant, write it under [[prefixes]] with origins"
            ));
        }
        text
    }

    fn others_inside(&self, out: &mut Lines) {
        if self.inside.is_empty() {
            return;
        }
        out.line("# Others originate prefixes inside of these. Customers, or a protection against attacks? What is meant is written so; the rest is told as");
        out.line("# foreign when it is seen.");
        for ((prefix, asn), seen) in self.inside.iter().take(INSIDE_TOLD) {
            let entry = format!("# [[prefixes]]  prefix = \"{prefix}\"  origins = [{}]", asn.0);
            let ases = if *seen == 1 { "1 AS".to_owned() } else { format!("{seen} ASes") };
            out.line(&format!("{entry:<72} seen by {ases}"));
        }
        if self.inside.len() > INSIDE_TOLD {
            out.line(&format!("# and {} more", self.inside.len() - INSIDE_TOLD));
        }
        out.line("");
    }

    fn zones(&self, out: &mut Lines) {
        for zone in &self.zones {
            out.line("[[zones]]");
            out.line(&format!("name = {}", string(&zone.name)));
            out.line("");
            match &zone.servers {
                Ok(servers) => servers.iter().for_each(|server| self.name_server(server, out)),
                Err(problem) => {
                    out.line(&format!("# Its name servers are not known: {}.", remark(problem)));
                    out.line("");
                }
            }
        }
        if self.zones.is_empty() {
            out.line("# The zones which the services need, such as:");
            for line in [
                "[[zones]]",
                "name = \"example.com\"",
                "",
                "[[zones.name_servers]]",
                "name = \"ns1.example.com\"",
                "addresses = [\"192.0.2.53\"]",
            ] {
                out.line(format!("# {line}").trim_end());
            }
            out.line("");
        }
    }

    fn name_server(&self, server: &FoundHost, out: &mut Lines) {
        if profile::host_name(&server.name).is_err() {
            out.line(&format!("# The DNS names a server which cannot be one: {}.", remark(&server.name)));
            out.line("");
            return;
        }
        out.line("[[zones.name_servers]]");
        out.line(&format!("name = {}", string(&server.name)));
        self.addresses(server, out);
        out.line("");
    }

    /// The addresses of a host, or what is to be known of them.
    fn addresses(&self, host: &FoundHost, out: &mut Lines) {
        for alias in &host.aliases {
            out.line(&format!("# It leads to {}.", remark(alias)));
        }
        for problem in &host.problems {
            out.line(&format!("# {}.", remark(problem)));
        }
        let addresses: BTreeSet<IpAddr> = host.addresses.iter().copied().collect();
        if addresses.is_empty() {
            out.line("# addresses = []: none are known; they are learned from recorded answers.");
            return;
        }
        let written: Vec<String> = addresses.iter().map(|address| format!("\"{address}\"")).collect();
        out.line(&format!("addresses = [{}]", written.join(", ")));
        let (listed, few) = self.listed();
        let held = |address: &IpAddr| listed.iter().any(|one| (one.enough || few) && one.prefix.contains(address));
        for address in addresses.iter().filter(|address| !held(address)) {
            out.line(&format!("# {address} is in none of the prefixes above: somebody else's network is depended on."));
        }
    }

    fn services(&self, out: &mut Lines) {
        for host in &self.hosts {
            out.line("# What is it that people use there? Addresses which change (of a content delivery network, say) are better left out.");
            out.line("[[services]]");
            out.line(&format!("name = {}", string(&host.name)));
            out.line(&format!("hostnames = [{}]", string(&host.name)));
            self.addresses(host, out);
            out.line("");
        }
        if self.hosts.is_empty() {
            out.line("# What people use. Without it routing is judged, and its impact is not.");
            for line in ["[[services]]", "name = \"Web site\"", "hostnames = [\"www.example.com\"]", "addresses = [\"192.0.2.80\"]"]
            {
                out.line(&format!("# {line}"));
            }
            out.line("");
        }
    }

    fn rest(&self, out: &mut Lines) {
        out.line("# A target of somebody else: if it fails too, the probe is offline and not the organization.");
        for line in ["[[controls]]", "name = \"somebody else's site\"", "kind = \"http\"", "host = \"www.example.net\""] {
            out.line(&format!("# {line}"));
        }
    }
}

/// A text which grows.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }
}

#[cfg(test)]
mod tests;
