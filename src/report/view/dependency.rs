//! What every service depends on: host names, zones, name servers, addresses, and the prefixes and origins which hold them.

use super::place::Files;
use crate::analysis::Analysis;
use crate::dependency::{AddressDependency, ServiceDependencies, ZoneDependency};
use crate::vantage::Asn;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Of all services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DependenciesView {
    /// In the profile's order.
    pub services: Vec<ServiceDependenciesView>,
    /// What could not be learned.
    pub missing: Vec<String>,
}

/// Of one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceDependenciesView {
    /// Its name.
    pub service: String,
    /// Its host names.
    pub hostnames: Vec<HostView>,
    /// Addresses the profile names for it.
    pub addresses: Vec<AddressView>,
}

/// A host name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostView {
    /// The name.
    pub name: String,
    /// What it is an alias for.
    pub cnames: Vec<String>,
    /// Its addresses.
    pub addresses: Vec<AddressView>,
    /// Zones which must answer.
    pub zones: Vec<ZoneView>,
}

/// A zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ZoneView {
    /// Its name.
    pub name: String,
    /// Its servers.
    pub name_servers: Vec<NameServerView>,
}

/// A name server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NameServerView {
    /// Its name.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<AddressView>,
}

/// An address and what holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressView {
    /// The address.
    pub address: String,
    /// The most specific prefix seen which holds it; `null` if none was.
    pub prefix: Option<String>,
    /// Its origins.
    pub origins: Vec<Asn>,
    /// `null`: from the profile. Else the file whose answer named it first.
    pub learned_from: Option<String>,
    /// The record in that file.
    pub record: Option<u64>,
}

impl DependenciesView {
    pub(super) fn of(analysis: &Analysis, files: &Files) -> Self {
        let services = analysis.dependencies.services.iter().map(|service| service_view(service, analysis, files));
        DependenciesView { services: services.collect(), missing: analysis.dependencies.missing.clone() }
    }
}

impl ServiceDependenciesView {
    /// Its name servers, each once.
    pub(in crate::report) fn name_servers(&self) -> Vec<&NameServerView> {
        let mut servers: Vec<&NameServerView> = Vec::new();
        for server in self.hostnames.iter().flat_map(|host| &host.zones).flat_map(|zone| &zone.name_servers) {
            if !servers.iter().any(|known| known.name == server.name) {
                servers.push(server);
            }
        }
        servers
    }

    /// Its own addresses, each once.
    pub(in crate::report) fn own_addresses(&self) -> Vec<&AddressView> {
        let mut addresses: Vec<&AddressView> = Vec::new();
        for address in self.hostnames.iter().flat_map(|host| &host.addresses).chain(&self.addresses) {
            if !addresses.iter().any(|known| known.address == address.address) {
                addresses.push(address);
            }
        }
        addresses
    }
}

fn service_view(service: &ServiceDependencies, analysis: &Analysis, files: &Files) -> ServiceDependenciesView {
    let address = |address: &AddressDependency| address_view(address, analysis, files);
    let zone = |zone: &ZoneDependency| ZoneView {
        name: zone.name.to_string(),
        name_servers: zone
            .name_servers
            .iter()
            .map(|server| NameServerView {
                name: server.name.to_string(),
                addresses: server.addresses.iter().map(address).collect(),
            })
            .collect(),
    };
    ServiceDependenciesView {
        service: service.service.clone(),
        hostnames: service
            .hostnames
            .iter()
            .map(|host| HostView {
                name: host.name.to_string(),
                cnames: host.cnames.iter().map(|name| name.to_string()).collect(),
                addresses: host.addresses.iter().map(address).collect(),
                zones: host.zones.iter().map(zone).collect(),
            })
            .collect(),
        addresses: service.addresses.iter().map(address).collect(),
    }
}

fn address_view(address: &AddressDependency, analysis: &Analysis, files: &Files) -> AddressView {
    let holder = analysis.routing.holder_of(address.address);
    let (prefix, origins) = holder.map_or((None, Vec::new()), |(prefix, _, origins)| (Some(prefix.to_string()), origins));
    let (learned_from, record) = files.place(address.learned);
    AddressView { address: address.address.to_string(), prefix, origins, learned_from, record }
}
