//! What clients of RIS Live ask for.

use super::frame::Hop;
use super::write::Shown;
use crate::vantage::Family;
use ipnet::IpNet;
use serde::Deserialize;
use serde_json::Value;
use std::net::IpAddr;

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Send what fits this, from now on.
    Subscribe(Subscription, SocketOptions),
    /// Send it no more.
    Unsubscribe(Subscription),
    /// Which collectors are there?
    Collectors,
    /// Are you there?
    Ping,
}

/// How frames are sent on a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SocketOptions {
    /// With the bytes of messages.
    pub include_raw: bool,
    /// Each subscription is confirmed.
    pub acknowledge: bool,
}

#[derive(Deserialize)]
struct Outer {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    data: Value,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Asked {
    host: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    require: Option<String>,
    peer: Option<String>,
    path: Option<Value>,
    prefix: Option<Prefixes>,
    more_specific: Option<bool>,
    less_specific: Option<bool>,
    socket_options: Option<SocketOptions>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Prefixes {
    One(String),
    Several(Vec<String>),
}

impl Request {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Request, String> {
        let outer: Outer = serde_json::from_str(text).map_err(|error| format!("the message cannot be read: {error}"))?;
        match outer.kind.as_str() {
            "ris_subscribe" => subscription(outer.data).map(|(subscription, options)| Request::Subscribe(subscription, options)),
            "ris_unsubscribe" => subscription(outer.data).map(|(subscription, _)| Request::Unsubscribe(subscription)),
            "request_rrc_list" => Ok(Request::Collectors),
            "ping" => Ok(Request::Ping),
            other => Err(format!("unknown command type `{other}`")),
        }
    }
}

fn subscription(data: Value) -> Result<(Subscription, SocketOptions), String> {
    let asked: Option<Asked> = serde_json::from_value(data).map_err(|error| format!("the subscription cannot be read: {error}"))?;
    let Asked { host, kind, require, peer, path, prefix, more_specific, less_specific, socket_options } = asked.unwrap_or_default();
    let require = match require.as_deref() {
        None => None,
        Some("announcements") => Some(Require::Announcements),
        Some("withdrawals") => Some(Require::Withdrawals),
        Some(other) => return Err(format!("`require` may be announcements or withdrawals, not `{other}`")),
    };
    let path = match path {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(PathPattern::read(&text)?),
        Some(number) => Some(PathPattern::read(&number.to_string())?),
    };
    let prefixes = match prefix {
        None => Vec::new(),
        Some(Prefixes::One(one)) => vec![one],
        Some(Prefixes::Several(several)) => several,
    };
    let read = |text: String| text.parse::<IpNet>().map(|prefix| prefix.trunc()).map_err(|_| format!("`{text}` is no prefix"));
    let subscription = Subscription {
        host,
        kind,
        require,
        peer: peer.map(|peer| peer.parse().map_err(|_| format!("`{peer}` is no address"))).transpose()?,
        path,
        prefixes: prefixes.into_iter().map(read).collect::<Result<_, _>>()?,
        more_specific: more_specific.unwrap_or(true),
        less_specific: less_specific.unwrap_or(false),
    };
    Ok((subscription, socket_options.unwrap_or_default()))
}

/// What a client asks to be sent. What is not named may be anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subscription {
    /// Of this collector.
    pub host: Option<String>,
    /// Of this type.
    pub kind: Option<String>,
    /// With announcements, or with withdrawals.
    pub require: Option<Require>,
    /// Of the peer with this address.
    pub peer: Option<IpAddr>,
    /// With this in its path.
    pub path: Option<PathPattern>,
    /// On one of these prefixes …
    pub prefixes: Vec<IpNet>,
    /// … or one within them …
    pub more_specific: bool,
    /// … or one which holds one of them.
    pub less_specific: bool,
}

/// What a message must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Require {
    /// Announced prefixes.
    Announcements,
    /// Withdrawn prefixes.
    Withdrawals,
}

/// ASes which follow one another in a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    hops: Vec<Hop>,
    /// They begin it.
    first: bool,
    /// They end it.
    last: bool,
    /// They are not in it.
    not: bool,
}

