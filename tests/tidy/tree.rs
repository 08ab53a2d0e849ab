//! The files of the package, without what `.gitignore` leaves out.

use std::path::{Path, PathBuf};

/// A file of the tree.
pub struct File {
    /// From the package's root, with `/`.
    pub path: String,
    /// Where it is.
    pub full: PathBuf,
}

impl File {
    /// Its text; `None` if it is not UTF-8.
    pub fn text(&self) -> Option<String> {
        String::from_utf8(std::fs::read(&self.full).unwrap_or_else(|error| panic!("{}: {error}", self.path))).ok()
    }

    /// Its lines which are code: those that are only a comment are empty here, so that numbers still fit.
    pub fn code(&self) -> String {
        let text = self.text().unwrap_or_default();
        let lines = text.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// [`code`](Self::code) without the unit tests, which stand last.
    pub fn program(&self) -> String {
        let code = self.code();
        let test_file = self.path.ends_with("/tests.rs") || self.path.contains("/tests/");
        let lines: Vec<&str> = if test_file { Vec::new() } else { code.lines().collect() };
        let tests = lines.windows(2).position(|two| two[0].trim() == "#[cfg(test)]" && two[1].trim_start().starts_with("mod "));
        lines[..tests.unwrap_or(lines.len())].join("\n")
    }
}

/// Where the library's modules are: the routing half is a package of its own.
const ROOTS: [&str; 2] = ["src/", "crates/routing/src/"];

/// The path of a module's file within the library: `source/mrt/scan.rs`.
pub fn inner(path: &str) -> Option<&str> {
    ROOTS.iter().find_map(|root| path.strip_prefix(root))
}

/// The package's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under the root whose path passes, sorted.
pub fn files(wanted: impl Fn(&str) -> bool) -> Vec<File> {
    let mut found = Vec::new();
    let ignored = std::fs::read_to_string(root().join(".gitignore")).unwrap();
    let ignored: Vec<&str> = ignored.lines().map(|line| line.trim_matches('/')).filter(|line| !line.is_empty()).collect();
    walk(root(), "", &ignored, &mut found);
    found.retain(|file| wanted(&file.path));
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Every Rust file.
pub fn rust() -> Vec<File> {
    files(|path| path.ends_with(".rs"))
}

/// Every Rust file of the library and the program.
pub fn sources() -> Vec<File> {
    files(|path| inner(path).is_some() && path.ends_with(".rs"))
}

fn walk(folder: &Path, prefix: &str, ignored: &[&str], found: &mut Vec<File>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().expect("file names are UTF-8");
        if name == ".git" || (prefix.is_empty() && ignored.iter().any(|pattern| matches(pattern, &name))) {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), &format!("{path}/"), ignored, found);
        } else {
            found.push(File { path, full: entry.path() });
        }
    }
}

/// The two forms which our `.gitignore` uses: a name, and a name which ends in `*`.
fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(name == pattern, |start| name.starts_with(start))
}
