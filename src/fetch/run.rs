//! Many files: what a window needs of several collectors, a few at a time.
//!
//! Takes an [`Order`]; gives how it ended with each file. First the table dumps to begin with, each collector's newest which is there, then the updates since.
//! A server is asked for few files at once, however many archives there are.

use super::archive::{
    ArchiveFile, Candidates, Collector, Mirrors, Series, Tables, Window, by_rule, index_pages, listed, period, regular_since,
};
use super::courier::{Courier, Traffic, verified, words};
use super::ledger::{Entry, Ledger};
use super::{FetchError, broker};
use crate::source::Whole;
use crate::source::collectors::Project;
use crate::time::{Span, Timestamp};
use crate::web;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub use super::courier::{Ended, Pause, Watcher};

/// Files at once from one server, however many are asked for: archives are a gift.
const AT_ONE_SERVER: usize = 4;
/// A server which sends nothing for so long is taken to have gone.
const SILENT: Duration = Duration::from_secs(60);
/// A file is published within this time after it ends. Dumps take longest: RIS' were seen an hour late.
const PUBLISHED: Span = Span::from_seconds(2 * 3_600);
/// The longest page which lists files: a month of RIS has about 9,000 lines.
const LONGEST_PAGE: usize = 64 << 20;

/// Who says which files there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// The rules by which archives name them.
    Rule,
    /// The archives' index pages.
    Index,
    /// A bgpkit-broker at this address.
    Broker(String),
}

/// What is to be fetched.
#[derive(Debug, Clone)]
pub struct Order {
    /// Of whom.
    pub collectors: Vec<Collector>,
    /// Of which time.
    pub window: Window,
    /// Whether table dumps are wanted.
    pub tables: Tables,
    /// Where the archives are.
    pub mirrors: Mirrors,
    /// Who says which files there are.
    pub names: Names,
    /// Where files are stored.
    pub folder: PathBuf,
    /// Files at once.
    pub parallel: usize,
    /// Now: what should have been published by then is missing, and what should not is to come.
    pub now: Timestamp,
}

/// A file, and how it ended with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The file.
    pub file: ArchiveFile,
    /// How it ended.
    pub ended: Ended,
}

impl Delivered {
    /// Whether it is there now, and whole.
    pub fn is_there(&self) -> bool {
        match self.ended {
            Ended::Fetched(_) | Ended::There(_) => true,
            Ended::Missing | Ended::NotYet | Ended::Damaged { .. } | Ended::Failed { .. } => false,
        }
    }
}

/// Waits as long as it is told.
pub fn patiently() -> Pause {
    Arc::new(|length| Box::pin(tokio::time::sleep(length)))
}

/// Which files the order would ask for, if the newest table dumps are there; nothing is fetched but lists.
///
/// # Errors
/// If a list cannot be had, or names of that time cannot be built.
pub async fn plan(order: &Order, pause: Pause) -> Result<Vec<ArchiveFile>, FetchError> {
    let courier = courier(order, pause, None)?;
    let mut files = Vec::new();
    for (collector, candidates) in candidates(order, &courier).await? {
        let seed = if order.tables == Tables::Without { None } else { candidates.seeds(order.window.from).into_iter().next() };
        let since = seed.as_ref().map(|seed| seed.begins);
        files.extend(seed);
        files.extend(rest(order, &collector, &candidates, since));
    }
    Ok(files)
}

/// Fetches what is ordered. `watcher` is told how far everything has come.
///
/// # Errors
/// If a list cannot be had, names of that time cannot be built, or the disk does not take the files. What was fetched by then stays.
pub async fn fetch(order: &Order, pause: Pause, watcher: Option<Watcher>) -> Result<Vec<Delivered>, FetchError> {
    let courier = Arc::new(courier(order, pause, watcher)?);
    let candidates = candidates(order, &courier).await?;
    let desk = Arc::new(Desk {
        ledger: Mutex::new(Ledger::open(&order.folder)?),
        courier,
        all: Semaphore::new(order.parallel.max(1)),
        servers: servers(&candidates),
        now: order.now,
    });
    let mut delivered = Vec::new();
    let mut since: HashMap<String, Timestamp> = HashMap::new();
    if order.tables != Tables::Without {
        let seeds = candidates.iter().map(|(_, candidates)| candidates.seeds(order.window.from)).collect();
        for tried in desk.clone().seeds(seeds).await? {
            if let Some(there) = tried.last().filter(|last| last.is_there()) {
                since.insert(there.file.collector.clone(), there.file.begins);
            }
            delivered.extend(tried);
        }
    }
    let files: Vec<ArchiveFile> = candidates
        .iter()
        .flat_map(|(collector, candidates)| rest(order, collector, candidates, since.get(&collector.name).copied()))
        .collect();
    delivered.extend(desk.all(files).await?);
    delivered.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(delivered)
}

