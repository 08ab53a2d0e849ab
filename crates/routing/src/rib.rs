//! Routing state: what every vantage point says of every prefix, now.
//!
//! Takes observations and liveness changes in time order; gives [`RouteChange`]s. State, not messages: a prefix withdrawn and
//! announced again is present. A lost session is not a withdrawal: its routes become unknown. Nothing is counted or judged here.

mod cells;
mod elsewhere;
mod intern;
mod rows;
mod table;

use crate::feed::{Liveness, LivenessChange};
use crate::observation::{Observation, RecordRef, Route, Statement, WithdrawCause};
use crate::settings::Settings;
use crate::time::{Span, Timestamp};
use crate::vantage::{Asn, CollectorId, Family, VantageId, Vantages};
use cells::{Cell, Cells, Says};
pub use cells::{Cohort, Row};
pub use intern::{PrefixId, RouteId};
use intern::{Prefixes, Routes};
use ipnet::IpNet;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use table::Dump;
pub use table::EndedDump;

/// What a vantage point says of a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RouteState {
    /// It has a route.
    Present,
    /// It said that it has none, or a complete table dump shows none.
    Withdrawn,
    /// It never spoke of the prefix, or cannot be believed now.
    Unknown,
}

/// Why a state changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeCause {
    /// An announcement.
    Announced,
    /// A withdraw statement, or what counts as one.
    Withdrawn(WithdrawCause),
    /// The table was told to its end, and the prefix was not in it.
    NotInTransfer,
    /// A table dump confirms or corrects.
    Table,
    /// The vantage point became or ceased to be believable.
    Liveness,
}

/// One change of what a vantage point says of a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteChange {
    /// When.
    pub at: Timestamp,
    /// Whose state.
    pub from: VantageId,
    /// Of which prefix.
    pub prefix: PrefixId,
    /// Until now.
    pub before: RouteState,
    /// From now on. Equal to `before` where only the route changed.
    pub after: RouteState,
    /// The route now, or the last one if there is none now.
    pub route: Option<RouteId>,
    /// The route or last route before; `None` if it never spoke of the prefix.
    pub previous: Option<RouteId>,
    /// Why.
    pub cause: ChangeCause,
    /// The record which says so; none for silence.
    pub source: Option<RecordRef>,
}

/// A route change with what was known before it.
#[derive(Debug, Clone, Copy)]
pub struct Changed {
    /// The change.
    pub change: RouteChange,
    /// The view before; `None` if it had never spoken of the prefix.
    pub was: Option<View>,
    /// The view now.
    pub now: View,
    /// It belongs to the [first table](Rib::first_table) of the vantage point.
    pub in_first_table: bool,
}

/// What one call changed.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Route changes, in order.
    pub list: Vec<Changed>,
    /// What a dump told of vantage points which are not believed: who, of what, and the view before. Their views stay unknown.
    pub unbelieved: Vec<(VantageId, PrefixId, Option<View>)>,
}

impl Changes {
    /// Forgets all of it.
    pub fn clear(&mut self) {
        self.list.clear();
        self.unbelieved.clear();
    }
}

/// State per vantage point and prefix.
#[derive(Debug, Clone)]
pub struct Rib {
    prefixes: Prefixes,
    routes: Routes,
    /// Prefixes of one message have one route.
    last_route: Option<(Arc<Route>, RouteId)>,
    cells: Cells,
    /// Routes of vantage points which use path identifiers: gone only with the last one.
    paths: HashMap<(VantageId, PrefixId), Vec<(u32, RouteId)>, foldhash::fast::FixedState>,
    believed: Vec<bool>,
    dumps: HashMap<CollectorId, Dump, foldhash::fast::FixedState>,
    seed_slack: Span,
    /// Whether whole paths are kept, or only their origins (for every prefix of the Internet).
    origins_only: bool,
}

/// One vantage point's view of a prefix, for those who ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Who.
    pub from: VantageId,
    /// What it says, if it can be believed.
    pub state: RouteState,
    /// The route, or the last one.
    pub route: Option<RouteId>,
    /// The last time a route was present.
    pub last_present: Option<Timestamp>,
}

impl Rib {
    /// Nothing is known yet. With `origins_only`, paths are reduced to their origin AS.
    pub fn new(settings: &Settings, origins_only: bool) -> Self {
        Rib {
            prefixes: Prefixes::default(),
            routes: Routes::default(),
            last_route: None,
            cells: Cells::default(),
            paths: HashMap::default(),
            believed: Vec::new(),
            dumps: HashMap::default(),
            seed_slack: settings.seed_slack,
            origins_only,
        }
    }

