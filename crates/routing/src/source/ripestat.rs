//! RIPEstat answers as a source, for people who have no archive at hand.
//!
//! Takes the JSON of the `bgp-updates` and `bgplay` data calls (stat.ripe.net/docs/02.data-api); gives the same statements as an archive
//! of the RIS collectors named in it would. `bgplay`'s initial state becomes a table at the start of the query, for the peers it lists.
//! The answers tell whole seconds and no session changes. An entry which cannot be read is counted, the others still are.

use super::account::{Damage, FileAccount, FileKind};
use super::interest::Interest;
use crate::observation::{FileId, Observation, Others, RecordRef, Route, Statement, WithdrawCause};
use crate::time::Timestamp;
use crate::vantage::{Asn, Family, VantageId, Vantages};
use ipnet::IpNet;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    query_starttime: Option<Value>,
    initial_state: Option<Vec<Value>>,
    events: Option<Vec<Value>>,
    updates: Option<Vec<Value>>,
    #[serde(default)]
    sources: Vec<Source>,
}

#[derive(Deserialize)]
struct Source {
    id: String,
    as_number: u32,
}

/// One entry: a route of the initial state, or an event with its `attrs` opened.
struct Entry {
    record: u64,
    at: Timestamp,
    source: (String, IpAddr),
    prefix: IpNet,
    /// The path of an announcement; `None` for a withdrawal.
    path: Option<Route>,
}

/// Reads one answer.
pub(super) struct RipestatReader {
    start: Option<Timestamp>,
    initial: Vec<Entry>,
    /// Every peer the answer lists, by collector.
    peers: BTreeMap<String, Vec<(IpAddr, Asn)>>,
    events: VecDeque<Entry>,
    asns: HashMap<(String, IpAddr), Asn>,
}

/// What the reader needs besides itself.
pub(super) struct RipestatContext<'a> {
    pub(super) vantages: &'a mut Vantages,
    pub(super) interest: &'a Interest,
    pub(super) account: &'a mut FileAccount,
    pub(super) file: FileId,
    pub(super) out: &'a mut VecDeque<Observation>,
}

impl RipestatReader {
    /// Reads an answer; `None` if the text is not one.
    pub(super) fn new(text: &[u8], account: &mut FileAccount) -> Option<Self> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let data = serde_json::from_slice::<Answer>(text).ok()?.data;
        if data.updates.is_none() && (data.events.is_none() || data.initial_state.is_none()) {
            return None;
        }
        account.holds(FileKind::Ripestat);
        let start = data.query_starttime.as_ref().and_then(time);
        let mut read = |number: usize, value: &Value| {
            account.records += 1;
            let record = account.records;
            entry(value, start, record)
                .map_err(|cause| {
                    account.skip(Damage { offset: 0, bytes: 0, record, cause: format!("entry {}: {cause}", number + 1) })
                })
                .ok()
        };
        let initial: Vec<Entry> =
            data.initial_state.iter().flatten().enumerate().filter_map(|(number, value)| read(number, value)).collect();
        let events = data.events.iter().flatten().chain(data.updates.iter().flatten());
        let mut events: Vec<Entry> = events.enumerate().filter_map(|(number, value)| read(number, value)).collect();
        events.sort_by_key(|event| event.at);
        let mut reader = RipestatReader { start, initial, peers: BTreeMap::new(), events: events.into(), asns: HashMap::new() };
        reader.learn(&data.sources);
        Some(reader)
    }

    /// A peer's AS number is told by the list of sources; else it is the first AS of the first path it sent.
    fn learn(&mut self, sources: &[Source]) {
        for source in sources {
            if let Some((collector, address)) = source_of(&source.id) {
                self.peers.entry(collector.clone()).or_default().push((address, Asn(source.as_number)));
                self.asns.insert((collector, address), Asn(source.as_number));
            }
        }
        for entry in self.initial.iter().chain(&self.events) {
            if let Some(nearest) = entry.path.as_ref().and_then(|route| route.path.first()) {
                self.asns.entry(entry.source.clone()).or_insert(*nearest);
            }
        }
    }

    /// The time of what comes next; `None` at the end.
    pub(super) fn next_time(&self) -> Option<Timestamp> {
        if self.initial.is_empty() { self.events.front().map(|event| event.at) } else { self.initial.first().map(|entry| entry.at) }
    }

    /// States the initial state, or the next event.
    pub(super) fn read(&mut self, ctx: &mut RipestatContext<'_>) {
        if !self.initial.is_empty() {
            self.read_table(ctx);
            return;
        }
        let Some(event) = self.events.pop_front() else { return };
        ctx.account.saw(event.at);
        let Some(asn) = self.asns.get(&event.source).copied() else {
            let cause = "a withdrawal by a peer which announces nothing in this answer: its AS number is not told".to_owned();
            ctx.account.skip(Damage { offset: 0, bytes: 0, record: event.record, cause });
            return;
        };
        let from = vantage(&event.source, asn, ctx.vantages);
        let (prefix, record, at) = (event.prefix, event.record, event.at);
        let concerns = ctx.interest.concerns(&prefix);
        let what = match event.path {
            Some(route) => {
                ctx.account.announced += 1;
                match concerns {
                    true => Statement::Announce { from, prefix, path_id: 0, route: Arc::new(route) },
                    false => ctx.other((at, record), from, (&[prefix], &[])),
                }
            }
            None => {
                ctx.account.withdrawn += 1;
                match concerns {
                    true => Statement::Withdraw { from, prefix, path_id: 0, cause: WithdrawCause::Statement },
                    false => ctx.other((at, record), from, (&[], &[prefix])),
                }
            }
        };
        ctx.say(at, record, what);
    }

    fn read_table(&mut self, ctx: &mut RipestatContext<'_>) {
        let at = self.start.unwrap_or(Timestamp::MIN);
        let mut tables: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for entry in std::mem::take(&mut self.initial) {
            ctx.account.saw(entry.at);
            tables.entry(entry.source.0.clone()).or_default().push(entry);
        }
        for (name, entries) in tables {
            let collector = ctx.vantages.collector(&name);
            let listed = self.peers.get(&name).into_iter().flatten();
            let mut sizes: Vec<(VantageId, [u32; 2])> =
                listed.map(|(address, asn)| (ctx.vantages.vantage(collector, *address, *asn), [0; 2])).collect();
            let first = entries.first().map_or(1, |entry| entry.record);
            ctx.account.tables += 1;
            let peers: Arc<[VantageId]> = sizes.iter().map(|size| size.0).collect();
            ctx.say(at, first, Statement::TableBegin { collector, peers });
            let mut last = first;
            for entry in entries {
                let (Some(route), Some(asn)) = (entry.path, self.asns.get(&entry.source)) else { continue };
                let from = vantage(&entry.source, *asn, ctx.vantages);
                let place = sizes.iter().position(|size| size.0 == from).unwrap_or_else(|| {
                    sizes.push((from, [0; 2]));
                    sizes.len() - 1
                });
                sizes[place].1[Family::of(&entry.prefix).index()] += 1;
                ctx.account.table_entries += 1;
                last = entry.record;
                if ctx.interest.concerns(&entry.prefix) {
                    ctx.say(
                        at,
                        entry.record,
                        Statement::TableEntry { from, prefix: entry.prefix, path_id: 0, route: Arc::new(route) },
                    );
                }
            }
            ctx.say(at, last, Statement::TableEnd { collector, complete: true, sizes: sizes.into() });
        }
    }
}

