//! Receivers of notices: one file a kind. Each makes one attempt within its time, and tells whether another one is worth it.
//!
//! Secrets are read from the environment or a file when a receiver is made, and stand in no message.

pub mod command;
pub mod email;
pub mod file;
pub mod post;
pub mod syslog;

use super::notice::Notice;
use super::resolve::Resolver;
use crate::org::alert::{AlertSink, AlertWay, Confidential};
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use tokio::time::timeout;

/// A receiver.
pub struct Sink {
    /// Its name.
    pub name: String,
    kind: &'static str,
    way: Way,
    timeout: Duration,
}

enum Way {
    Post(post::Post),
    Email(email::Email),
    Syslog(syslog::Syslog),
    Command(command::Command),
    File(file::File),
}

/// Why a notice was not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// In words, without secrets.
    pub words: String,
    /// Another attempt may have better luck.
    pub again: bool,
}

impl Failure {
    /// Another attempt may have better luck.
    pub fn passing(words: impl Into<String>) -> Self {
        Failure { words: words.into(), again: true }
    }

    /// It would come to the same.
    pub fn lasting(words: impl Into<String>) -> Self {
        Failure { words: words.into(), again: false }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl Sink {
    /// A receiver as the profile describes it; `variable` gives what the environment holds.
    ///
    /// # Errors
    /// Why there is none: a secret which is not there, an address which is none.
    pub fn new(described: &AlertSink, resolver: &Resolver, variable: impl Fn(&str) -> Option<String>) -> Result<Sink, String> {
        let secret = |confidential: &Confidential| read(confidential, &variable);
        let way = match &described.way {
            AlertWay::Webhook { url, secret: key } => {
                let key = key.as_ref().map(secret).transpose()?;
                Way::Post(post::Post::webhook(&secret(url)?, key, resolver)?)
            }
            AlertWay::Slack { url } => Way::Post(post::Post::slack(&secret(url)?, resolver)?),
            AlertWay::Email(mail) => {
                let password = mail.login.as_ref().map(|(_, password)| secret(password)).transpose()?;
                Way::Email(email::Email::new(mail, password, resolver)?)
            }
            AlertWay::Syslog(way) => Way::Syslog(syslog::Syslog::new(way, resolver)),
            AlertWay::Command { command } => Way::Command(command::Command::new(command, &variable)),
            AlertWay::File { path } => Way::File(file::File::new(path)),
        };
        let time = Duration::from_micros(u64::try_from(described.timeout.micros()).unwrap_or(0).max(1));
        Ok(Sink { name: described.name.clone(), kind: described.way.kind(), way, timeout: time })
    }

    /// Its kind, in a word.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The host which it is at, if it is at one.
    pub fn host(&self) -> Option<&str> {
        match &self.way {
            Way::Post(post) => post.host(),
            Way::Email(email) => Some(email.host()),
            Way::Syslog(syslog) => syslog.host(),
            Way::Command(_) | Way::File(_) => None,
        }
    }

    /// One attempt; `now` is the time which stands in it.
    ///
    /// # Errors
    /// Why it is not known to have arrived.
    pub async fn send(&self, notice: &Notice, now: Timestamp) -> Result<(), Failure> {
        let attempt = async {
            match &self.way {
                Way::Post(post) => post.send(notice, now).await,
                Way::Email(email) => email.send(notice, now).await,
                Way::Syslog(syslog) => syslog.send(notice, now).await,
                Way::Command(command) => command.send(notice).await,
                Way::File(file) => file.send(notice).await,
            }
        };
        let late = || Err(Failure::passing(format!("not done within {} s", self.timeout.as_secs_f32())));
        timeout(self.timeout, attempt).await.unwrap_or_else(|_| late())
    }
}

fn read(confidential: &Confidential, variable: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let text = match confidential {
        Confidential::Written(text) => Ok(text.clone()),
        Confidential::Environment(name) => variable(name).ok_or_else(|| "it is not set".to_owned()),
        Confidential::File(path) => std::fs::read_to_string(path).map_err(|error| error.to_string()),
    };
    match text.map(|text| text.trim().to_owned()) {
        Ok(text) if text.is_empty() => Err(format!("{confidential:?} is empty")),
        Ok(text) => Ok(text),
        Err(error) => Err(format!("{confidential:?} cannot be read: {error}")),
    }
}

/// The variables which a program is given: where to find others, who it is, and how it writes. Secrets of receivers are not among them.
fn environment(variable: impl Fn(&str) -> Option<String>) -> BTreeMap<&'static str, String> {
    let kept = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR"];
    kept.into_iter().filter_map(|name| Some((name, variable(name)?))).collect()
}

#[cfg(test)]
pub(super) mod tests;
