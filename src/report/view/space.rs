//! How much of the organization's address space was withdrawn: the last measure of severity, and seldom a large one.
//!
//! Takes the profile's prefixes and those withdrawn; gives shares of addresses per family. Prefixes within one another count once.
//! Partial withdrawals, and what lies outside the profile's prefixes, are left out.

use crate::org::Organization;
use crate::report::words;
use crate::vantage::Family;
use crate::withdrawal::{Level, Withdrawal};
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The share of the organization's addresses of one family which was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpaceView {
    /// `IPv4` or `IPv6`.
    #[schemars(extend("enum" = ["IPv4", "IPv6"]))]
    pub family: String,
    /// What was withdrawn, as few prefixes as will do.
    #[schemars(with = "Vec<String>")]
    pub withdrawn: Vec<IpNet>,
    /// Their share of the addresses of the profile's prefixes, in millionths.
    #[schemars(range(max = 1_000_000))]
    pub share_millionths: u64,
    /// For people: `0.8 % of the IPv4 addresses of the profile's prefixes`.
    pub words: String,
}

impl SpaceView {
    /// The families of which anything was withdrawn.
    pub(super) fn of(withdrawals: &[Withdrawal], organization: &Organization) -> Vec<Self> {
        let own = IpNet::aggregate(&organization.prefixes.iter().map(|watched| watched.prefix).collect());
        let severe = withdrawals.iter().filter(|withdrawal| withdrawal.level > Level::Partial);
        let lost = severe.map(|withdrawal| withdrawal.prefix).filter(|lost| own.iter().any(|own| own.contains(lost)));
        let lost = IpNet::aggregate(&lost.collect());
        let families = Family::BOTH.into_iter();
        families.filter_map(|family| Self::of_family(family, &lost, &own)).collect()
    }

    fn of_family(family: Family, lost: &[IpNet], own: &[IpNet]) -> Option<Self> {
        let of_it = |nets: &[IpNet]| nets.iter().filter(|net| Family::of(net) == family).copied().collect::<Vec<_>>();
        let (withdrawn, own) = (of_it(lost), of_it(own));
        if withdrawn.is_empty() {
            return None;
        }
        let share = (addresses(&withdrawn) / addresses(&own).max(1.0)).min(1.0);
        // Between 0 and a million: nothing is cut.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share between 0 and 1, in millionths")]
        let share_millionths = (share * 1e6).round() as u64;
        let percent = words::percent(share_millionths);
        let words = format!("{percent} of the {family} addresses of the profile's prefixes");
        Some(SpaceView { family: family.to_string(), withdrawn, share_millionths, words })
    }
}

/// Addresses of prefixes none of which lies within another: up to 2^128, so counted in floats, exact where it matters.
fn addresses(nets: &[IpNet]) -> f64 {
    nets.iter().map(|net| f64::from(net.max_prefix_len() - net.prefix_len()).exp2()).sum()
}
