//! What the DNS says of zones and hosts, for a profile to begin with.

use crate::org::draft::{Draft, FoundHost, FoundZone};
use crate::probe::DnsKind;
use crate::probe::lookup::{Answered, Asked, LookupError, PATIENCE, look_up, system_resolver};
use crate::time::Timestamp;
use miette::IntoDiagnostic;
use std::net::{IpAddr, SocketAddr};

/// Name servers of a zone: more than this no zone needs, and a hostile one could name thousands.
const SERVERS: usize = 32;

/// Asks, and adds the answers to the draft.
///
/// # Errors
/// If nobody is there to be asked.
pub(super) fn ask(
    draft: &mut Draft,
    resolver: Option<SocketAddr>,
    zones: &[String],
    hosts: &[String],
    now: Timestamp,
) -> miette::Result<()> {
    let resolver = match resolver {
        Some(resolver) => resolver,
        None => system_resolver().into_diagnostic()?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
    draft.resolver = Some((resolver.to_string(), now));
    (draft.zones, draft.hosts) = runtime.block_on(async {
        let mut found = (Vec::new(), Vec::new());
        for name in zones {
            found.0.push(FoundZone { name: name.clone(), servers: servers(resolver, name).await });
        }
        for name in hosts {
            found.1.push(host(resolver, name).await);
        }
        found
    });
    Ok(())
}

async fn servers(resolver: SocketAddr, zone: &str) -> Result<Vec<FoundHost>, String> {
    let answer = look_up(resolver, zone, Asked::Ns, PATIENCE).await;
    let mut names = data(&told(answer)?, Asked::Ns);
    names.sort();
    names.dedup();
    names.truncate(SERVERS);
    let mut servers = Vec::new();
    for name in names {
        servers.push(host(resolver, &name).await);
    }
    Ok(servers)
}

async fn host(resolver: SocketAddr, name: &str) -> FoundHost {
    let mut found = FoundHost { name: name.to_owned(), aliases: Vec::new(), addresses: Vec::new(), problems: Vec::new() };
    for asked in [Asked::A, Asked::Aaaa] {
        match look_up(resolver, name, asked, PATIENCE).await {
            // A host of one family has no addresses of the other.
            Ok(Answered { kind: DnsKind::NoData, .. }) => {}
            answer => match told(answer) {
                Ok(answer) => {
                    found.addresses.extend(data(&answer, asked).iter().filter_map(|text| text.parse::<IpAddr>().ok()));
                    for record in answer.answers.iter().filter(|record| &*record.record_type == "CNAME") {
                        if !found.aliases.iter().any(|alias| **alias == *record.data) {
                            found.aliases.push(record.data.to_string());
                        }
                    }
                }
                Err(problem) => found.problems.push(format!("{}: {problem}", asked.word())),
            },
        }
    }
    found
}

/// The data of the records asked for.
fn data(answer: &Answered, asked: Asked) -> Vec<String> {
    let of_it = answer.answers.iter().filter(|record| &*record.record_type == asked.word());
    of_it.map(|record| record.data.to_string()).collect()
}

/// The answer, if it is one; else why not, in words.
fn told(answer: Result<Answered, LookupError>) -> Result<Answered, String> {
    let answer = answer.map_err(|error| error.to_string())?;
    let words = match answer.kind {
        DnsKind::Answered => return Ok(answer),
        DnsKind::NoData => "there is no such record".to_owned(),
        DnsKind::NxDomain => "the name does not exist".to_owned(),
        DnsKind::ServFail => "the resolver answers SERVFAIL".to_owned(),
        DnsKind::Refused => "the resolver answers REFUSED".to_owned(),
        DnsKind::OtherRcode(code) => format!("the resolver answers with code {code}"),
        DnsKind::Timeout => "no answer in time".to_owned(),
        DnsKind::NetworkError => "the network said no".to_owned(),
        DnsKind::Malformed => "the answer cannot be read".to_owned(),
    };
    Err(words)
}
