//! A program which reads the notice from its standard input. No shell reads what it is called with, and nothing of a notice is among that.
//!
//! It has as long as the receiver's `timeout`; then it is killed. It gets few variables of the environment: other receivers' secrets are not
//! its business.

use super::{Failure, environment};
use crate::alert::notice::Notice;
use std::collections::BTreeMap;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process;

/// A program and its arguments.
pub struct Command {
    words: Vec<String>,
    environment: BTreeMap<&'static str, String>,
}

impl Command {
    pub(super) fn new(words: &[String], variable: impl Fn(&str) -> Option<String>) -> Self {
        Command { words: words.to_vec(), environment: environment(variable) }
    }

    pub(super) async fn send(&self, notice: &Notice) -> Result<(), Failure> {
        let Some((program, arguments)) = self.words.split_first() else {
            return Err(Failure::lasting("no program was named"));
        };
        let notice = serde_json::to_vec(notice).map_err(|error| Failure::lasting(error.to_string()))?;
        let mut command = process::Command::new(program);
        command.args(arguments).env_clear().envs(&self.environment);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| Failure::passing(format!("{program} cannot be started: {error}")))?;
        if let Some(mut input) = child.stdin.take() {
            // A program may end without having read everything; its exit status tells whether that was meant.
            let _ = input.write_all(&notice).await;
        }
        let status = child.wait().await.map_err(|error| Failure::passing(error.to_string()))?;
        if status.success() { Ok(()) } else { Err(Failure::passing(format!("{program} ended with {status}"))) }
    }
}
