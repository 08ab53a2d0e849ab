//! What the DNS says of zones and hosts, for a profile to begin with.

use crate::org::draft::{Draft, FoundHost, FoundZone};
use crate::probe::ask::{Asker, Families, Limits};
use crate::probe::{AskedType, DnsKind, DnsOutcome, DnsQuestion, DnsServer, DnsTransport, NameServer, Outcome, Question};
use crate::probing::system_resolvers;
use crate::time::Timestamp;
use crate::web;
use miette::IntoDiagnostic;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How long an answer is waited for. Resolvers give up after about as long (RFC 1536 §1 has 5 s for a client's first).
const PATIENCE: Duration = Duration::from_secs(5);
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
        Some(address) => NameServer { address, transport: DnsTransport::Udp },
        None => {
            let known = system_resolvers().into_diagnostic()?.into_iter().next();
            known
                .map(|resolver| resolver.server)
                .ok_or_else(|| miette::miette!(help = "name one with --resolver", "the system names no resolver"))?
        }
    };
    let limits = Limits { dns: PATIENCE, http: PATIENCE };
    let asker = Asker::new(web::tls().into_diagnostic()?, Families::of_machine(), limits);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
    draft.resolver = Some((resolver.address.to_string(), now));
    let dns = Dns { asker, resolver };
    (draft.zones, draft.hosts) = runtime.block_on(async {
        let mut found = (Vec::new(), Vec::new());
        for name in zones {
            found.0.push(FoundZone { name: name.clone(), servers: dns.servers(name).await });
        }
        for name in hosts {
            found.1.push(dns.host(name).await);
        }
        found
    });
    Ok(())
}

/// Whom to ask, and how.
struct Dns {
    asker: Asker,
    resolver: NameServer,
}

impl Dns {
    async fn servers(&self, zone: &str) -> Result<Vec<FoundHost>, String> {
        let answer = self.answer(zone, AskedType::Ns).await?;
        let mut names = data(&answer, AskedType::Ns);
        names.sort();
        names.dedup();
        names.truncate(SERVERS);
        let mut servers = Vec::new();
        for name in names {
            servers.push(self.host(&name).await);
        }
        Ok(servers)
    }

    async fn host(&self, name: &str) -> FoundHost {
        let mut found = FoundHost { name: name.to_owned(), aliases: Vec::new(), addresses: Vec::new(), problems: Vec::new() };
        for asked in [AskedType::A, AskedType::Aaaa] {
            match self.answer(name, asked).await {
                Ok(answer) => {
                    found.addresses.extend(data(&answer, asked).iter().filter_map(|text| text.parse::<IpAddr>().ok()));
                    for record in answer.answers.iter().filter(|record| &*record.record_type == "CNAME") {
                        if !found.aliases.iter().any(|alias| **alias == *record.data) {
                            found.aliases.push(record.data.to_string());
                        }
                    }
                }
                Err(problem) => found.problems.push(format!("{}: {problem}", asked.word())),
            }
        }
        found
    }

    /// The answer, if it is one, or says that there is no such record of an address: a host of one family has none of the other. Else why
    /// not, in words.
    async fn answer(&self, name: &str, asked: AskedType) -> Result<DnsOutcome, String> {
        let role = DnsServer::Resolver { address: Some(self.resolver.address.ip()), name: None };
        let question = DnsQuestion { server: self.resolver.clone(), role, name: name.into(), record_type: asked };
        let attempt = self.asker.ask(&Question::Dns(question)).await.map_err(|trouble| trouble.to_string())?;
        let Outcome::Dns(answer) = attempt.outcome else { return Err("the answer is of something else".to_owned()) };
        let words = match answer.kind {
            DnsKind::Answered => return Ok(answer),
            DnsKind::NoData if asked != AskedType::Ns => return Ok(answer),
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
}

/// The data of the records asked for.
fn data(answer: &DnsOutcome, asked: AskedType) -> Vec<String> {
    let of_it = answer.answers.iter().filter(|record| &*record.record_type == asked.word());
    of_it.map(|record| record.data.to_string()).collect()
}
