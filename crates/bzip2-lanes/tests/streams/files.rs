//! Takes the real files beside the workspace, if they are there: each decoder gives the same. It says loudly what it left out.

use std::path::{Path, PathBuf};

use bzip2::bufread::MultiBzDecoder;
use bzip2_lanes::Decoder;

use crate::oracle::drain;

fn find(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "bz2") {
            found.push(path);
        }
    }
}

#[test]
fn real_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let mut files = Vec::new();
    find(&folder, &mut files);
    files.sort();
    if files.is_empty() {
        println!("SKIPPED: no .bz2 files under {}. The other tests need none.", folder.display());
        return;
    }
    // All of them would take too long for each run: at most twelve, spread over all.
    let every = files.len().div_ceil(12);
    println!("{} of {} files", files.len().div_ceil(every), files.len());
    for file in files.iter().step_by(every) {
        let compressed = std::fs::read(file).unwrap();
        let wanted = drain(MultiBzDecoder::new(compressed.as_slice()), 1 << 16);
        assert_eq!(wanted.error, None);
        let here = drain(Decoder::new(compressed.as_slice()), 1 << 16);
        let threads = drain(Decoder::with_threads(std::io::Cursor::new(compressed), 2), 1 << 12);
        assert!(here == wanted && threads == wanted, "{}", file.display());
    }
}
