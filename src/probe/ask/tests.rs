//! Every ending, asked of real servers on the machine itself.

mod certificates;
mod dns;
mod http;
mod servers;

use super::*;
use crate::probe::{AskedType, DnsOutcome, DnsQuestion, DnsServer, DnsTransport, HttpOutcome, NameServer};
use std::net::SocketAddr;

const BOTH: Families = Families { v4: true, v6: true };

/// Long enough for whatever does answer, however busy the machine is.
const PATIENT: Limits = Limits { dns: Duration::from_secs(20), http: Duration::from_secs(20) };

fn asker() -> Asker {
    Asker::new(certificates::trusting(&[]), BOTH, PATIENT)
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Where nobody answers, time passes as soon as there is nothing else to do.
fn run_idle<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(work)
}

fn dns_question(address: SocketAddr, transport: DnsTransport, name: &str, record_type: AskedType) -> DnsQuestion {
    let role = DnsServer::Resolver { address: Some(address.ip()), name: None };
    DnsQuestion { server: NameServer { address, transport }, role, name: name.into(), record_type }
}

async fn dns_outcome(asker: &Asker, question: DnsQuestion) -> DnsOutcome {
    match asker.ask(&Question::Dns(question)).await.unwrap().outcome {
        Outcome::Dns(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

async fn http_outcome(asker: &Asker, question: crate::probe::HttpQuestion) -> HttpOutcome {
    match asker.ask(&Question::Http(question)).await.unwrap().outcome {
        Outcome::Http(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}