    /// The ids of the prefixes of observations which are followed here, in place of what `met` held; a prefix which was not met before is met now.
    /// Many are asked for at once, so that a processor waits for several places of large tables at a time.
    pub fn meet_all(&mut self, observations: &[Observation], follows: impl Fn(&IpNet) -> bool, met: &mut Vec<Option<PrefixId>>) {
        met.clear();
        met.extend(observations.iter().map(|said| Some(self.prefix(said.what.prefix().filter(|prefix| follows(prefix))?))));
        for (observation, prefix) in observations.iter().zip(met.iter()) {
            if let (Some(prefix), Some(from)) = (prefix, observation.what.from()) {
                self.cells.fetch(*prefix, from);
            }
        }
    }

    /// Takes one observation; appends what it changes. `met`: the id of its prefix, if it was [met](Rib::meet_all) before. Liveness must have
    /// been told before. Gives the dump which it ends, if it does: what that does not list is told with [`Rib::conclude`].
    pub fn observe(
        &mut self,
        observation: &Observation,
        met: Option<PrefixId>,
        vantages: &Vantages,
        changes: &mut Changes,
    ) -> Option<EndedDump> {
        let (at, source) = (observation.at, observation.source);
        match &observation.what {
            Statement::Announce { from, prefix, path_id, route } => {
                let prefix = met.unwrap_or_else(|| self.prefix(prefix));
                let route = self.route(route);
                let route = self.add_path(*from, prefix, *path_id, route);
                let says =
                    Told { listed_by: None, at, says: Says::Present, route: Some(route), cause: ChangeCause::Announced, source };
                self.tell(*from, prefix, says, changes);
            }
            Statement::Withdraw { from, prefix, path_id, cause } => {
                let prefix = met.unwrap_or_else(|| self.prefix(prefix));
                if let Some(other) = self.remove_path(*from, prefix, *path_id) {
                    let says = Told {
                        listed_by: None,
                        at,
                        says: Says::Present,
                        route: Some(other),
                        cause: ChangeCause::Announced,
                        source,
                    };
                    self.tell(*from, prefix, says, changes);
                    return None;
                }
                let cause = ChangeCause::Withdrawn(*cause);
                self.tell(*from, prefix, Told { listed_by: None, at, says: Says::Withdrawn, route: None, cause, source }, changes);
            }
            Statement::EndOfRib { from, family } => self.end_transfer(*from, *family, (at, source), changes),
            Statement::TableBegin { collector, .. } => {
                if let Some(dump) = self.dumps.insert(*collector, Dump::new(at)) {
                    self.give_up(&dump);
                }
            }
            Statement::TableEntry { from, prefix, path_id, route } => {
                let id = met.unwrap_or_else(|| self.prefix(prefix));
                let route = self.route(route);
                let dump = self.dumps.get_mut(&vantages.collector_of(*from)).map(|dump| {
                    if !self.cells.is_being_listed(*from, Family::of(prefix)) {
                        dump.concern(*from, Family::of(prefix));
                    }
                    dump.at()
                });
                self.table_entry(*from, (id, *path_id, route, dump), observation, changes);
            }
            Statement::TableEnd { collector, complete, sizes } => {
                let dump = self.dumps.remove(collector)?;
                if *complete {
                    return Some(dump.end(source, sizes));
                }
                self.give_up(&dump);
            }
            Statement::SessionUp { .. }
            | Statement::SessionDown { .. }
            | Statement::Keepalive { .. }
            | Statement::Other(_)
            | Statement::FeedGap { .. } => {}
        }
        None
    }

    /// Which vantage points are believed.
    pub fn believed(&self) -> Vec<bool> {
        self.believed.clone()
    }

    /// Believes the same vantage points as when [`Rib::believed`] was asked, to take the same liveness changes for other prefixes.
    pub fn believe_as(&mut self, believed: &[bool]) {
        self.believed.clear();
        self.believed.extend_from_slice(believed);
    }

    /// How many prefixes were ever spoken of.
    pub fn prefix_count(&self) -> usize {
        self.cells.len()
    }

    /// Takes a liveness change for the prefixes at these places; appends what becomes unknown, or known again.
    pub fn live(&mut self, change: &LivenessChange, places: Range<usize>, changes: &mut Changes) {
        let believed = change.now == Liveness::Up;
        let was = self.is_believed(change.from);
        self.set_believed(change.from, believed);
        if change.now == Liveness::Down && places.start == 0 && !self.paths.is_empty() {
            self.paths.retain(|(from, _), _| *from != change.from);
        }
        for prefix in (places.start..places.end.min(self.cells.len())).map(PrefixId::at) {
            let Some(cell) = self.cells.get(prefix, change.from) else { continue };
            let before = effective(cell.says, was);
            let mut after = effective(cell.says, believed);
            if change.now == Liveness::Down {
                self.cells.forget(prefix, change.from);
                after = RouteState::Unknown;
            }
            if before != after {
                let Cell { route, .. } = cell;
                let LivenessChange { at, from, source, .. } = *change;
                let cause = ChangeCause::Liveness;
                let change = RouteChange { at, from, prefix, before, after, route, previous: route, cause, source };
                let was = view_of(from, &cell, was);
                changes.list.push(Changed { change, was: Some(was), now: View { state: after, ..was }, in_first_table: false });
            }
        }
    }

