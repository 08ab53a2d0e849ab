//! Where archives are: on a disk which everybody sees at the same place, or in an object store.
//!
//! Takes what was typed; gives input files. Of one in an object store the path is its URL; it is copied to the disk of who reads it, for as long as that takes.

use datafusion::common::{DataFusionError, Result};
use faultline::source::{InputFile, InputSpec, discover};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path as StorePath;
use object_store::{ObjectStore, ObjectStoreExt, parse_url_opts};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;
use url::Url;

/// A file on this machine's disk.
pub struct OnDisk {
    path: PathBuf,
    /// The copy, which goes with it.
    _copy: Option<NamedTempFile>,
}

impl OnDisk {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The files which were named: paths, folders and globs, `s3://BUCKET/PREFIX` and `https://HOST/FILE`. Keys and endpoints of stores come from the environment, in the
/// names of their own tools (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT`, …).
///
/// # Errors
/// A name which leads to no file, or a store which does not answer.
pub async fn find(named: &[InputSpec]) -> Result<Vec<InputFile>> {
    let (stored, on_disk): (Vec<&InputSpec>, Vec<&InputSpec>) = named.iter().partition(|spec| url_of(&spec.path).is_some());
    let on_disk: Vec<InputSpec> = on_disk.into_iter().cloned().collect();
    let mut files = if on_disk.is_empty() {
        Vec::new()
    } else {
        discover(&on_disk).map_err(|error| DataFusionError::External(error.into()))?
    };
    for file in &mut files {
        // Executors do not stand where the client does.
        file.path = file.path.canonicalize()?;
    }
    for spec in stored {
        files.extend(list(spec).await?);
    }
    if files.is_empty() {
        return Err(DataFusionError::Execution(
            "no input was named; name MRT files, a folder or a glob of them, or the URL of an object store".to_owned(),
        ));
    }
    Ok(files)
}

/// The file on this machine's disk.
///
/// # Errors
/// If it cannot be fetched from its store.
pub async fn on_disk(file: &InputFile) -> Result<OnDisk> {
    let Some(url) = url_of(&file.path) else { return Ok(OnDisk { path: file.path.clone(), _copy: None }) };
    let (store, path) = store(&url)?;
    let copy = NamedTempFile::new()?;
    let mut out = tokio::fs::File::create(copy.path()).await?;
    let mut stream = store.get(&path).await.map_err(|error| stored(&url, error))?.into_stream();
    while let Some(bytes) = stream.next().await {
        out.write_all(&bytes.map_err(|error| stored(&url, error))?).await?;
    }
    out.flush().await?;
    Ok(OnDisk { path: copy.path().to_owned(), _copy: Some(copy) })
}

async fn list(spec: &InputSpec) -> Result<Vec<InputFile>> {
    let Some(url) = url_of(&spec.path) else { return Ok(Vec::new()) };
    let (store, path) = store(&url)?;
    let file = |path: &StorePath, bytes| {
        let mut whole = url.clone();
        whole.set_path(&path_in(&url, path));
        InputFile::elsewhere(whole.as_str().into(), bytes, spec.collector.as_deref())
    };
    if let Ok(found) = store.head(&path).await {
        return Ok(vec![file(&found.location, found.size)]);
    }
    let mut found: Vec<_> = store.list(Some(&path)).try_collect().await.map_err(|error| stored(&url, error))?;
    if found.is_empty() {
        return Err(DataFusionError::Execution(format!("{url} holds no files; name a file or a folder")));
    }
    found.sort_by(|one, other| one.location.cmp(&other.location));
    Ok(found.iter().map(|object| file(&object.location, object.size)).collect())
}

/// A store's path as the path of a URL. One which names its bucket by its host has only keys in it.
fn path_in(url: &Url, path: &StorePath) -> String {
    let bucket_in_path = matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| host.starts_with("s3."));
    let bucket = url.path_segments().and_then(|mut parts| parts.next()).filter(|_| bucket_in_path);
    bucket.map_or_else(|| format!("/{path}"), |bucket| format!("/{bucket}/{path}"))
}

fn store(url: &Url) -> Result<(Box<dyn ObjectStore>, StorePath)> {
    let options =
        std::env::vars().map(|(name, value)| (name.to_ascii_lowercase(), value)).filter(|(name, _)| name.starts_with("aws_"));
    let plain = (url.scheme() == "http").then(|| ("allow_http".to_owned(), "true".to_owned()));
    parse_url_opts(url, options.chain(plain)).map_err(|error| stored(url, error))
}

fn url_of(path: &Path) -> Option<Url> {
    let text = path.to_str().filter(|text| text.contains("://"))?;
    Url::parse(text).ok()
}

fn stored(url: &Url, error: object_store::Error) -> DataFusionError {
    DataFusionError::Execution(format!("{url}: {error}; check the URL, and the keys and the endpoint in the environment"))
}
