//! Whom to tell of incidents: the tables `[[alerts]]` of a profile.
//!
//! Only what is written: addresses are not resolved here, and secrets are not read. What is secret is in the environment or a file; nothing
//! here shows an address which may hold one.

use crate::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// Somebody who is told of incidents.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AlertSink {
    /// What messages about it call it; the journal knows it by this.
    pub name: String,
    /// How it is told.
    pub way: AlertWay,
    /// Of what.
    pub policy: AlertPolicy,
    /// How long one attempt may take.
    pub timeout: Span,
}

/// How somebody is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AlertWay {
    /// A POST of JSON.
    Webhook {
        /// Where to.
        url: Confidential,
        /// What it is signed with.
        secret: Option<Confidential>,
    },
    /// A POST as the incoming webhooks of Slack take it, and others like it.
    Slack {
        /// Where to; who knows it may post.
        url: Confidential,
    },
    /// A message over SMTP.
    Email(Mail),
    /// A line of RFC 5424.
    Syslog(SyslogWay),
    /// A program, which reads the notice from its standard input.
    Command {
        /// The program and its arguments.
        command: Vec<String>,
    },
    /// A line of JSON at the end of a file.
    File {
        /// Which.
        path: PathBuf,
    },
}

/// E-mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mail {
    /// The server: a host name or an address.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: MailTls,
    /// Who logs in, with what.
    pub login: Option<(String, Confidential)>,
    /// The sender.
    pub from: String,
    /// The receivers.
    pub to: Vec<String>,
}

/// How a connection to a mail server is encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MailTls {
    /// After STARTTLS (RFC 3207), or not at all: without it nothing is sent.
    StartTls,
    /// From the first byte (RFC 8314).
    Tls,
    /// Not.
    None,
}

/// How a syslog daemon is reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SyslogWay {
    /// A datagram each (RFC 5426): whether it arrives nobody knows.
    Udp {
        /// A host name or an address.
        server: String,
        /// Its port.
        port: u16,
    },
    /// A connection, with octet counting (RFC 6587 §3.4.1).
    Tcp {
        /// A host name or an address.
        server: String,
        /// Its port.
        port: u16,
    },
    /// The socket of the machine itself.
    Local {
        /// Which.
        path: PathBuf,
    },
}

/// A text which nobody but its receiver need see.
#[derive(Clone, PartialEq, Eq)]
pub enum Confidential {
    /// It stands in the profile.
    Written(String),
    /// It is in this variable of the environment.
    Environment(String),
    /// It is in this file.
    File(PathBuf),
}

/// Shows where it is, never what it is.
impl fmt::Debug for Confidential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Confidential::Written(_) => f.write_str("written in the profile"),
            Confidential::Environment(variable) => write!(f, "the environment variable {variable}"),
            Confidential::File(path) => write!(f, "the file {}", path.display()),
        }
    }
}

/// Of what somebody is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AlertPolicy {
    /// Of which changes. Whoever was told that an incident began is told that it is over.
    pub changes: Vec<ToldChange>,
    /// Of incidents of these services only; empty: of all.
    pub services: Vec<String>,
    /// Of incidents which are so urgent at least.
    pub at_least: Urgency,
    /// Between two notices of one incident there is so much time at least, if the later one only tells that it is better or otherwise judged.
    pub every: Span,
}

/// A change which may be told of or not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ToldChange {
    /// It begins, or goes on after all.
    Opened,
    /// More is lost.
    Worsened,
    /// Some of it is back.
    Improved,
    /// Something else is judged of it.
    Changed,
}

/// How soon somebody should look.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// When there is time: nothing of the organization's is known to be lost.
    Note,
    /// Soon: something is lost, and nothing is known to suffer.
    Warning,
    /// Now: a service fails, or what it needs cannot be reached.
    Critical,
}

impl AlertWay {
    /// Its word in a profile.
    pub const fn kind(&self) -> &'static str {
        match self {
            AlertWay::Webhook { .. } => "webhook",
            AlertWay::Slack { .. } => "slack",
            AlertWay::Email(_) => "email",
            AlertWay::Syslog(_) => "syslog",
            AlertWay::Command { .. } => "command",
            AlertWay::File { .. } => "file",
        }
    }
}

impl AlertPolicy {
    /// Of everything.
    pub fn everything() -> Self {
        use ToldChange::{Changed, Improved, Opened, Worsened};
        AlertPolicy {
            changes: vec![Opened, Worsened, Improved, Changed],
            services: Vec::new(),
            at_least: Urgency::Note,
            every: Span::ZERO,
        }
    }
}

impl ToldChange {
    /// All, as they are written.
    pub const ALL: [(&str, ToldChange); 4] = [
        ("opened", ToldChange::Opened),
        ("worsened", ToldChange::Worsened),
        ("improved", ToldChange::Improved),
        ("changed", ToldChange::Changed),
    ];
}

impl Urgency {
    /// All, as they are written.
    pub const ALL: [(&str, Urgency); 3] = [("note", Urgency::Note), ("warning", Urgency::Warning), ("critical", Urgency::Critical)];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Urgency::Note => "note",
            Urgency::Warning => "warning",
            Urgency::Critical => "critical",
        }
    }
}
