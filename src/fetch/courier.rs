//! One file, from its address to its place: fetched, resumed, verified, and only then given its name.
//!
//! What has come so far stands beside the place as `.NAME.part`, with what the server calls that state of the file in `.NAME.tag`: the next attempt asks for
//! the rest of just that state (Range and If-Range, RFC 9110 §14.2 and §13.1.5), and begins anew if the server has another one or serves no ranges. A file
//! which is damaged though it came whole is fetched once more; if it is damaged again it stays as `.NAME.damaged`.

use super::FetchError;
use super::archive::ArchiveFile;
use super::patience::{ATTEMPTS_IN_ALL, asked_for, pause};
use crate::source::{Whole, verify};
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_RANGE, DATE, ETAG, HeaderMap, HeaderName, IF_RANGE, LAST_MODIFIED, RANGE, RETRY_AFTER,
};
use reqwest::{Client, Response, StatusCode};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How a courier waits.
pub type Pause = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;
/// Who is told how far everything has come: bytes, and how many there will be.
pub type Watcher = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// How it ended with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It was fetched, and is whole.
    Fetched(Whole),
    /// It was there, and is whole.
    There(Whole),
    /// The archive does not have it.
    Missing,
    /// The archive does not have it yet.
    NotYet,
    /// It came damaged twice.
    Damaged {
        /// What is wrong with it.
        reason: String,
        /// Where it was left.
        kept: PathBuf,
    },
    /// It did not come.
    Failed {
        /// Why.
        reason: String,
    },
}

/// What has come of all files, and what will.
#[derive(Default)]
pub(super) struct Traffic {
    state: Mutex<Flow>,
    watcher: Option<Watcher>,
}

#[derive(Default)]
struct Flow {
    come: u64,
    told: u64,
    begun: u64,
    files: u64,
}

impl Traffic {
    pub(super) fn new(watcher: Option<Watcher>) -> Self {
        Traffic { state: Mutex::default(), watcher }
    }

    /// So many more files are to come.
    pub(super) fn plan(&self, files: usize) {
        self.change(|flow| flow.files += files as u64);
    }

    /// A file which was planned does not come, or is there.
    pub(super) fn leave_out(&self) {
        self.change(|flow| flow.files = flow.files.saturating_sub(1));
    }

    fn begin(&self, bytes: u64) {
        self.change(|flow| {
            flow.told += bytes;
            flow.begun += 1;
        });
    }

    fn come(&self, bytes: u64) {
        self.change(|flow| flow.come += bytes);
    }

    fn change(&self, change: impl FnOnce(&mut Flow)) {
        let mut flow = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut flow);
        if let Some(watcher) = &self.watcher {
            watcher(flow.come, flow.all());
        }
    }
}

impl Flow {
    /// The files which have not begun are taken to be as long as those which have.
    fn all(&self) -> u64 {
        let left = self.files.saturating_sub(self.begun);
        let mean = self.told.checked_div(self.begun).unwrap_or(0);
        self.told.saturating_add(mean.saturating_mul(left)).max(self.come)
    }
}

/// Where the parts of a file stand.
struct Place {
    file: PathBuf,
    part: PathBuf,
    tag: PathBuf,
    damaged: PathBuf,
}

impl Place {
    fn of(folder: &Path, file: &ArchiveFile) -> Self {
        let path = folder.join(file.path());
        let beside = |suffix: &str| path.with_file_name(format!(".{}.{suffix}", file.name));
        Place { part: beside("part"), tag: beside("tag"), damaged: beside("damaged"), file: path }
    }
}

/// How an attempt ended.
enum Attempt {
    /// Everything is there.
    Done,
    /// There is no such file.
    NotThere,
    /// The server will not, whenever it is asked.
    Refused(String),
    /// Perhaps next time. Did anything come?
    Lost { reason: String, moved: bool, asked: Option<Duration> },
}

/// Fetches files.
pub(super) struct Courier {
    pub(super) client: Client,
    pub(super) folder: PathBuf,
    pub(super) pause: Pause,
    pub(super) traffic: Traffic,
}