impl PathPattern {
    /// Reads `123,456`, perhaps with `^` before it, `$` after it and `!` before all; a set is a list in brackets.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<PathPattern, String> {
        let (not, rest) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let (first, rest) = rest.strip_prefix('^').map_or((false, rest), |rest| (true, rest));
        let (last, rest) = rest.strip_suffix('$').map_or((false, rest), |rest| (true, rest));
        let hops = serde_json::from_str(&format!("[{rest}]")).map_err(|_| format!("`{text}` is no pattern of a path"))?;
        Ok(PathPattern { hops, first, last, not })
    }

    fn fits(&self, path: &[Hop]) -> bool {
        let within = match (self.first, self.last) {
            (true, true) => path == self.hops,
            (true, false) => path.starts_with(&self.hops),
            (false, true) => path.ends_with(&self.hops),
            (false, false) => self.hops.is_empty() || path.windows(self.hops.len()).any(|part| part == self.hops),
        };
        within != self.not
    }
}

impl Subscription {
    /// Whether a message is asked for.
    pub fn takes(&self, shown: &Shown) -> bool {
        let same_host = |host: &String| host.split('.').next() == shown.host.split('.').next();
        let kind = |kind: &String| kind == shown.kind || shown.kind == "STATE" && kind == "RIS_PEER_STATE";
        let has = |require: &Require| match require {
            Require::Announcements => shown.announced().next().is_some(),
            Require::Withdrawals => !shown.withdrawn().is_empty(),
        };
        self.host.as_ref().is_none_or(same_host)
            && self.kind.as_ref().is_none_or(kind)
            && self.require.as_ref().is_none_or(has)
            && self.peer.is_none_or(|peer| peer == shown.peer)
            && self.path.as_ref().is_none_or(|path| shown.kind == "UPDATE" && path.fits(shown.path()))
            && (self.prefixes.is_empty()
                || shown.announced().chain(shown.withdrawn().iter().copied()).any(|told| self.asks_for(told)))
    }

    fn asks_for(&self, told: IpNet) -> bool {
        self.prefixes.iter().any(|asked| {
            *asked == told
                || Family::of(asked) == Family::of(&told)
                    && (self.more_specific && asked.contains(&told) || self.less_specific && told.contains(asked))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(data: &str) -> Result<Subscription, String> {
        match Request::read(&format!(r#"{{"type":"ris_subscribe","data":{data}}}"#))? {
            Request::Subscribe(subscription, _) => Ok(subscription),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn more_specifics_are_sent_unless_told_otherwise_and_less_specifics_are_not() {
        let asked = asked(r#"{"prefix":["198.51.100.0/24","2001:db8::/32"]}"#).unwrap();
        let asks = |prefix: &str| asked.asks_for(prefix.parse().unwrap());
        assert!(asks("198.51.100.0/24") && asks("198.51.100.128/25") && asks("2001:db8:1::/48"));
        assert!(!asks("198.51.0.0/16") && !asks("203.0.113.0/24"));
    }

    #[test]
    fn a_path_may_begin_end_and_be_excluded() {
        let path: Vec<Hop> = serde_json::from_str("[64500,64501,[64502,64503]]").unwrap();
        let fits = |pattern: &str| PathPattern::read(pattern).unwrap().fits(&path);
        assert!(
            fits("64501")
                && fits("^64500,64501")
                && fits("64501,[64502,64503]$")
                && fits("!64509")
                && fits("^64500,64501,[64502,64503]$")
        );
        assert!(!fits("64501$") && !fits("!64501") && !fits("64500,[64502,64503]") && !fits("^64501"));
        assert!(PathPattern::read("abc").is_err());
    }

    #[test]
    fn what_is_wrong_with_a_request_is_named() {
        assert_eq!(asked(r#"{"prefix":"nonsense"}"#).unwrap_err(), "`nonsense` is no prefix");
        assert_eq!(asked(r#"{"require":"all"}"#).unwrap_err(), "`require` may be announcements or withdrawals, not `all`");
        assert!(Request::read(r#"{"type":"wrong"}"#).unwrap_err().contains("unknown command type"));
        assert_eq!(Request::read(r#"{"type":"ping","data":null}"#), Ok(Request::Ping));
    }
}
