//! The scene of a service: what it depends on, resolved to prefixes, and how it was probed.

use crate::reachability::Layer;
use crate::vantage::Asn;
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

/// A service as the incident saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceScene {
    /// Its place in the profile.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// It did not exist yet when the incident began.
    pub not_yet: bool,
    /// Authoritative servers of the zones it needs.
    pub name_servers: Vec<NameServerScene>,
    /// Its own addresses.
    pub addresses: Vec<AddressScene>,
    /// How each layer of it was probed.
    pub probed: Vec<LayerProbed>,
}

/// A name server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameServerScene {
    /// Its name.
    pub name: Arc<str>,
    /// Its addresses.
    pub addresses: Vec<AddressScene>,
}

/// An address with the prefix which held it when the incident began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressScene {
    /// The address.
    pub address: IpAddr,
    /// That prefix; `None` if none was ever seen.
    pub prefix: Option<IpNet>,
    /// Its origins.
    pub origins: Vec<Asn>,
}

/// How a layer was probed while the incident lasted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerProbed {
    /// Which layer.
    pub layer: Layer,
    /// Vantages which probed it, without muted ones.
    pub vantages: BTreeSet<Arc<str>>,
    /// Series: pairs of vantage and target.
    pub series: usize,
    /// Who asked which name-server address directly, for the authority layer.
    pub asked: BTreeSet<(Arc<str>, IpAddr)>,
    /// Vantages of these with the ASes they are in or behind, as far as the profile tells.
    pub networks: Vec<(Arc<str>, Vec<Asn>)>,
}

impl LayerProbed {
    /// How many name-server addresses were asked directly.
    pub fn servers_asked(&self) -> usize {
        self.asked.iter().map(|(_, address)| *address).collect::<BTreeSet<IpAddr>>().len()
    }
}

impl ServiceScene {
    /// The prefixes which held its addresses and those of its name servers.
    pub fn prefixes(&self) -> impl Iterator<Item = IpNet> + '_ {
        let servers = self.name_servers.iter().flat_map(|server| &server.addresses);
        self.addresses.iter().chain(servers).filter_map(|address| address.prefix)
    }

    /// How a layer was probed, if it was.
    pub fn layer(&self, layer: Layer) -> Option<&LayerProbed> {
        self.probed.iter().find(|probed| probed.layer == layer)
    }
}