    /// Asks these together.
    pub fn cohort(&self, who: impl Iterator<Item = VantageId> + Clone) -> Cohort {
        self.cells.cohort(who)
    }

    /// What they say of a prefix, whether or not they are believed, in place of what `row` held.
    pub fn row(&self, prefix: PrefixId, cohort: &Cohort, row: &mut Row) {
        self.cells.row(prefix, cohort, row);
    }

    /// Which of those `asked` have, or had since a time, a route to a prefix, in place of what `had` held. False if somebody had one only
    /// before that.
    pub fn had_since(&self, time: Timestamp, of: (PrefixId, &Row), asked: (&Cohort, &[u64]), had: &mut Vec<u64>) -> bool {
        self.cells.had_since(time, of, asked, had)
    }

    /// All views of a prefix, in the order of vantage points.
    pub fn views(&self, prefix: PrefixId) -> impl Iterator<Item = View> + '_ {
        (0..self.cells.peer_count()).filter_map(move |index| self.view(prefix, VantageId::at(index)))
    }

    /// One vantage point's view of a prefix, if it ever spoke of it.
    pub fn view(&self, prefix: PrefixId, from: VantageId) -> Option<View> {
        self.cells.get(prefix, from).map(|cell| view_of(from, &cell, self.is_believed(from)))
    }

    /// Who has a route to a prefix and can be believed, in their order.
    pub fn present(&self, prefix: PrefixId) -> impl Iterator<Item = VantageId> + '_ {
        self.cells.present(prefix).filter(|from| self.is_believed(*from))
    }

    /// Whether it has a route to a prefix and can be believed.
    pub fn is_present(&self, prefix: PrefixId, from: VantageId) -> bool {
        self.is_believed(from) && self.cells.is_present(prefix, from)
    }

    /// Whether only these can be said to have spoken of a prefix of which nobody else told a change.
    pub fn is_known_to_none_but(&self, prefix: PrefixId, those: &[VantageId]) -> bool {
        self.cells.is_known_to_none_but(prefix, those)
    }

    /// The family of a prefix.
    pub fn family_of(&self, id: PrefixId) -> Family {
        self.cells.family(id)
    }

    /// When the dump was made which told the first words of a vantage point on a family; where only origins are kept, and if one did.
    pub fn first_table(&self, from: VantageId, family: Family) -> Option<Timestamp> {
        self.cells.first_table(from, family).filter(|_| self.origins_only).map(|first| first.at)
    }

    /// False where no view of any prefix was last present within these times.
    pub fn may_lie_within(&self, times: &Range<Timestamp>) -> bool {
        self.cells.may_lie_within(times)
    }

    /// Whether any prefix of the family may have been last present at a vantage point within these times because a dump said so.
    pub fn table_within(&self, from: VantageId, family: Family, times: &Range<Timestamp>) -> bool {
        self.cells.table_within(from, family, times)
    }

    /// At whom else the prefix was last present within these times.
    pub fn noted_within(&self, prefix: PrefixId, times: &Range<Timestamp>) -> impl Iterator<Item = VantageId> + '_ {
        self.cells.noted_within(prefix, times)
    }

    /// Forgets when things were said before a time. Whether a view was last present before or after a time is asked from `asked` on.
    pub fn forget_before(&mut self, before: Timestamp, asked: Timestamp) {
        self.cells.forget_before(before, asked);
    }

    /// The prefix behind an id.
    pub fn prefix_of(&self, id: PrefixId) -> IpNet {
        self.prefixes.get(id)
    }

    /// The id of a prefix, if it was ever spoken of.
    pub fn id_of(&self, prefix: &IpNet) -> Option<PrefixId> {
        self.prefixes.find(prefix)
    }

    /// The route behind an id.
    pub fn route_of(&self, id: RouteId) -> &Route {
        self.routes.get(id)
    }

    /// Whether paths are reduced to their origin AS.
    pub fn keeps_origins_only(&self) -> bool {
        self.origins_only
    }

    /// The origin AS of a route.
    pub fn origin_of(&self, id: RouteId) -> Option<Asn> {
        self.routes.get(id).origin
    }

    /// Every prefix ever spoken of, in the order met.
    pub fn prefixes(&self) -> impl Iterator<Item = (PrefixId, IpNet)> + '_ {
        self.prefixes.iter()
    }

    /// Less specific prefixes ever spoken of, longest first; the default route is no cover.
    pub fn covers(&self, prefix: &IpNet) -> Vec<PrefixId> {
        self.prefixes.covers(prefix)
    }

    fn prefix(&mut self, prefix: &IpNet) -> PrefixId {
        let id = self.prefixes.intern(prefix);
        if self.cells.len() <= id.index() {
            self.cells.meet(Family::of(prefix));
        }
        id
    }

    fn route(&mut self, route: &Arc<Route>) -> RouteId {
        if let Some((_, id)) = self.last_route.as_ref().filter(|(last, _)| Arc::ptr_eq(last, route)) {
            return *id;
        }
        let id = if self.origins_only { self.routes.intern_origin(route.origin) } else { self.routes.intern(route) };
        self.last_route = Some((Arc::clone(route), id));
        id
    }

    fn add_path(&mut self, from: VantageId, prefix: PrefixId, path_id: u32, route: RouteId) -> RouteId {
        if path_id == 0 && !self.paths.contains_key(&(from, prefix)) {
            return route;
        }
        let paths = self.paths.entry((from, prefix)).or_default();
        match paths.iter_mut().find(|(id, _)| *id == path_id) {
            Some(path) => path.1 = route,
            None => paths.push((path_id, route)),
        }
        route
    }

    /// Removes a path; gives one that is left, if any.
    fn remove_path(&mut self, from: VantageId, prefix: PrefixId, path_id: u32) -> Option<RouteId> {
        let paths = self.paths.get_mut(&(from, prefix))?;
        paths.retain(|(id, _)| *id != path_id);
        paths.last().map(|(_, route)| *route)
    }

    /// Whether what it says counts now.
    pub fn is_believed(&self, from: VantageId) -> bool {
        self.believed.get(from.index()).copied().unwrap_or(false)
    }

    /// What it says counts from now on, or no more.
    pub fn set_believed(&mut self, from: VantageId, believed: bool) {
        if self.believed.len() <= from.index() {
            self.believed.resize(from.index() + 1, false);
        }
        self.believed[from.index()] = believed;
    }

    /// Sets a cell; older information never overwrites newer.
    fn tell(&mut self, from: VantageId, prefix: PrefixId, told: Told, changes: &mut Changes) {
        let believed = self.is_believed(from);
        let spot = self.cells.spot(prefix, from);
        if let (ChangeCause::Announced, Some(route), true) = (told.cause, told.route, believed)
            && self.cells.renew(spot, route, told.at)
        {
            return;
        }
        let known = self.cells.cell_at(spot);
        if let Some(dump) = told.listed_by {
            self.cells.list(prefix, from, dump);
        }
        if known.is_some_and(|cell| told.at < cell.heard) {
            return;
        }
        let (before, previous) = known.map_or((RouteState::Unknown, None), |cell| (effective(cell.says, believed), cell.route));
        let rerouted = told.route.is_some() && told.route != previous;
        let was_present = known.is_some_and(|cell| cell.says == Says::Present);
        let last_present = match known {
            _ if was_present || told.says == Says::Present => told.at,
            Some(cell) => cell.last_present,
            None => Timestamp::MIN,
        };
        let from_table = told.cause == ChangeCause::Table;
        let route = told.route.or(previous);
        let cell = Cell { says: told.says, from_table, route, heard: told.at, last_present };
        self.cells.put(spot, cell);
        let after = effective(told.says, believed);
        let was = known.map(|cell| view_of(from, &cell, believed));
        if before != after || rerouted {
            let Told { at, cause, source, .. } = told;
            let in_first_table = self.origins_only && from_table && known.is_none() && self.cells.is_in_first_table(prefix, from);
            let change = RouteChange { at, from, prefix, before, after, route, previous, cause, source: Some(source) };
            changes.list.push(Changed { change, was, now: view_of(from, &cell, believed), in_first_table });
        } else if !believed {
            changes.unbelieved.push((from, prefix, was));
        }
    }
}

/// One thing told of a prefix.
#[derive(Debug, Clone, Copy)]
struct Told {
    /// When the dump was made which lists it.
    listed_by: Option<Timestamp>,
    at: Timestamp,
    says: Says,
    route: Option<RouteId>,
    cause: ChangeCause,
    source: RecordRef,
}

fn view_of(from: VantageId, cell: &Cell, believed: bool) -> View {
    View {
        from,
        state: effective(cell.says, believed),
        route: cell.route,
        last_present: (cell.last_present > Timestamp::MIN).then_some(cell.last_present),
    }
}

fn effective(says: Says, believed: bool) -> RouteState {
    match (says, believed) {
        (Says::Present, true) => RouteState::Present,
        (Says::Withdrawn, true) => RouteState::Withdrawn,
        (Says::Forgotten, _) | (_, false) => RouteState::Unknown,
    }
}
