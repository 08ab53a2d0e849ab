//! Host names of receivers, resolved beforehand: alerts must leave while DNS is dead.
//!
//! Every name is looked up at the start and from time to time. If that fails the addresses which were known last are used, those which the
//! journal kept from an earlier run too.

use crate::alert::journal::Journal;
use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// A look-up which takes longer has failed.
const LOOK_UP: Duration = Duration::from_secs(5);

/// Looks a name up.
pub type LookUp = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Names and the addresses which were known last.
#[derive(Clone)]
pub struct Resolver {
    look_up: LookUp,
    known: Arc<Mutex<HashMap<String, Vec<IpAddr>>>>,
    journal: Arc<Journal>,
}

/// As the system resolves names.
pub fn system() -> LookUp {
    Arc::new(|host| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

impl Resolver {
    /// Nothing is known yet but what the journal has.
    pub fn new(look_up: LookUp, journal: Arc<Journal>) -> Self {
        Resolver { look_up, known: Arc::default(), journal }
    }

    /// Looks a name up and remembers its addresses.
    ///
    /// # Errors
    /// Why there are none now.
    pub async fn refresh(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            return Ok(vec![address]);
        }
        let found = match timeout(LOOK_UP, (self.look_up)(host.to_owned())).await {
            Ok(found) => found.map_err(|error| error.to_string())?,
            Err(_) => return Err(format!("no answer within {} s", LOOK_UP.as_secs())),
        };
        if found.is_empty() {
            return Err("it has no address".to_owned());
        }
        let new = self.table().insert(host.to_owned(), found.clone()).as_ref() != Some(&found);
        if new {
            let (journal, host, found) = (Arc::clone(&self.journal), host.to_owned(), found.clone());
            // If it cannot be kept, another run looks it up.
            let _ = tokio::task::spawn_blocking(move || journal.change(|book| book.set_addresses(&host, &found))).await;
        }
        Ok(found)
    }

    /// The addresses of a host: those known last, else those which are found now.
    ///
    /// # Errors
    /// Why there are none.
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        let known = self.table().get(host).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let failed = match self.refresh(host).await {
            Ok(found) => return Ok(found),
            Err(failed) => failed,
        };
        match self.journal.read(|book| book.addresses(host)) {
            Ok(kept) if !kept.is_empty() => {
                self.table().insert(host.to_owned(), kept.clone());
                Ok(kept)
            }
            Ok(_) | Err(_) => Err(format!("{host} has no known address: {failed}")),
        }
    }

    fn table(&self) -> std::sync::MutexGuard<'_, HashMap<String, Vec<IpAddr>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For HTTP: the port is filled in by the client.
impl reqwest::dns::Resolve for Resolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let found = resolver.addresses(name.as_str()).await?;
            let addresses: reqwest::dns::Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Answers so many times; then DNS is dead.
    fn dying(after: usize) -> LookUp {
        let asked = AtomicUsize::new(0);
        Arc::new(move |_| {
            let alive = asked.fetch_add(1, Ordering::SeqCst) < after;
            Box::pin(async move { if alive { Ok(vec![IpAddr::from([127, 0, 0, 1])]) } else { Err(io::Error::other("SERVFAIL")) } })
        })
    }

    fn run<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    #[test]
    fn what_was_known_last_is_used_while_dns_is_dead_and_by_the_next_run_too() {
        run(async {
            let home = tempfile::tempdir().unwrap();
            let path = home.path().join("journal");
            let here = vec![IpAddr::from([127, 0, 0, 1])];
            {
                let journal = Arc::new(Journal::open(&path, "Example").unwrap());
                let resolver = Resolver::new(dying(1), journal);
                assert_eq!(resolver.refresh("hooks.example.com").await, Ok(here.clone()));
                assert_eq!(resolver.refresh("hooks.example.com").await, Err("SERVFAIL".to_owned()));
                assert_eq!(resolver.addresses("hooks.example.com").await, Ok(here.clone()));
            }
            let resolver = Resolver::new(dying(0), Arc::new(Journal::open(&path, "Example").unwrap()));
            assert_eq!(resolver.addresses("hooks.example.com").await, Ok(here));
            let unknown = resolver.addresses("other.example.com").await;
            assert_eq!(unknown, Err("other.example.com has no known address: SERVFAIL".to_owned()));
            assert_eq!(resolver.addresses("192.0.2.1").await, Ok(vec![IpAddr::from([192, 0, 2, 1])]));
        });
    }
}
