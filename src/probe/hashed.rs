//! A file whose size and BLAKE3 hash are known once it has been read, also where the reader stopped early.
//!
//! Reads the file once: pipes have no second time.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How much of all files was read, told to whoever watches.
pub struct Tally {
    all: u64,
    read: AtomicU64,
    watcher: Arc<dyn Fn(u64, u64) + Send + Sync>,
}

impl Tally {
    /// Nothing yet of so many bytes.
    pub fn of(all: u64, watcher: Arc<dyn Fn(u64, u64) + Send + Sync>) -> Tally {
        Tally { all, read: AtomicU64::new(0), watcher }
    }

    fn add(&self, bytes: u64) {
        let read = self.read.fetch_add(bytes, Ordering::Relaxed) + bytes;
        (self.watcher)(read, self.all.max(read));
    }
}

/// The file behind all handles.
pub struct Hashed {
    shared: Arc<Mutex<Counted>>,
    regular: bool,
}

/// A reader of the file; all handles share one position.
pub struct Handle(Arc<Mutex<Counted>>);

struct Counted {
    file: File,
    hasher: blake3::Hasher,
    bytes: u64,
    tally: Arc<Tally>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.bytes += count as u64;
        self.tally.add(count as u64);
        Ok(count)
    }
}

impl Read for Handle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).read(buffer)
    }
}

impl Hashed {
    /// Opens the file; what is read of it is added to the tally.
    ///
    /// # Errors
    /// If it cannot be opened, or is a folder.
    pub fn open(path: &Path, tally: &Arc<Tally>) -> io::Result<Hashed> {
        let file = File::open(path)?;
        let kind = file.metadata()?.file_type();
        if kind.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        let counted = Counted { file, hasher: blake3::Hasher::new(), bytes: 0, tally: Arc::clone(tally) };
        Ok(Hashed { shared: Arc::new(Mutex::new(counted)), regular: kind.is_file() })
    }

    /// A reader of the file.
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.shared))
    }

    /// Size and hash (hexadecimal) of the whole file; what nobody read is read now. Of a device, which need not end, only of what was
    /// read.
    ///
    /// # Errors
    /// If the rest cannot be read.
    pub fn finish(self) -> io::Result<(u64, String)> {
        let mut counted = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if self.regular {
            io::copy(&mut *counted, &mut io::sink())?;
        }
        Ok((counted.bytes, counted.hasher.finalize().to_hex().to_string()))
    }
}
