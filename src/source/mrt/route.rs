//! AS paths.
//!
//! Takes path attributes; gives the [`Route`] which Faultline keeps of them. Other attributes are not looked at.

use crate::observation::Route;
use crate::vantage::Asn;
use bgpkit_parser::models::{AsPath, AsPathSegment, Attributes};
use std::borrow::Cow;

/// The route of these attributes: AS_PATH merged with AS4_PATH (RFC 6793 §4.2.3). Confederation segments are left out: they are the
/// inside of one AS (RFC 5065).
pub(super) fn route(attributes: &Attributes) -> Route {
    let path = match (attributes.as_path(), attributes.as4_path()) {
        (None, None) => return Route::default(),
        (Some(path), None) | (None, Some(path)) => Cow::Borrowed(path),
        (Some(path), Some(four)) => Cow::Owned(AsPath::merge_aspath_as4path(path, four)),
    };
    let mut walk = PathWalk { asns: Vec::with_capacity(path.route_len()), origin: None };
    for segment in path.iter_segments() {
        match segment {
            AsPathSegment::AsSequence(members) => walk.sequence(members.iter().map(|asn| Asn(asn.to_u32()))),
            AsPathSegment::AsSet(members) => walk.set(members.iter().map(|asn| Asn(asn.to_u32()))),
            AsPathSegment::ConfedSequence(_) | AsPathSegment::ConfedSet(_) => {}
        }
    }
    walk.route()
}

/// The same of an AS_PATH which the scan found whole (RFC 4271 §4.3 b), and beside which there is no AS4_PATH.
pub(super) fn route_of_path(mut value: &[u8], asn_size: usize) -> Route {
    let mut walk = PathWalk { asns: Vec::with_capacity(value.len() / asn_size), origin: None };
    while let [kind, count, rest @ ..] = value {
        let (segment, after) = rest.split_at(rest.len().min(usize::from(*count) * asn_size));
        let members = segment.chunks_exact(asn_size).map(|asn| Asn(asn.iter().fold(0, |asn, byte| asn << 8 | u32::from(*byte))));
        match kind {
            1 => walk.set(members),
            2 => walk.sequence(members),
            _ => {}
        }
        value = after;
    }
    walk.route()
}

/// A walk along the segments of a path.
struct PathWalk {
    asns: Vec<Asn>,
    origin: Option<Asn>,
}

impl PathWalk {
    fn sequence(&mut self, members: impl Iterator<Item = Asn>) {
        self.asns.extend(members);
        self.origin = self.asns.last().copied();
    }

    fn set(&mut self, members: impl Iterator<Item = Asn>) {
        let before = self.asns.len();
        self.asns.extend(members);
        self.origin = match &self.asns[before..] {
            [only] => Some(*only),
            _ => None,
        };
    }

    fn route(self) -> Route {
        Route { path: self.asns.into(), origin: self.origin }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bgpkit_parser::models::AttributeValue;

    fn of(values: Vec<AttributeValue>) -> (Vec<u32>, Option<u32>) {
        let route = route(&values.into_iter().collect());
        (route.path.iter().map(|asn| asn.0).collect(), route.origin.map(|asn| asn.0))
    }

    #[test]
    fn four_byte_ases_replace_as_trans() {
        let two = AttributeValue::AsPath(AsPath::from_sequence([65001, 23456, 23456]));
        let four = AttributeValue::As4Path(AsPath::from_sequence([131_072, 131_073]));
        assert_eq!(of(vec![two, four]), (vec![65001, 131_072, 131_073], Some(131_073)));
    }

    #[test]
    fn a_set_of_several_has_no_origin_and_a_set_of_one_has() {
        let path = |set: &[u32]| {
            let segments = vec![AsPathSegment::sequence([65001, 65001]), AsPathSegment::set(set)];
            AttributeValue::AsPath(AsPath::from_segments(segments))
        };
        assert_eq!(of(vec![path(&[65002, 65003])]), (vec![65001, 65001, 65002, 65003], None));
        assert_eq!(of(vec![path(&[65002])]).1, Some(65002));
        assert_eq!(of(vec![]), (vec![], None));
    }
}
