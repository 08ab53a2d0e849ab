//! AS paths.
//!
//! Takes path attributes; gives the [`Route`] which Faultline keeps of them. Other attributes are not looked at.

use super::mrt::Path;
use super::ris_live::frame::Hop;
use crate::observation::Route;
use crate::source::interest::Interest;
use crate::vantage::Asn;
use bgpkit_parser::models::{AsPath, AsPathSegment, Attributes};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// Makes routes; where paths do not count there is one an origin.
#[derive(Debug, Default)]
pub(in crate::source) struct Routes {
    by_origin: HashMap<Option<Asn>, Arc<Route>, foldhash::fast::FixedState>,
}

impl Routes {
    /// The route of these attributes.
    pub(super) fn of(&mut self, attributes: &Attributes, interest: &Interest) -> Arc<Route> {
        let walk = walk(attributes, interest.keeps_paths());
        self.walked(walk, interest)
    }

    /// The same of an AS_PATH which the scan found whole (RFC 4271 §4.3 b), and beside which there is no AS4_PATH.
    pub(super) fn of_path(&mut self, path: Path, body: &[u8], interest: &Interest) -> Arc<Route> {
        let (value, asn_size) = path.value(body);
        self.walked(walk_path(value, asn_size, interest.keeps_paths()), interest)
    }

    /// The same of the hops of a path.
    pub(super) fn of_hops(&mut self, path: &[Hop], interest: &Interest) -> Arc<Route> {
        let mut walk = PathWalk { keep: interest.keeps_paths(), ..PathWalk::default() };
        for hop in path {
            match hop {
                Hop::One(asn) => walk.sequence(std::iter::once(*asn)),
                Hop::Set(set) => walk.set(set.iter().copied()),
            }
        }
        self.walked(walk, interest)
    }

    fn walked(&mut self, walk: PathWalk, interest: &Interest) -> Arc<Route> {
        if interest.keeps_paths() {
            return Arc::new(walk.route());
        }
        let origin = walk.origin;
        Arc::clone(self.by_origin.entry(origin).or_insert_with(|| Arc::new(Route { path: origin.into_iter().collect(), origin })))
    }
}

/// AS_PATH merged with AS4_PATH (RFC 6793 §4.2.3). Confederation segments are left out: they are the inside of one AS (RFC 5065).
fn walk(attributes: &Attributes, keep: bool) -> PathWalk {
    let mut walk = PathWalk { keep, ..PathWalk::default() };
    let path = match (attributes.as_path(), attributes.as4_path()) {
        (None, None) => return walk,
        (Some(path), None) | (None, Some(path)) => Cow::Borrowed(path),
        (Some(path), Some(four)) => Cow::Owned(AsPath::merge_aspath_as4path(path, four)),
    };
    for segment in path.iter_segments() {
        match segment {
            AsPathSegment::AsSequence(members) => walk.sequence(members.iter().map(|asn| Asn(asn.to_u32()))),
            AsPathSegment::AsSet(members) => walk.set(members.iter().map(|asn| Asn(asn.to_u32()))),
            AsPathSegment::ConfedSequence(_) | AsPathSegment::ConfedSet(_) => {}
        }
    }
    walk
}

fn walk_path(mut value: &[u8], asn_size: usize, keep: bool) -> PathWalk {
    let mut walk = PathWalk { keep, ..PathWalk::default() };
    if keep {
        walk.asns.reserve_exact(value.len() / asn_size);
    }
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
    walk
}

/// A walk along the segments of a path.
#[derive(Default)]
struct PathWalk {
    /// Whether ASes are kept.
    keep: bool,
    asns: Vec<Asn>,
    last: Option<Asn>,
    origin: Option<Asn>,
}

impl PathWalk {
    fn sequence(&mut self, members: impl DoubleEndedIterator<Item = Asn> + Clone) {
        self.go_along(members);
        self.origin = self.last;
    }

    fn set(&mut self, members: impl DoubleEndedIterator<Item = Asn> + Clone) {
        let only = members.clone().take(2).count() == 1;
        self.go_along(members);
        self.origin = self.last.filter(|_| only);
    }

    fn go_along(&mut self, members: impl DoubleEndedIterator<Item = Asn> + Clone) {
        self.last = members.clone().next_back().or(self.last);
        if self.keep {
            self.asns.extend(members);
        }
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
        let attributes = values.into_iter().collect();
        let route = walk(&attributes, true).route();
        assert_eq!(walk(&attributes, false).origin, route.origin, "with and without the path");
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
