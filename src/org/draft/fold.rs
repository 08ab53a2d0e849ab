//! Prefixes inside a prefix, written as one where that says the same.
//!
//! Takes prefixes; gives fewer of them with an operator (RFC 2622 §2), where every prefix inside of each length up to the longest is there, of the same
//! origins: `192.0.2.0/24^24-25` for it and both its halves. Where one is not there, each is written for itself, since the operator would say that the
//! missing ones are announced on purpose too.

use crate::vantage::Asn;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

/// A prefix as it is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) prefix: IpNet,
    /// Origins which are the organization's, with how many ASes see it from there.
    pub(super) ours: Vec<(Asn, usize)>,
    /// Origins which are not.
    pub(super) others: Vec<(Asn, usize)>,
    /// ASes which see it, from the organization's own origin which most see.
    pub(super) seen: usize,
    /// Whether these are enough.
    pub(super) enough: bool,
    /// The longest length which is meant.
    pub(super) longest: u8,
}

impl Listed {
    /// With its operator.
    pub(super) fn written(&self) -> String {
        let own = self.prefix.prefix_len();
        if self.longest == own { self.prefix.to_string() } else { format!("{}^{own}-{}", self.prefix, self.longest) }
    }

    fn origins(&self) -> Vec<Asn> {
        self.ours.iter().map(|(asn, _)| *asn).collect()
    }
}

/// More lengths than this are not folded: nobody announces them all.
const DEEPEST: u8 = 16;

/// Folds what can be folded.
pub(super) fn fold(listed: Vec<Listed>) -> Vec<Listed> {
    let plain: BTreeMap<IpNet, &Listed> =
        listed.iter().filter(|one| one.enough && one.others.is_empty()).map(|one| (one.prefix, one)).collect();
    let mut gone: BTreeSet<IpNet> = BTreeSet::new();
    let mut folded = Vec::new();
    let mut widest_first: Vec<&Listed> = listed.iter().collect();
    widest_first.sort_by_key(|one| one.prefix.prefix_len());
    for one in widest_first {
        if gone.contains(&one.prefix) {
            continue;
        }
        let mut one = one.clone();
        if plain.contains_key(&one.prefix) {
            while let Some(inside) = whole_length(&one, &plain) {
                one.longest += 1;
                one.seen = inside.iter().map(|inner| inner.seen).fold(one.seen, usize::min);
                gone.extend(inside.iter().map(|inner| inner.prefix));
            }
        }
        folded.push(one);
    }
    folded.sort_by_key(|one| one.prefix);
    folded
}

/// All prefixes inside of the next length, if each of them is there with the same origins.
fn whole_length<'l>(one: &Listed, plain: &BTreeMap<IpNet, &'l Listed>) -> Option<Vec<&'l Listed>> {
    let next = one.longest + 1;
    let depth = next - one.prefix.prefix_len();
    if depth > DEEPEST || next > one.prefix.max_prefix_len() {
        return None;
    }
    let inside = one.prefix.subnets(next).ok()?;
    inside.map(|prefix| plain.get(&prefix).copied().filter(|inner| inner.origins() == one.origins())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(prefixes: &[(&str, u32)]) -> Vec<Listed> {
        let one = |(prefix, asn): &(&str, u32)| {
            let prefix: IpNet = prefix.parse().unwrap();
            Listed { prefix, ours: vec![(Asn(*asn), 9)], others: Vec::new(), seen: 9, enough: true, longest: prefix.prefix_len() }
        };
        prefixes.iter().map(one).collect()
    }

    fn written(listed: Vec<Listed>) -> Vec<String> {
        fold(listed).iter().map(Listed::written).collect()
    }

    #[test]
    fn only_what_is_whole_is_folded() {
        let halves = listed(&[("192.0.2.0/24", 1), ("192.0.2.0/25", 1), ("192.0.2.128/25", 1)]);
        assert_eq!(written(halves), ["192.0.2.0/24^24-25"]);
        let one_half = listed(&[("192.0.2.0/24", 1), ("192.0.2.128/25", 1)]);
        assert_eq!(written(one_half), ["192.0.2.0/24", "192.0.2.128/25"]);
        let without_cover = listed(&[("192.0.2.0/25", 1), ("192.0.2.128/25", 1)]);
        assert_eq!(written(without_cover), ["192.0.2.0/25", "192.0.2.128/25"]);
        // The quarters are there and the halves are not: ^24-26 would say that halves are announced too.
        let quarters =
            listed(&[("192.0.2.0/24", 1), ("192.0.2.0/26", 1), ("192.0.2.64/26", 1), ("192.0.2.128/26", 1), ("192.0.2.192/26", 1)]);
        assert_eq!(written(quarters).len(), 5);
        let deep = listed(&[
            ("2001:db8::/32", 1),
            ("2001:db8::/33", 1),
            ("2001:db8:8000::/33", 1),
            ("2001:db8::/34", 1),
            ("2001:db8:4000::/34", 1),
            ("2001:db8:8000::/34", 1),
            ("2001:db8:c000::/34", 1),
            ("2001:db8:c000::/48", 1),
        ]);
        assert_eq!(written(deep), ["2001:db8::/32^32-34", "2001:db8:c000::/48"]);
    }

    #[test]
    fn another_origin_or_too_few_witnesses_keep_it_apart() {
        let others = listed(&[("192.0.2.0/24", 1), ("192.0.2.0/25", 1), ("192.0.2.128/25", 2)]);
        assert_eq!(written(others).len(), 3);
        let mut few = listed(&[("192.0.2.0/24", 1), ("192.0.2.0/25", 1), ("192.0.2.128/25", 1)]);
        few[2].enough = false;
        assert_eq!(written(few).len(), 3);
        let mut shared = listed(&[("192.0.2.0/24", 1), ("192.0.2.0/25", 1), ("192.0.2.128/25", 1)]);
        shared[1].others.push((Asn(7), 1));
        assert_eq!(written(shared).len(), 3, "who else originates it is told of the prefix itself");
    }

    #[test]
    fn the_fewest_witnesses_are_those_told() {
        let mut halves = listed(&[("192.0.2.0/24", 1), ("192.0.2.0/25", 1), ("192.0.2.128/25", 1)]);
        halves[2].seen = 4;
        assert_eq!(fold(halves)[0].seen, 4);
    }
}
