//! What was typed for `faultline org init`.

use clap::{Args, ValueHint};
use std::net::IpAddr;
use std::path::PathBuf;

/// `faultline org init`
#[derive(Debug, Args)]
pub struct OrgInit {
    /// AS numbers of the organization: AS64500, 64500 or 1.10
    #[arg(required = true, value_name = "AS")]
    pub as_numbers: Vec<String>,
    /// Table dumps: files, folders or globs. Updates in them are left out
    #[arg(long = "rib", required_unless_present = "collectors", value_name = "FILES", num_args = 1.., value_hint = ValueHint::FilePath)]
    pub ribs: Vec<PathBuf>,
    /// An archive file, folder or glob with the name of the collector it is from, where its own name does not tell
    #[arg(long = "collector", value_name = "NAME=PATH")]
    pub collectors: Vec<String>,
    /// What the organization is called [default: its first AS number]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Prefixes which fewer ASes than this see are written as comments
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    pub seen_by: usize,
    /// A DNS zone: its name servers and their addresses are asked for
    #[arg(long = "zone", value_name = "NAME", num_args = 1..)]
    pub zones: Vec<String>,
    /// A host which people use: its addresses are asked for
    #[arg(long = "host", value_name = "NAME", num_args = 1..)]
    pub hosts: Vec<String>,
    /// Whom to ask for them, as ADDRESS or ADDRESS:PORT [default: the system's resolver]
    #[arg(long, value_name = "ADDRESS", value_parser = resolver)]
    pub resolver: Option<std::net::SocketAddr>,
    /// Write the profile into this file, and not to standard output
    #[arg(long, value_name = "ORG.toml", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Overwrite that file if it is there
    #[arg(long, requires = "out")]
    pub force: bool,
}

/// An address with or without a port; DNS has port 53 (RFC 1035 §4.2).
fn resolver(text: &str) -> Result<std::net::SocketAddr, String> {
    let address = text.parse::<IpAddr>().map(|address| (address, 53).into());
    address
        .or_else(|_| text.parse())
        .map_err(|_| "write an address, such as 192.0.2.1, 192.0.2.1:53 or [2001:db8::1]:53".to_owned())
}
