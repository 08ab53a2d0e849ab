//! Messages of archives as frames of RIS Live.
//!
//! What RIS Live shows of a message is shown, as its server writes it since 2025; the bytes of a message beside it are those of the archive.

use super::frame::Hop;
use crate::source::hexadecimal;
use crate::source::tap::{Tapped, TappedKind};
use crate::time::Timestamp;
use crate::vantage::Asn;
use bgpkit_parser::models::{
    AsPath, AsPathSegment, AttributeValue, BgpMessage, BgpOpenMessage, BgpUpdateMessage, Capability, CapabilityValue, Community,
    MetaCommunity, NetworkPrefix, Nlri, Origin, ParamValue, Safi,
};
use ipnet::IpNet;
use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};
use serde_json::{Value, json};
use std::net::IpAddr;

/// A message as RIS Live shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// When.
    #[serde(rename = "timestamp", serialize_with = "seconds")]
    pub at: Timestamp,
    /// The peer's address.
    pub peer: IpAddr,
    /// The peer's AS number.
    #[serde(rename = "peer_asn", serialize_with = "as_text")]
    pub asn: Asn,
    /// It sorts by time within a session.
    id: String,
    /// The collector.
    pub host: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    #[serde(flatten)]
    body: Body,
    /// Its bytes in hexadecimal, for who asks for them.
    #[serde(skip)]
    raw: Option<String>,
    /// It tells apart what one peer said at one time.
    #[serde(skip)]
    number: u64,
}

#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum Body {
    Update(Box<Update>),
    Open(Box<Open>),
    Notification { notification: Notification },
    State { state: &'static str },
    Keepalive {},
}

#[derive(Debug, Clone, Serialize)]
struct Update {
    path: Vec<Hop>,
    community: Vec<(u32, u16)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    med: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aggregator: Option<String>,
    announcements: Vec<Announcement>,
    withdrawals: Vec<IpNet>,
}

#[derive(Debug, Clone, Serialize)]
struct Announcement {
    next_hop: String,
    prefixes: Vec<IpNet>,
}

#[derive(Debug, Clone, Serialize)]
struct Open {
    direction: &'static str,
    version: u8,
    asn: u32,
    hold_time: u16,
    router_id: String,
    capabilities: serde_json::Map<String, Value>,
}

#[derive(Debug, Clone, Serialize)]
struct Notification {
    code: u8,
    subcode: u8,
    data: String,
}

#[derive(Serialize)]
struct Whole<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    data: Inside<'a>,
}

#[derive(Serialize)]
struct Inside<'a> {
    #[serde(flatten)]
    shown: &'a Shown,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<&'a str>,
}

impl Shown {
    /// A message of a collector of this name; `number` tells apart what one peer said at one time.
    pub fn of(tapped: &Tapped, collector: &str, number: u64) -> Option<Shown> {
        let Tapped { at, peer, asn, .. } = *tapped;
        let (kind, body, raw) = match &tapped.what {
            TappedKind::State { up } => ("STATE", Body::State { state: if *up { "connected" } else { "down" } }, None),
            TappedKind::Message(message, bytes) => {
                let (kind, body) = message_body(message, peer)?;
                (kind, body, bytes.as_deref().map(hexadecimal::text))
            }
        };
        let mut shown = Shown { at, peer, asn, id: String::new(), host: collector.to_owned(), kind, body, raw, number };
        shown.tell_as_of(at);
        Some(shown)
    }

    /// It is told as said then.
    pub fn tell_as_of(&mut self, at: Timestamp) {
        self.at = at;
        self.id = format!("{}-{:016x}{:08x}", self.peer, at.micros(), self.number);
    }

    /// The frame.
    ///
    /// # Errors
    /// Never; that is up to whoever writes.
    pub fn to_frame(&self, with_bytes: bool) -> serde_json::Result<String> {
        let raw = self.raw.as_deref().filter(|_| with_bytes);
        serde_json::to_string(&Whole { kind: "ris_message", data: Inside { shown: self, raw } })
    }

    /// Announced prefixes.
    pub fn announced(&self) -> impl Iterator<Item = IpNet> + '_ {
        self.update().into_iter().flat_map(|update| update.announcements.iter().flat_map(|told| told.prefixes.iter().copied()))
    }

    /// Withdrawn prefixes.
    pub fn withdrawn(&self) -> &[IpNet] {
        self.update().map_or(&[], |update| &update.withdrawals)
    }

    /// The AS_PATH.
    pub fn path(&self) -> &[Hop] {
        self.update().map_or(&[], |update| &update.path)
    }

    fn update(&self) -> Option<&Update> {
        if let Body::Update(update) = &self.body { Some(update) } else { None }
    }
}

fn message_body(message: &BgpMessage, peer: IpAddr) -> Option<(&'static str, Body)> {
    Some(match message {
        BgpMessage::Update(told) => ("UPDATE", Body::Update(Box::new(update(told, peer)))),
        BgpMessage::Open(told) => ("OPEN", Body::Open(Box::new(open(told)))),
        BgpMessage::Notification(told) => {
            let (code, subcode) = told.error.get_codes();
            let data = hexadecimal::text(&[&[code, subcode], told.data.as_slice()].concat());
            ("NOTIFICATION", Body::Notification { notification: Notification { code, subcode, data } })
        }
        BgpMessage::KeepAlive => ("KEEPALIVE", Body::Keepalive {}),
        BgpMessage::RouteRefresh(_) => return None,
    })
}

