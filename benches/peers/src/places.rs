//! Where things are: this program, the one it measures, and the folder in which inputs are kept.

use miette::{IntoDiagnostic, WrapErr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// Places around this program.
#[derive(Clone, Debug)]
pub struct Places {
    /// This program.
    pub own: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
}

impl Places {
    /// Finds them: this program lies in `target/release`.
    ///
    /// # Errors
    /// If it was copied elsewhere.
    pub fn find() -> miette::Result<Self> {
        let own = std::env::current_exe().into_diagnostic().wrap_err("the system does not tell where this program is")?;
        let target = own.parent().and_then(Path::parent).map(Path::to_owned);
        let target =
            target.ok_or_else(|| miette::miette!("this program runs from cargo's target folder; start it with cargo run"))?;
        Ok(Places { own, target })
    }

    /// This program as a command's first word.
    pub fn own(&self) -> String {
        self.own.display().to_string()
    }

    /// The program to measure: the one named, or the release build, made now if it is older than its sources.
    ///
    /// # Errors
    /// If it is not there, or does not build.
    pub fn program(&self, named: Option<&Path>) -> miette::Result<String> {
        if let Some(named) = named {
            let found = named.canonicalize().into_diagnostic();
            let found = found.wrap_err_with(|| format!("`{}` is not there; name a build of faultline", named.display()))?;
            return Ok(found.display().to_string());
        }
        let built = self.own.with_file_name("faultline");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        if changed(&built).is_none_or(|built| newest(&root.join("src")).is_some_and(|source| source > built)) {
            eprintln!("building faultline");
            let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
                .args(["build", "--release", "--package", "faultline", "--bin", "faultline", "--target-dir"])
                .arg(&self.target)
                .current_dir(&root)
                .status()
                .into_diagnostic()
                .wrap_err("cargo could not be started; build faultline and name it with --program")?;
            if !status.success() {
                return Err(miette::miette!("faultline does not build; see above"));
            }
        }
        Ok(built.display().to_string())
    }
}

fn changed(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|facts| facts.modified()).ok()
}

/// When the newest file below a folder was changed.
fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    entries.filter_map(|path| if path.is_dir() { newest(&path) } else { changed(&path) }).max()
}