impl RipestatContext<'_> {
    fn other(&self, (at, record): (Timestamp, u64), from: VantageId, (announced, withdrawn): (&[IpNet], &[IpNet])) -> Statement {
        let mut others = Box::<Others>::default();
        others.push((at, RecordRef { file: self.file, record }), from, announced, withdrawn);
        Statement::Other(others)
    }

    fn say(&mut self, at: Timestamp, record: u64, what: Statement) {
        self.out.push_back(Observation { at, source: RecordRef { file: self.file, record }, what });
    }
}

fn vantage(source: &(String, IpAddr), asn: Asn, vantages: &mut Vantages) -> VantageId {
    let collector = vantages.collector(&source.0);
    vantages.vantage(collector, source.1, asn)
}

/// `00-102.208.105.2` or `rrc00-…`: collector and address.
fn source_of(id: &str) -> Option<(String, IpAddr)> {
    let (collector, address) = id.split_once('-')?;
    let number = collector.strip_prefix("rrc").unwrap_or(collector);
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(())?;
    Some((format!("rrc{number:0>2}"), address.parse().ok()?))
}

/// A time as RIPEstat writes it: UTC without saying so, or seconds since the epoch.
fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.parse().or_else(|_| format!("{text}Z").parse()).ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn entry(value: &Value, start: Option<Timestamp>, record: u64) -> Result<Entry, String> {
    let kind = value.get("type").and_then(Value::as_str);
    let attributes = value.get("attrs").unwrap_or(value);
    let text = |key: &str| attributes.get(key).and_then(Value::as_str).ok_or(format!("`{key}` is missing"));
    let at = match (value.get("timestamp"), kind) {
        (Some(at), _) => time(at).ok_or(format!("`timestamp` {at} is not a time"))?,
        (None, None) => start.ok_or("`query_starttime` is missing, so the initial state has no time")?,
        (None, Some(_)) => return Err("`timestamp` is missing".to_owned()),
    };
    let source = source_of(text("source_id")?).ok_or(format!("`source_id` {} names no collector and peer", text("source_id")?))?;
    let prefix: IpNet = text("target_prefix")?.parse().map_err(|_| "`target_prefix` is not a prefix".to_owned())?;
    let path = match kind {
        Some("W") => None,
        Some("A") | None => Some(path(attributes.get("path").ok_or("`path` is missing")?)?),
        Some(other) => return Err(format!("type `{other}` is neither A nor W")),
    };
    Ok(Entry { record, at, source, prefix: prefix.trunc(), path })
}

/// A path: AS numbers, and lists of them for sets.
fn path(value: &Value) -> Result<Route, String> {
    let asn = |value: &Value| -> Result<Asn, String> {
        let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
        number.and_then(|number| u32::try_from(number).ok()).map(Asn).ok_or(format!("`path` holds {value}, which is no AS number"))
    };
    let mut route = Vec::new();
    let mut origin = None;
    for hop in value.as_array().ok_or("`path` is not a list")? {
        match hop {
            Value::Array(set) => {
                for member in set {
                    route.push(asn(member)?);
                }
                origin = if set.len() == 1 { route.last().copied() } else { None };
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                route.push(asn(hop)?);
                origin = route.last().copied();
            }
        }
    }
    Ok(Route { path: route.into(), origin })
}
