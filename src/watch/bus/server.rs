//! Where the bus is, and the connection to it.

use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions, ServerAddr};
use std::fmt;
use std::time::Duration;

/// A connection is made within this time, or not.
const CONNECT: Duration = Duration::from_secs(20);
/// A server which does not answer twice when it is asked is not there.
const PING_EVERY: Duration = Duration::from_secs(10);
/// More shares than there are blocks of addresses would be empty.
const MOST_SHARES: u32 = 256;
/// Characters which names of streams may not have (docs.nats.io, "Naming").
const NOT_IN_NAMES: &[char] = &['.', '*', '>', '/', '\\', '?', '#'];
/// Secrets come from the environment only.
const TOKEN: &str = "FAULTLINE_NATS_TOKEN";
const USER: &str = "FAULTLINE_NATS_USER";
const PASSWORD: &str = "FAULTLINE_NATS_PASSWORD";

/// A stream of JetStream, as `nats://127.0.0.1:4222/NAME`, or `tls://…`.
#[derive(Debug, Clone)]
pub struct Address {
    server: ServerAddr,
    stream: String,
    typed: String,
}

/// What is wrong with an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is none of a server.
    #[error("it is no address of a NATS server: {0}")]
    Server(String),
    /// It does not say which stream.
    #[error("it names no stream")]
    NoStream,
    /// No stream can have this name.
    #[error("no stream can be named `{0}`")]
    Name(String),
    /// It holds a secret.
    #[error("a name and a password do not belong into it, where anybody sees them: set {USER} and {PASSWORD}, or {TOKEN}")]
    Secret,
}

impl Address {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Address, AddressError> {
        let (scheme, rest) = text.split_once("://").ok_or(AddressError::NoStream)?;
        let (host, stream) = rest.split_once('/').ok_or(AddressError::NoStream)?;
        if host.contains('@') {
            return Err(AddressError::Secret);
        }
        let server: ServerAddr = format!("{scheme}://{host}").parse().map_err(|error| AddressError::Server(format!("{error}")))?;
        match stream {
            "" => Err(AddressError::NoStream),
            _ if stream.contains(NOT_IN_NAMES) || stream.contains(char::is_whitespace) => {
                Err(AddressError::Name(stream.to_owned()))
            }
            _ => Ok(Address { server, stream: stream.to_owned(), typed: text.to_owned() }),
        }
    }

    /// The name of the stream.
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// Connects. A connection which is lost later is made again by itself.
    pub(super) async fn connect(&self) -> Result<(Client, Context), String> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let mut options = ConnectOptions::new().name("faultline").connection_timeout(CONNECT).ping_interval(PING_EVERY);
        if let Some(token) = variable(TOKEN) {
            options = options.token(token);
        } else if let (Some(user), Some(password)) = (variable(USER), variable(PASSWORD)) {
            options = options.user_and_password(user, password);
        }
        let client = options.connect(self.server.clone()).await.map_err(|error| error.to_string())?;
        Ok((client.clone(), jetstream::new(client)))
    }
}

/// The subject under which something of a stream stands.
pub(super) fn subject(stream: &str, shares: u32, part: Part) -> String {
    match part {
        Part::All => format!("{stream}.{shares}.all"),
        Part::Share(number) => format!("{stream}.{shares}.{number}"),
    }
}

/// Under which subjects a stream of so many shares takes messages.
pub(super) fn subjects(stream: &str, shares: u32) -> String {
    format!("{stream}.{shares}.*")
}

/// What part a subject of the stream is.
pub(super) fn part_of(subject: &str) -> Option<Part> {
    match subject.rsplit('.').next()? {
        "all" => Some(Part::All),
        number => number.parse().ok().map(Part::Share),
    }
}

/// Into how many shares a stream is dealt out: its subjects say it.
pub(super) fn shares_of(config: &jetstream::stream::Config) -> Option<u32> {
    let [subject] = config.subjects.as_slice() else { return None };
    let shares = subject.strip_prefix(&config.name)?.strip_prefix('.')?.strip_suffix(".*")?;
    shares.parse().ok().filter(|shares| (1..=MOST_SHARES).contains(shares))
}

/// What a message of the bus is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Part {
    /// For everybody.
    All,
    /// For the share of this number.
    Share(u32),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_tell_parts_and_shares() {
        for part in [Part::All, Part::Share(15)] {
            assert_eq!(part_of(&subject("ris", 16, part)), Some(part));
        }
        let config = |subjects: &[&str]| jetstream::stream::Config {
            name: "ris".to_owned(),
            subjects: subjects.iter().map(|subject| (*subject).to_owned()).collect(),
            ..Default::default()
        };
        assert_eq!(shares_of(&config(&[&subjects("ris", 16)])), Some(16));
        for others in [&["ris.>"][..], &["ris.0.*"], &["ris.257.*"], &["other.16.*"], &["ris.16.*", "more"], &[]] {
            assert_eq!(shares_of(&config(others)), None, "{others:?}");
        }
    }

    #[test]
    fn addresses() {
        let read = |text: &str| Address::read(text).map(|address| address.stream().to_owned());
        assert_eq!(read("nats://127.0.0.1:4222/ris"), Ok("ris".to_owned()));
        assert_eq!(read("tls://bus.example:4222/ris"), Ok("ris".to_owned()));
        assert_eq!(read("nats://127.0.0.1:4222"), Err(AddressError::NoStream));
        assert_eq!(read("nats://127.0.0.1:4222/"), Err(AddressError::NoStream));
        assert_eq!(read("nats://127.0.0.1:4222/ris.all"), Err(AddressError::Name("ris.all".to_owned())));
        for secret in ["nats://me:secret@127.0.0.1:4222/ris", "nats://:secret@127.0.0.1/ris", "nats://token@127.0.0.1/ris"] {
            assert_eq!(read(secret), Err(AddressError::Secret), "{secret}");
        }
        assert!(matches!(read("nats://:/ris"), Err(AddressError::Server(_))));
    }
}
