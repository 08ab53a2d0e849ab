//! An archive on the loopback: it serves files with ranges, and does what it is told to do wrong, once each.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What is done with one request instead of serving the file.
#[derive(Debug, Clone)]
pub enum Wrong {
    /// The connection ends after so many bytes of the body, which was to be longer.
    Cut(usize),
    /// This status, with this Retry-After.
    Status(u16, Option<&'static str>),
    /// Other bytes, as if they were the file.
    Other(Vec<u8>),
    /// The whole file, whatever range was asked for.
    NoRange,
    /// The connection ends before anything is said.
    HangUp,
}

/// A request, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    pub path: String,
    /// The range asked for, and of which state of the file.
    pub range: Option<String>,
    pub if_range: Option<String>,
    pub status: u16,
    /// Bytes of the body which were sent.
    pub bytes: usize,
}

#[derive(Default)]
struct Shelf {
    files: HashMap<String, Vec<u8>>,
    /// What to do wrong, by path, in order.
    wrong: HashMap<String, VecDeque<Wrong>>,
    served: Vec<Served>,
    /// How many requests are being answered, and how many were at most.
    busy: (usize, usize),
    /// Whether states of files have names.
    tags: bool,
}

/// The archive.
#[derive(Clone)]
pub struct Archive {
    pub url: String,
    shelf: Arc<Mutex<Shelf>>,
}

impl Archive {
    /// An empty one.
    pub async fn open() -> Archive {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shelf = Arc::new(Mutex::new(Shelf { tags: true, ..Shelf::default() }));
        let archive = Archive { url, shelf: Arc::clone(&shelf) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shelf = Arc::clone(&shelf);
                // A client which has gone is no failure of the archive.
                tokio::spawn(async move { serve(stream, &shelf).await.unwrap_or_default() });
            }
        });
        archive
    }

    pub fn put(&self, path: &str, bytes: &[u8]) {
        self.shelf.lock().unwrap().files.insert(path.to_owned(), bytes.to_vec());
    }

    pub fn take_away(&self, path: &str) {
        self.shelf.lock().unwrap().files.remove(path);
    }

    pub fn wrong(&self, path: &str, wrong: impl IntoIterator<Item = Wrong>) {
        self.shelf.lock().unwrap().wrong.entry(path.to_owned()).or_default().extend(wrong);
    }

    /// States of files have no names from now on.
    pub fn without_tags(&self) {
        self.shelf.lock().unwrap().tags = false;
    }

    /// What was asked for since the last call, in order.
    pub fn served(&self) -> Vec<Served> {
        std::mem::take(&mut self.shelf.lock().unwrap().served)
    }

    /// How many requests were answered at once, at most.
    pub fn at_once(&self) -> usize {
        self.shelf.lock().unwrap().busy.1
    }
}

async fn serve(stream: TcpStream, shelf: &Mutex<Shelf>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let path = head[0].split_whitespace().nth(1).unwrap_or_default().to_owned();
    let field = |name: &str| {
        head.iter().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let (range, if_range) = (field("range"), field("if-range"));
    let (file, wrong, tags) = {
        let mut shelf = shelf.lock().unwrap();
        shelf.busy.0 += 1;
        shelf.busy.1 = shelf.busy.1.max(shelf.busy.0);
        let wrong = shelf.wrong.get_mut(&path).and_then(VecDeque::pop_front);
        (shelf.files.get(&path).cloned(), wrong, shelf.tags)
    };
    // Others get their turn, so that those which may come at once do.
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    let answer = answer(file, wrong, range.as_deref(), if_range.as_deref(), tags);
    {
        let mut shelf = shelf.lock().unwrap();
        shelf.busy.0 -= 1;
        let (status, bytes) = answer.as_ref().map_or((0, 0), |answer| (answer.status, answer.body.len()));
        shelf.served.push(Served { path, range, if_range, status, bytes });
    }
    let Some(answer) = answer else { return Ok(()) };
    let text = format!("HTTP/1.1 {} x\r\nConnection: close\r\n{}\r\n", answer.status, answer.head);
    stream.write_all(text.as_bytes()).await?;
    stream.write_all(&answer.body).await?;
    stream.flush().await?;
    stream.shutdown().await
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

fn answer(file: Option<Vec<u8>>, wrong: Option<Wrong>, range: Option<&str>, if_range: Option<&str>, tags: bool) -> Option<Answer> {
    let whole = |bytes: Vec<u8>, tag: Option<String>, sent: usize| {
        let tag = tag.map(|tag| format!("ETag: {tag}\r\n")).unwrap_or_default();
        let head = format!("Content-Length: {}\r\n{tag}", bytes.len());
        Answer { status: 200, head, body: bytes[..sent].to_vec() }
    };
    let tag = |bytes: &[u8]| tags.then(|| format!("\"{}\"", &blake3::hash(bytes).to_hex()[..16]));
    let missing = Answer { status: 404, head: "Content-Length: 0\r\n".to_owned(), body: Vec::new() };
    match wrong {
        Some(Wrong::HangUp) => return None,
        Some(Wrong::Status(status, after)) => {
            let after = after.map(|after| format!("Retry-After: {after}\r\n")).unwrap_or_default();
            return Some(Answer { status, head: format!("Content-Length: 0\r\n{after}"), body: Vec::new() });
        }
        Some(Wrong::Other(bytes)) => {
            let length = bytes.len();
            return Some(whole(bytes, None, length));
        }
        Some(Wrong::NoRange) => {
            let bytes = file?;
            let (tag, length) = (tag(&bytes), bytes.len());
            return Some(whole(bytes, tag, length));
        }
        Some(Wrong::Cut(_)) | None => {}
    }
    let Some(bytes) = file else { return Some(missing) };
    let tag = tag(&bytes);
    let from = range.and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let from = from.filter(|_| tag.is_some() && if_range == tag.as_deref());
    let cut = |length: usize| if let Some(Wrong::Cut(sent)) = wrong { sent.min(length) } else { length };
    Some(match from {
        Some(from) if from >= bytes.len() => {
            let head = format!("Content-Length: 0\r\nContent-Range: bytes */{}\r\n", bytes.len());
            Answer { status: 416, head, body: Vec::new() }
        }
        Some(from) => {
            let rest = &bytes[from..];
            let head =
                format!("Content-Length: {}\r\nContent-Range: bytes {from}-{}/{}\r\n", rest.len(), bytes.len() - 1, bytes.len());
            Answer { status: 206, head, body: rest[..cut(rest.len())].to_vec() }
        }
        None => {
            let sent = cut(bytes.len());
            whole(bytes, tag, sent)
        }
    })
}