/// Everything but the table to begin with, which is of the time `since`.
fn rest(order: &Order, collector: &Collector, candidates: &Candidates, since: Option<Timestamp>) -> Vec<ArchiveFile> {
    let window = Window { from: since.unwrap_or(order.window.from), ..order.window };
    match order.tables {
        Tables::Only => candidates.tables_in(order.window),
        Tables::With | Tables::Without => candidates.updates_in(window, period(collector.project, Series::Updates)),
    }
}

fn courier(order: &Order, pause: Pause, watcher: Option<Watcher>) -> Result<Courier, FetchError> {
    let client = web::client()?.read_timeout(SILENT).build().map_err(web::WebError::from)?;
    Ok(Courier { client, folder: order.folder.clone(), pause, traffic: Traffic::new(watcher) })
}

/// What each collector has, as it is told by whoever is to be believed.
async fn candidates(order: &Order, courier: &Courier) -> Result<Vec<(Collector, Candidates)>, FetchError> {
    let broker = match &order.names {
        Names::Broker(address) => ask_broker(order, courier, address).await?,
        Names::Rule | Names::Index => Vec::new(),
    };
    let mut found = Vec::new();
    for collector in &order.collectors {
        let since = regular_since(collector);
        let listed = collector.project == Project::Ris;
        let old = order.window.from < since;
        if old && (order.names == Names::Rule || (order.names == Names::Index && !listed)) {
            return Err(FetchError::OldNames { collector: collector.name.clone(), since, listed });
        }
        let of_it = match &order.names {
            Names::Rule => by_rule(collector, order.window, &order.mirrors),
            Names::Index => Candidates::of(ask_index(order, courier, collector).await?),
            Names::Broker(_) => Candidates::of(broker.iter().filter(|file| file.collector == collector.name).cloned()),
        };
        found.push((collector.clone(), of_it));
    }
    Ok(found)
}

async fn ask_index(order: &Order, courier: &Courier, collector: &Collector) -> Result<Vec<ArchiveFile>, FetchError> {
    let mut files = Vec::new();
    for page in index_pages(collector, order.window, &order.mirrors) {
        // A month in which the collector was not there has no page.
        if let Some(html) = courier.page(&page).await? {
            files.extend(listed(collector, &page, &html));
        }
    }
    Ok(files)
}

async fn ask_broker(order: &Order, courier: &Courier, address: &str) -> Result<Vec<ArchiveFile>, FetchError> {
    // The tables to begin with lie before the window.
    let window = Window { from: order.window.from - Span::from_seconds(86_400), ..order.window };
    let mut files = Vec::new();
    for page in 1..=broker::PAGES {
        let url = broker::address(address, &order.collectors, window, page);
        let no_list = |reason: String| FetchError::NoList { url: url.clone(), reason };
        let text = courier.page(&url).await?.ok_or_else(|| no_list("there is nothing at that address".to_owned()))?;
        let read = broker::read(&text, &order.collectors).map_err(no_list)?;
        files.extend(read.files);
        if read.rows < broker::PAGE {
            break;
        }
    }
    Ok(files)
}

impl Courier {
    /// The text of a page; `None` if there is none.
    async fn page(&self, url: &str) -> Result<Option<String>, FetchError> {
        let no_list = |reason: String| FetchError::NoList { url: url.to_owned(), reason };
        let mut failures = 0;
        loop {
            let (reason, lasting) = match self.client.get(url).send().await {
                Ok(response) if response.status().as_u16() == 404 => return Ok(None),
                Ok(mut response) if response.status().is_success() => {
                    let mut text = Vec::new();
                    let broke = loop {
                        match response.chunk().await {
                            Ok(Some(_)) if text.len() > LONGEST_PAGE => return Err(no_list("it has no end".to_owned())),
                            Ok(Some(chunk)) => text.extend_from_slice(&chunk),
                            Ok(None) => break None,
                            Err(error) => break Some(words(&error)),
                        }
                    };
                    match broke {
                        None => return Ok(Some(String::from_utf8_lossy(&text).into_owned())),
                        Some(reason) => (reason, false),
                    }
                }
                Ok(response) => {
                    let status = response.status();
                    (format!("the server answers {status}"), !status.is_server_error() && status.as_u16() != 429)
                }
                Err(error) => (words(&error), error.is_builder()),
            };
            failures += 1;
            match super::patience::pause(failures, None).filter(|_| !lasting) {
                Some(length) => (self.pause)(length).await,
                None => return Err(no_list(reason)),
            }
        }
    }
}

/// The server of an address.
fn server(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default()
}