fn update(told: &BgpUpdateMessage, peer: IpAddr) -> Update {
    let attributes = &told.attributes;
    let next_hop = || attributes.next_hop().unwrap_or(peer).to_string();
    let mut announcements = Vec::new();
    let mut withdrawals = nets(&told.withdrawn_prefixes);
    if !told.announced_prefixes.is_empty() {
        announcements.push(Announcement { next_hop: next_hop(), prefixes: nets(&told.announced_prefixes) });
    }
    for value in attributes {
        if let AttributeValue::MpReachNlri(nlri) = value {
            let prefixes = unicast(nlri);
            if !prefixes.is_empty() {
                let next_hop = nlri.next_hop.map_or_else(next_hop, |next_hop| next_hop.addr().to_string());
                announcements.push(Announcement { next_hop, prefixes });
            }
        } else if let AttributeValue::MpUnreachNlri(nlri) = value {
            withdrawals.extend(unicast(nlri));
        }
    }
    let community = attributes.iter_communities().filter_map(|community| match community {
        MetaCommunity::Plain(Community::Custom(asn, value)) => Some((asn.to_u32(), value)),
        // RFC 1997, "Well-known Communities".
        MetaCommunity::Plain(Community::NoExport) => Some((65_535, 65_281)),
        MetaCommunity::Plain(Community::NoAdvertise) => Some((65_535, 65_282)),
        MetaCommunity::Plain(Community::NoExportSubConfed) => Some((65_535, 65_283)),
        MetaCommunity::Extended(_) | MetaCommunity::Ipv6Extended(_) | MetaCommunity::Large(_) => None,
    });
    let announces = !announcements.is_empty();
    Update {
        path: attributes.effective_as_path().map(|path| hops(&path)).unwrap_or_default(),
        community: community.collect(),
        origin: announces.then(|| match attributes.origin() {
            Origin::IGP => "IGP",
            Origin::EGP => "EGP",
            Origin::INCOMPLETE => "INCOMPLETE",
        }),
        med: attributes.multi_exit_discriminator(),
        aggregator: attributes.aggregator().map(|(asn, id)| format!("{}:{id}", asn.to_u32())),
        announcements,
        withdrawals,
    }
}

fn unicast(nlri: &Nlri) -> Vec<IpNet> {
    if nlri.safi == Safi::Unicast { nets(&nlri.prefixes) } else { Vec::new() }
}

fn nets(prefixes: &[NetworkPrefix]) -> Vec<IpNet> {
    prefixes.iter().map(|prefix| prefix.prefix.trunc()).collect()
}

/// Confederation segments are left out: they are the inside of one AS (RFC 5065).
fn hops(path: &AsPath) -> Vec<Hop> {
    let mut hops = Vec::new();
    for segment in path.iter_segments() {
        match segment {
            AsPathSegment::AsSequence(members) => hops.extend(members.iter().map(|asn| Hop::One(Asn(asn.to_u32())))),
            AsPathSegment::AsSet(members) => hops.push(Hop::Set(members.iter().map(|asn| Asn(asn.to_u32())).collect())),
            AsPathSegment::ConfedSequence(_) | AsPathSegment::ConfedSet(_) => {}
        }
    }
    hops
}

fn open(told: &BgpOpenMessage) -> Open {
    let (asn, router_id) = (told.asn.to_u32(), told.bgp_identifier.to_string());
    Open {
        direction: "received",
        version: told.version,
        asn,
        hold_time: told.hold_time,
        router_id,
        capabilities: capabilities(told),
    }
}

/// By their codes, as RIS Live writes them: families and the AS number of four bytes, of the others the code alone.
fn capabilities(told: &BgpOpenMessage) -> serde_json::Map<String, Value> {
    let mut all = serde_json::Map::new();
    for param in &told.opt_params {
        let ParamValue::Capacities(capabilities) = &param.param_value else { continue };
        for Capability { ty, value } in capabilities {
            let known = all.entry(u8::from(*ty).to_string()).or_insert_with(|| json!({}));
            if let CapabilityValue::MultiprotocolExtensions(told) = value {
                let family = format!("{:?}/{:?}", told.afi, told.safi).to_lowercase();
                let mut families = known["families"].as_array().cloned().unwrap_or_default();
                families.push(family.into());
                *known = json!({"name": "multiprotocol", "families": families});
            } else if let CapabilityValue::FourOctetAs(four) = value {
                *known = json!({"name": "asn4", "asn4": four.asn});
            }
        }
    }
    all
}

#[allow(clippy::cast_precision_loss, reason = "a double holds microseconds exactly until the year 2255")]
fn seconds<S: Serializer>(at: &Timestamp, into: S) -> Result<S::Ok, S::Error> {
    into.serialize_f64(at.micros() as f64 / 1e6)
}

fn as_text<S: Serializer>(asn: &Asn, into: S) -> Result<S::Ok, S::Error> {
    into.collect_str(&asn.0)
}

impl Serialize for Hop {
    fn serialize<S: Serializer>(&self, into: S) -> Result<S::Ok, S::Error> {
        match self {
            Hop::One(asn) => into.serialize_u32(asn.0),
            Hop::Set(set) => {
                let mut list = into.serialize_seq(Some(set.len()))?;
                for asn in set {
                    list.serialize_element(&asn.0)?;
                }
                list.end()
            }
        }
    }
}