impl Courier {
    /// Fetches a file which is not there. With it, what the server calls it.
    ///
    /// # Errors
    /// If the disk does not take it: then no other file would fare better.
    pub(super) async fn fetch(&self, file: &ArchiveFile) -> Result<(Ended, Option<String>), FetchError> {
        let place = Place::of(&self.folder, file);
        if let Some(parent) = place.file.parent() {
            std::fs::create_dir_all(parent).map_err(|source| FetchError::Disk { path: parent.to_owned(), source })?;
        }
        let mut reason = String::new();
        for again in [false, true] {
            if let Some(ended) = self.bring(file, &place).await? {
                return Ok((ended, None));
            }
            match verified(&place.part).await? {
                Ok(whole) => {
                    let tag = std::fs::read_to_string(&place.tag).ok();
                    rename(&place.part, &place.file)?;
                    remove(&place.tag)?;
                    remove(&place.damaged)?;
                    return Ok((Ended::Fetched(whole), tag));
                }
                Err(wrong) => reason = wrong,
            }
            remove(&place.tag)?;
            if again {
                rename(&place.part, &place.damaged)?;
            } else {
                remove(&place.part)?;
            }
        }
        Ok((Ended::Damaged { reason, kept: place.damaged }, None))
    }

    /// Tries until the whole file is in its part: `None`. Else how it ended.
    async fn bring(&self, file: &ArchiveFile, place: &Place) -> Result<Option<Ended>, FetchError> {
        let mut failures = 0;
        for _ in 0..ATTEMPTS_IN_ALL {
            let (reason, asked) = match self.attempt(file, place).await? {
                Attempt::Done => return Ok(None),
                Attempt::NotThere => return Ok(Some(Ended::Missing)),
                Attempt::Refused(reason) => return Ok(Some(Ended::Failed { reason })),
                Attempt::Lost { reason, moved, asked } => {
                    failures = if moved { 1 } else { failures + 1 };
                    (reason, asked)
                }
            };
            match pause(failures, asked) {
                Some(length) => (self.pause)(length).await,
                None => return Ok(Some(Ended::Failed { reason })),
            }
        }
        Ok(Some(Ended::Failed { reason: "the connection breaks off again and again".to_owned() }))
    }

    async fn attempt(&self, file: &ArchiveFile, place: &Place) -> Result<Attempt, FetchError> {
        let have = std::fs::metadata(&place.part).map_or(0, |metadata| metadata.len());
        let tag = std::fs::read_to_string(&place.tag).ok().filter(|tag| have > 0 && !tag.is_empty());
        let mut request = self.client.get(&file.url).header(ACCEPT_ENCODING, "identity");
        if let Some(tag) = &tag {
            request = request.header(RANGE, format!("bytes={have}-")).header(IF_RANGE, tag);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Ok(lost(words(&error), false)),
        };
        let headers = response.headers();
        match response.status() {
            StatusCode::OK => {
                write_tag(&place.tag, strong(headers))?;
                self.take(response, place, 0).await
            }
            StatusCode::PARTIAL_CONTENT if range(headers).is_some_and(|(from, _)| from == have) => {
                self.take(response, place, have).await
            }
            StatusCode::RANGE_NOT_SATISFIABLE if range(headers) == Some((have, Some(have))) => Ok(Attempt::Done),
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                remove(&place.part)?;
                remove(&place.tag)?;
                Ok(lost("the server answers with another range than was asked for".to_owned(), false))
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Attempt::NotThere),
            status @ (StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS) => Ok(busy(status, headers)),
            status if status.is_server_error() => Ok(busy(status, headers)),
            status => Ok(Attempt::Refused(format!("the server answers {status}"))),
        }
    }

    /// Takes what the server sends, from this byte of the file on.
    async fn take(&self, mut response: Response, place: &Place, from: u64) -> Result<Attempt, FetchError> {
        let disk = |source| FetchError::Disk { path: place.part.clone(), source };
        let all = match range(response.headers()) {
            Some((_, all)) => all,
            None => response.content_length().map(|length| from + length),
        };
        let mut part = open_part(&place.part, from).map_err(disk)?;
        self.traffic.begin(all.map_or(0, |all| all.saturating_sub(from)));
        let mut have = from;
        let broke = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => {
                    part.write_all(&chunk).map_err(disk)?;
                    have += chunk.len() as u64;
                    self.traffic.come(chunk.len() as u64);
                }
                Ok(None) => break None,
                Err(error) => break Some(words(&error)),
            }
        };
        part.sync_data().map_err(disk)?;
        Ok(match (broke, all) {
            (Some(reason), _) => Attempt::Lost { reason, moved: have > from, asked: None },
            (None, Some(all)) if have != all => {
                let reason = format!("{have} of {all} bytes came");
                Attempt::Lost { reason, moved: have > from, asked: None }
            }
            (None, Some(_) | None) => Attempt::Done,
        })
    }
}