fn servers(candidates: &[(Collector, Candidates)]) -> HashMap<String, Semaphore> {
    let files = candidates.iter().flat_map(|(_, candidates)| candidates.tables.iter().chain(&candidates.updates));
    files.map(|file| (server(&file.url).to_owned(), Semaphore::new(AT_ONE_SERVER))).collect()
}

/// Where all files come in.
struct Desk {
    courier: Arc<Courier>,
    ledger: Mutex<Ledger>,
    all: Semaphore,
    servers: HashMap<String, Semaphore>,
    now: Timestamp,
}

impl Desk {
    /// Of each list the first file which is there, and those which were tried before it.
    async fn seeds(self: Arc<Self>, lists: Vec<Vec<ArchiveFile>>) -> Result<Vec<Vec<Delivered>>, FetchError> {
        self.courier.traffic.plan(lists.len());
        let mut tasks = JoinSet::new();
        for list in lists {
            let desk = Arc::clone(&self);
            tasks.spawn(async move {
                let mut tried = Vec::new();
                for file in list {
                    let one = desk.one(file).await?;
                    let there = one.is_there();
                    tried.push(one);
                    if there {
                        break;
                    }
                }
                Ok::<_, FetchError>(tried)
            });
        }
        gather(tasks).await
    }

    /// Every file.
    async fn all(self: Arc<Self>, files: Vec<ArchiveFile>) -> Result<Vec<Delivered>, FetchError> {
        self.courier.traffic.plan(files.len());
        let mut tasks = JoinSet::new();
        for file in files {
            let desk = Arc::clone(&self);
            tasks.spawn(async move { desk.one(file).await });
        }
        gather(tasks).await
    }

    async fn one(&self, file: ArchiveFile) -> Result<Delivered, FetchError> {
        // Nobody closes them.
        let _server = match self.servers.get(server(&file.url)) {
            Some(server) => server.acquire().await.ok(),
            None => None,
        };
        let _any = self.all.acquire().await.ok();
        let ended = match self.there(&file).await? {
            Some(whole) => {
                self.courier.traffic.leave_out();
                Ended::There(whole)
            }
            None => {
                let (ended, tag) = self.courier.fetch(&file).await?;
                if let Ended::Fetched(whole) = &ended {
                    self.remember(&file, whole, tag)?;
                } else {
                    self.courier.traffic.leave_out();
                }
                self.or_not_yet(&file, ended)
            }
        };
        Ok(Delivered { file, ended })
    }

    /// What is missing is to come, as long as it need not have been published.
    fn or_not_yet(&self, file: &ArchiveFile, ended: Ended) -> Ended {
        if ended == Ended::Missing && file.begins + PUBLISHED > self.now { Ended::NotYet } else { ended }
    }

    /// The file, if it is there and whole. One which nobody remembers is decoded.
    async fn there(&self, file: &ArchiveFile) -> Result<Option<Whole>, FetchError> {
        let path = self.courier.folder.join(file.path());
        let Ok(metadata) = std::fs::metadata(&path) else { return Ok(None) };
        let known = self.ledger().entry(&name(file)).filter(|entry| entry.bytes == metadata.len()).cloned();
        if let Some(entry) = known
            && hashed(&path).await? == entry.blake3
        {
            return Ok(Some(entry.whole()));
        }
        match verified(&path).await? {
            Ok(whole) => {
                self.remember(file, &whole, None)?;
                Ok(Some(whole))
            }
            // It stays until a whole one takes its place.
            Err(_) => Ok(None),
        }
    }

    fn remember(&self, file: &ArchiveFile, whole: &Whole, tag: Option<String>) -> Result<(), FetchError> {
        let Whole { bytes, blake3, records, unreadable, .. } = whole.clone();
        self.ledger().add(Entry { path: name(file), url: file.url.clone(), bytes, blake3, tag, records, unreadable })
    }

    fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file's place as the ledger writes it, the same on every system.
fn name(file: &ArchiveFile) -> String {
    file.path().iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

async fn hashed(path: &Path) -> Result<String, FetchError> {
    let disk = |source| FetchError::Disk { path: path.to_owned(), source };
    let of = path.to_owned();
    let hash = move || {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(std::fs::File::open(of)?)?;
        Ok(hasher.finalize().to_hex().to_string())
    };
    tokio::task::spawn_blocking(hash).await.map_err(|error| disk(std::io::Error::other(error)))?.map_err(disk)
}

/// What all tasks came to; the first which cannot go on ends the others.
async fn gather<T: 'static>(mut tasks: JoinSet<Result<T, FetchError>>) -> Result<Vec<T>, FetchError> {
    let mut done = Vec::new();
    while let Some(task) = tasks.join_next().await {
        match task {
            Ok(result) => done.push(result?),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    Ok(done)
}
