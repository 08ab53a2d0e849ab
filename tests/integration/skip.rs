//! Recorded data which is not part of the package, and how a test says loudly that it did without.

use std::path::{Path, PathBuf};

/// A file or folder of `../shared`, beside the package; `None`, with a line which `scripts/test` shows at its end, if it is not
/// there: a fresh clone has none.
///
/// ```text
/// let Some(folder) = shared("data/mrt") else { return };
/// ```
pub fn shared(path: &str) -> Option<PathBuf> {
    let found = beside(Path::new(env!("CARGO_MANIFEST_DIR")), path);
    if found.is_none() {
        eprintln!("SKIPPED: ../shared/{path} is not there");
    }
    found
}

fn beside(package: &Path, path: &str) -> Option<PathBuf> {
    Some(package.parent()?.join("shared").join(path)).filter(|full| full.exists())
}

#[test]
fn only_what_is_there_is_given() {
    let home = tempfile::tempdir().unwrap();
    let package = home.path().join("package");
    std::fs::create_dir_all(home.path().join("shared/data")).unwrap();
    assert_eq!(beside(&package, "data"), Some(home.path().join("shared/data")));
    assert_eq!(beside(&package, "absent"), None);
}

#[test]
fn recorded_data_comes_with_its_index() {
    let Some(folder) = shared("data") else { return };
    assert!(folder.join("INDEX.md").is_file(), "{} is not the recorded data these tests mean", folder.display());
}
