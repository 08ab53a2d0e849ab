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
    let mut asns = Vec::with_capacity(path.route_len());
    let mut origin = None;
    for segment in path.iter_segments() {
        match segment {
            AsPathSegment::AsSequence(members) => {
                asns.extend(members.iter().map(|asn| Asn(asn.to_u32())));
                origin = asns.last().copied();
            }
            AsPathSegment::AsSet(members) => {
                asns.extend(members.iter().map(|asn| Asn(asn.to_u32())));
                origin = match members.as_slice() {
                    [only] => Some(Asn(only.to_u32())),
                    _ => None,
                };
            }
            AsPathSegment::ConfedSequence(_) | AsPathSegment::ConfedSet(_) => {}
        }
    }
    Route { path: asns.into(), origin }
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
