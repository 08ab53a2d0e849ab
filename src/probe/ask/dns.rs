//! One DNS question to one server: which way, what if the answer is truncated or the query not understood, and what the answer means.

use super::query::Query;
use super::transport::{self, Answer, NoMessage};
use super::{Asker, ProberTrouble};
use crate::probe::{AskedType, DnsAnswer, DnsKind, DnsOutcome, DnsQuestion, DnsServer, DnsTransport, NameServer, dns};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::time::Instant;

/// Response codes of servers which do not know EDNS (RFC 6891 §7): the query is malformed, or not implemented.
const WITHOUT_EDNS: [u16; 2] = [1, 4];

/// Asks; whatever the server or the network does is an outcome.
pub(super) async fn ask(asker: &Asker, question: &DnsQuestion, until: Instant) -> Result<DnsOutcome, ProberTrouble> {
    let mut answer = exchange(asker, question, true, until).await;
    if matches!(&answer, Ok((message, _)) if WITHOUT_EDNS.contains(&message.code)) {
        answer = exchange(asker, question, false, until).await;
    }
    match answer {
        Ok((message, _)) => Ok(DnsOutcome {
            kind: dns::kind(message.code, question.record_type.word(), &message.answers),
            extended_error: message.extended_error,
            authoritative: message.authoritative,
            answers: message.answers,
        }),
        Err(NoMessage::Ended(kind)) => Ok(DnsOutcome { kind, extended_error: None, authoritative: false, answers: Vec::new() }),
        Err(NoMessage::Own(trouble)) => Err(trouble),
    }
}

/// A datagram which was truncated says only that TCP is to be used.
async fn exchange(asker: &Asker, question: &DnsQuestion, edns: bool, until: Instant) -> Result<Answer, NoMessage> {
    let query = Query::new(question, edns).map_err(NoMessage::Own)?;
    let server = question.server.address;
    match &question.server.transport {
        DnsTransport::Udp => match transport::udp(server, &query, until).await {
            Ok((_, true)) => transport::tcp(server, &query, until).await,
            answer => answer,
        },
        DnsTransport::Tcp => transport::tcp(server, &query, until).await,
        DnsTransport::Tls { name } => transport::tls(asker, server, name, &query, until).await,
        DnsTransport::Https { name, path } => transport::https(asker, server, (name, path), &query, until).await,
    }
}

/// The addresses of a host which the first of the resolvers that knows any names, those of IPv6 first; none if no resolver does.
pub(super) async fn resolve(
    asker: &Asker,
    host: &Arc<str>,
    resolvers: &[NameServer],
    until: Instant,
) -> Result<Vec<IpAddr>, ProberTrouble> {
    for (place, server) in resolvers.iter().enumerate() {
        // Each gets its share of what time is left, so that a dead one does not take it all.
        let left = u32::try_from(resolvers.len() - place).unwrap_or(u32::MAX);
        let now = Instant::now();
        let until = now + (until.saturating_duration_since(now) / left).min(asker.limits.dns);
        let of = |record_type| DnsQuestion {
            server: server.clone(),
            role: DnsServer::Resolver { address: Some(server.address.ip()), name: None },
            name: Arc::clone(host),
            record_type,
        };
        let (v6, v4) = (of(AskedType::Aaaa), of(AskedType::A));
        let (v6, v4) = tokio::join!(ask(asker, &v6, until), ask(asker, &v4, until));
        let (v6, v4) = (v6?, v4?);
        let addresses: Vec<IpAddr> = addresses(&v6.answers).chain(addresses(&v4.answers)).collect();
        let exists = [&v6, &v4].iter().all(|outcome| matches!(outcome.kind, DnsKind::Answered | DnsKind::NoData));
        let missing = [&v6, &v4].iter().any(|outcome| outcome.kind == DnsKind::NxDomain);
        let reachable: Vec<IpAddr> = addresses.iter().copied().filter(|address| asker.families.reach(*address)).collect();
        if !addresses.is_empty() || exists || missing {
            return Ok(if reachable.is_empty() { addresses } else { reachable });
        }
    }
    Ok(Vec::new())
}

fn addresses(answers: &[DnsAnswer]) -> impl Iterator<Item = IpAddr> + '_ {
    let of_hosts = answers.iter().filter(|answer| matches!(&*answer.record_type, "A" | "AAAA"));
    of_hosts.filter_map(|answer| answer.data.parse().ok())
}