/// The part, cut to what is to stand before the rest.
fn open_part(path: &Path, from: u64) -> io::Result<File> {
    let mut part = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    part.set_len(from)?;
    io::Seek::seek(&mut part, io::SeekFrom::End(0))?;
    Ok(part)
}

/// Decodes a file in a thread of its own, since that takes a while.
pub(super) async fn verified(path: &Path) -> Result<Result<Whole, String>, FetchError> {
    let disk = |source| FetchError::Disk { path: path.to_owned(), source };
    let of = path.to_owned();
    tokio::task::spawn_blocking(move || verify(&of)).await.map_err(|error| disk(io::Error::other(error)))?.map_err(disk)
}

fn lost(reason: String, moved: bool) -> Attempt {
    Attempt::Lost { reason, moved, asked: None }
}

fn busy(status: StatusCode, headers: &HeaderMap) -> Attempt {
    let asked = text(headers, &RETRY_AFTER).and_then(|after| asked_for(after, text(headers, &DATE)));
    Attempt::Lost { reason: format!("the server answers {status}"), moved: false, asked }
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// What the server calls the state of a file, if that can be relied on byte by byte (RFC 9110 §8.8).
fn strong(headers: &HeaderMap) -> Option<&str> {
    text(headers, &ETAG).filter(|tag| !tag.starts_with("W/")).or_else(|| text(headers, &LAST_MODIFIED))
}

/// The first byte which is sent, and how many the file has: `bytes 100-199/200`, or `bytes */200` of a file which has no more.
fn range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let (sent, all) = text(headers, &CONTENT_RANGE)?.trim().strip_prefix("bytes ")?.split_once('/')?;
    let all: Option<u64> = all.parse().ok();
    match sent.split_once('-') {
        Some((from, _)) => Some((from.parse().ok()?, all)),
        None => Some((all?, all)),
    }
}

/// Why a request failed, down to the cause.
pub(super) fn words(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = if text.is_empty() { words } else { format!("{text}: {words}") };
        }
        cause = error.source();
    }
    text
}

fn write_tag(path: &Path, tag: Option<&str>) -> Result<(), FetchError> {
    match tag {
        Some(tag) => std::fs::write(path, tag).map_err(|source| FetchError::Disk { path: path.to_owned(), source }),
        None => remove(path),
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), FetchError> {
    std::fs::rename(from, to).map_err(|source| FetchError::Disk { path: to.to_owned(), source })
}

fn remove(path: &Path) -> Result<(), FetchError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(FetchError::Disk { path: path.to_owned(), source }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_servers_write_them() {
        for (text, meant) in [
            ("bytes 100-199/200", Some((100, Some(200)))),
            ("bytes 0-9/*", Some((0, None))),
            ("bytes */200", Some((200, Some(200)))),
            ("bytes */*", None),
            ("items 0-1/2", None),
            ("bytes x-9/10", None),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_RANGE, text.parse().unwrap())]);
            assert_eq!(range(&headers), meant, "{text}");
        }
    }

    #[test]
    fn only_a_strong_tag_names_bytes() {
        let of = |tag: Option<&str>, modified: Option<&str>| {
            let tag = tag.map(|tag| (ETAG, tag.parse().unwrap()));
            let modified = modified.map(|at| (LAST_MODIFIED, at.parse().unwrap()));
            strong(&HeaderMap::from_iter(tag.into_iter().chain(modified))).map(str::to_owned)
        };
        assert_eq!(of(Some("\"a\""), Some("then")).as_deref(), Some("\"a\""));
        assert_eq!(of(Some("W/\"a\""), Some("then")).as_deref(), Some("then"));
        assert_eq!(of(Some("W/\"a\""), None), None);
    }

    #[test]
    fn what_will_come_is_guessed_by_what_has_begun() {
        let seen = Arc::new(Mutex::new((0, 0)));
        let told = Arc::clone(&seen);
        let traffic = Traffic::new(Some(Arc::new(move |come, all| *told.lock().unwrap() = (come, all))));
        traffic.plan(4);
        traffic.begin(100);
        traffic.come(50);
        assert_eq!(*seen.lock().unwrap(), (50, 400));
        traffic.leave_out();
        traffic.begin(200);
        assert_eq!(*seen.lock().unwrap(), (50, 450));
    }
}
