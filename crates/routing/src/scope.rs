//! What is watched: the organization's prefixes, what covers them, what is inside them, and what holds the addresses it depends on.

use crate::vantage::Asn;
use ipnet::IpNet;
use prefix_trie::joint::JointPrefixMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What is watched.
#[derive(Debug, Clone)]
pub enum Scope {
    /// Every prefix of every origin.
    Everything,
    /// The same, of which others follow the other shares.
    Share(Share),
    /// One organization.
    Watched(Box<Watched>),
}

/// A share of all prefixes, for one of several who follow every prefix of the Internet together. Blocks of addresses (IPv4: /8, IPv6: /16) are dealt out in turn, so
/// that a prefix stands with those inside of it. One which is wider than a block is in every share, as a cover, and at home in that of its first address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    number: u32,
    of: u32,
}

impl Share {
    /// The share with this number, from 0, of so many; `None` if there is no such share.
    pub const fn new(number: u32, of: u32) -> Option<Share> {
        if number < of { Some(Share { number, of }) } else { None }
    }

    /// Its number, from 0.
    pub const fn number(self) -> u32 {
        self.number
    }

    /// How many there are.
    pub const fn of(self) -> u32 {
        self.of
    }

    /// Whether the prefix is followed here.
    pub fn holds(self, prefix: &IpNet) -> bool {
        is_wider_than_block(prefix) || self.is_home_of(prefix)
    }

    /// Whether it is this one of those which hold it that tells of it.
    pub fn is_home_of(self, prefix: &IpNet) -> bool {
        block(prefix) % self.of == self.number
    }

    /// The number of the only share, of so many, which holds the prefix; `None` if all do.
    pub fn only_one_of(prefix: &IpNet, of: u32) -> Option<u32> {
        (!is_wider_than_block(prefix)).then(|| block(prefix) % of.max(1))
    }
}

fn is_wider_than_block(prefix: &IpNet) -> bool {
    prefix.prefix_len() < if let IpNet::V4(_) = prefix { 8 } else { 16 }
}

/// The block of the prefix's first address.
fn block(prefix: &IpNet) -> u32 {
    match prefix.network() {
        IpAddr::V4(address) => u32::from(address.octets()[0]),
        IpAddr::V6(address) => u32::from(address.segments()[0]),
    }
}

/// The watched address space of one organization.
#[derive(Debug, Clone)]
pub struct Watched {
    /// Own prefixes, by what may be announced inside them.
    own: JointPrefixMap<IpNet, OwnPrefix>,
    /// Addresses of others on which it depends, as host prefixes.
    dependencies: JointPrefixMap<IpNet, ()>,
    as_numbers: Vec<Asn>,
}

#[derive(Debug, Clone)]
struct OwnPrefix {
    longest: u8,
    origins: Vec<Asn>,
}

/// A prefix of the organization.
#[derive(Debug, Clone)]
pub struct Own {
    /// The prefix.
    pub prefix: IpNet,
    /// The longest length of what is announced inside it as if it was named.
    pub longest: u8,
    /// Who may originate it, beside the organization's own AS numbers.
    pub origins: Vec<Asn>,
}

/// What a prefix is to the organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Relation {
    /// One of its prefixes, of a length which the profile names.
    Own,
    /// Inside one of its prefixes, of a length which the profile does not name.
    #[serde(rename = "more specific")]
    MoreSpecific,
    /// Covers one of its prefixes.
    Cover,
    /// Holds an address of others on which it depends.
    Dependency,
}

impl Relation {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Relation::Own => "own",
            Relation::MoreSpecific => "more specific",
            Relation::Cover => "cover",
            Relation::Dependency => "dependency",
        }
    }
}

impl Scope {
    /// Watches an organization of these AS numbers: its own prefixes, and the addresses it depends on.
    pub fn of(
        own_prefixes: impl IntoIterator<Item = Own>,
        as_numbers: &[Asn],
        dependencies: impl IntoIterator<Item = IpAddr>,
    ) -> Scope {
        let mut own = JointPrefixMap::default();
        for Own { prefix, longest, origins } in own_prefixes {
            own.insert(prefix, OwnPrefix { longest, origins });
        }
        let mut others = JointPrefixMap::default();
        for address in dependencies {
            let host = IpNet::from(address);
            if own.get_lpm(&host).is_none() {
                others.insert(host, ());
            }
        }
        Scope::Watched(Box::new(Watched { own, dependencies: others, as_numbers: as_numbers.to_vec() }))
    }

    /// Whether no organization is watched, but every prefix, or a share of them.
    pub const fn is_everything(&self) -> bool {
        matches!(self, Scope::Everything | Scope::Share(_))
    }

    /// Whether it is told here what becomes of the prefix, if anything does: not where another share tells it.
    pub fn tells_of(&self, prefix: &IpNet) -> bool {
        if let Scope::Share(share) = self { share.is_home_of(prefix) } else { true }
    }

    /// Whether routes to the prefix are kept.
    pub fn concerns(&self, prefix: &IpNet) -> bool {
        match self {
            Scope::Everything => true,
            Scope::Share(share) => share.holds(prefix),
            Scope::Watched(_) => self.relation(prefix).is_some(),
        }
    }

    /// What the prefix is to the organization; `None` if nothing, or if everything is watched. The default route is nothing.
    pub fn relation(&self, prefix: &IpNet) -> Option<Relation> {
        let Scope::Watched(watched) = self else { return None };
        if prefix.prefix_len() == 0 {
            return None;
        }
        if let Some((_, own)) = watched.own.get_lpm(prefix) {
            let named = watched.own.get(prefix).is_some() || prefix.prefix_len() <= own.longest;
            return Some(if named { Relation::Own } else { Relation::MoreSpecific });
        }
        if watched.own.children(prefix).next().is_some() {
            return Some(Relation::Cover);
        }
        watched.dependencies.children(prefix).next().map(|_| Relation::Dependency)
    }

    /// Whether the AS may originate the prefix by the profile; of prefixes which are not the organization's, anybody may.
    pub fn may_originate(&self, prefix: &IpNet, asn: Asn) -> bool {
        let Scope::Watched(watched) = self else { return true };
        match watched.own.get_lpm(prefix) {
            Some((_, own)) => own.origins.contains(&asn) || watched.as_numbers.contains(&asn),
            None => true,
        }
    }

    /// Whether the AS is one of the organization's.
    pub fn is_own(&self, asn: Asn) -> bool {
        match self {
            Scope::Everything | Scope::Share(_) => false,
            Scope::Watched(watched) => watched.as_numbers.contains(&asn),
        }
    }
}
