//! Routing state: what every vantage point says of every prefix, now.
//!
//! Takes observations and liveness changes in time order; gives [`RouteChange`]s. State, not messages: a prefix withdrawn and
//! announced again is present. A lost session is not a withdrawal: its routes become unknown. Nothing is counted or judged here.

mod intern;
mod table;

use crate::feed::{Liveness, LivenessChange};
use crate::observation::{Observation, RecordRef, Route, Statement, WithdrawCause};
use crate::settings::Settings;
use crate::time::{Span, Timestamp};
use crate::vantage::{Asn, CollectorId, Family, VantageId, Vantages};
pub use intern::{PrefixId, RouteId};
use intern::{Prefixes, Routes};
use ipnet::IpNet;
use roaring::RoaringBitmap;
use std::collections::HashMap;
use std::ops::Range;
use table::Dump;

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

/// State per vantage point and prefix.
#[derive(Debug)]
pub struct Rib {
    prefixes: Prefixes,
    routes: Routes,
    cells: Vec<Vec<Cell>>,
    /// Of which prefixes each vantage point has a cell: where its liveness matters.
    spoken_of: Vec<RoaringBitmap>,
    /// Routes of vantage points which use path identifiers: gone only with the last one.
    paths: HashMap<(VantageId, PrefixId), Vec<(u32, RouteId)>, foldhash::fast::FixedState>,
    believed: Vec<bool>,
    dumps: HashMap<CollectorId, Dump>,
    seed_slack: Span,
    /// Whether whole paths are kept, or only their origins (for every prefix of the Internet).
    origins_only: bool,
}

/// What one vantage point says of one prefix, believed or not.
#[derive(Debug, Clone, Copy)]
struct Cell {
    from: VantageId,
    says: Says,
    /// Said by a table dump, and by no update since.
    from_table: bool,
    /// The route, or the last one.
    route: Option<RouteId>,
    /// Nothing older than this overwrites it.
    heard: Timestamp,
    /// The last time a route was present; `Timestamp::MIN` if never.
    last_present: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Present,
    Withdrawn,
    /// It spoke, but its session was lost since.
    Forgotten,
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
            cells: Vec::new(),
            spoken_of: Vec::new(),
            paths: HashMap::default(),
            believed: Vec::new(),
            dumps: HashMap::new(),
            seed_slack: settings.seed_slack,
            origins_only,
        }
    }

    /// Takes one observation; appends what it changes. Liveness must have been told before.
    pub fn observe(&mut self, observation: &Observation, vantages: &Vantages, changes: &mut Vec<RouteChange>) {
        let (at, source) = (observation.at, observation.source);
        match &observation.what {
            Statement::Announce { from, prefix, path_id, route } => {
                let prefix = self.prefix(prefix);
                let route = self.route(route);
                let route = self.add_path(*from, prefix, *path_id, route);
                let says = Told { at, says: Says::Present, route: Some(route), cause: ChangeCause::Announced, source };
                self.tell(*from, prefix, says, changes);
            }
            Statement::Withdraw { from, prefix, path_id, cause } => {
                let prefix = self.prefix(prefix);
                if let Some(other) = self.remove_path(*from, prefix, *path_id) {
                    let says = Told { at, says: Says::Present, route: Some(other), cause: ChangeCause::Announced, source };
                    self.tell(*from, prefix, says, changes);
                    return;
                }
                let cause = ChangeCause::Withdrawn(*cause);
                self.tell(*from, prefix, Told { at, says: Says::Withdrawn, route: None, cause, source }, changes);
            }
            Statement::EndOfRib { from, family } => self.end_transfer(*from, *family, (at, source), changes),
            Statement::TableBegin { collector, .. } => {
                self.dumps.insert(*collector, Dump::new(at));
            }
            Statement::TableEntry { from, prefix, path_id, route } => {
                let id = self.prefix(prefix);
                let route = self.route(route);
                if let Some(dump) = self.dumps.get_mut(&vantages.collector_of(*from)) {
                    dump.list(*from, Family::of(prefix), id);
                }
                self.table_entry(*from, (id, *path_id, route), observation, changes);
            }
            Statement::TableEnd { collector, complete, sizes } => {
                if let Some(mut dump) = self.dumps.remove(collector).filter(|_| *complete) {
                    dump.concerns(sizes);
                    self.conclude_absences(&dump, source, changes);
                }
            }
            Statement::SessionUp { .. }
            | Statement::SessionDown { .. }
            | Statement::Keepalive { .. }
            | Statement::Other(_)
            | Statement::FeedGap { .. } => {}
        }
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
    pub fn live(&mut self, change: &LivenessChange, places: Range<usize>, changes: &mut Vec<RouteChange>) {
        let believed = change.now == Liveness::Up;
        let was = self.is_believed(change.from);
        self.set_believed(change.from, believed);
        let places = PrefixId::at(places.start).number()..PrefixId::at(places.end).number();
        let spoken_of = self.spoken_of.get(change.from.index()).map(|spoken_of| spoken_of.range(places));
        for prefix in spoken_of.into_iter().flatten().map(PrefixId::numbered) {
            let cells = &mut self.cells[prefix.index()];
            let Ok(place) = cells.binary_search_by_key(&change.from, |cell| cell.from) else { continue };
            let cell = &mut cells[place];
            let before = effective(cell.says, was);
            if change.now == Liveness::Down {
                cell.says = Says::Forgotten;
            }
            let after = effective(cell.says, believed);
            if before != after {
                changes.push(RouteChange {
                    at: change.at,
                    from: change.from,
                    prefix,
                    before,
                    after,
                    route: cell.route,
                    previous: cell.route,
                    cause: ChangeCause::Liveness,
                    source: change.source,
                });
            }
        }
        if change.now == Liveness::Down {
            self.paths.retain(|(from, _), _| *from != change.from);
        }
    }

    /// All views of a prefix, in the order of vantage points.
    pub fn views(&self, prefix: PrefixId) -> impl Iterator<Item = View> + '_ {
        self.cells.get(prefix.index()).into_iter().flatten().map(|cell| self.view_of(cell))
    }

    /// One vantage point's view of a prefix, if it ever spoke of it.
    pub fn view(&self, prefix: PrefixId, from: VantageId) -> Option<View> {
        let cells = self.cells.get(prefix.index())?;
        let place = cells.binary_search_by_key(&from, |cell| cell.from).ok()?;
        Some(self.view_of(&cells[place]))
    }

    fn view_of(&self, cell: &Cell) -> View {
        View {
            from: cell.from,
            state: effective(cell.says, self.is_believed(cell.from)),
            route: cell.route,
            last_present: (cell.last_present > Timestamp::MIN).then_some(cell.last_present),
        }
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
            self.cells.resize_with(id.index() + 1, Vec::new);
        }
        id
    }

    fn route(&mut self, route: &Route) -> RouteId {
        if self.origins_only { self.routes.intern_origin(route.origin) } else { self.routes.intern(route) }
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

    fn is_believed(&self, from: VantageId) -> bool {
        self.believed.get(from.index()).copied().unwrap_or(false)
    }

    fn set_believed(&mut self, from: VantageId, believed: bool) {
        if self.believed.len() <= from.index() {
            self.believed.resize(from.index() + 1, false);
        }
        self.believed[from.index()] = believed;
    }

    /// Sets a cell; older information never overwrites newer.
    fn tell(&mut self, from: VantageId, prefix: PrefixId, told: Told, changes: &mut Vec<RouteChange>) {
        let believed = self.is_believed(from);
        let cells = &mut self.cells[prefix.index()];
        let place = match cells.binary_search_by_key(&from, |cell| cell.from) {
            Ok(place) => place,
            Err(place) => {
                let heard = Timestamp::MIN;
                let new = Cell { from, says: Says::Forgotten, from_table: false, route: None, heard, last_present: Timestamp::MIN };
                cells.insert(place, new);
                if self.spoken_of.len() <= from.index() {
                    self.spoken_of.resize_with(from.index() + 1, RoaringBitmap::new);
                }
                self.spoken_of[from.index()].insert(prefix.number());
                place
            }
        };
        let cell = &mut cells[place];
        if told.at < cell.heard {
            return;
        }
        let before = effective(cell.says, believed);
        let previous = cell.route;
        let rerouted = told.route.is_some() && told.route != cell.route;
        if cell.says == Says::Present || told.says == Says::Present {
            cell.last_present = told.at;
        }
        cell.heard = told.at;
        cell.says = told.says;
        cell.from_table = told.cause == ChangeCause::Table;
        cell.route = told.route.or(cell.route);
        let after = effective(cell.says, believed);
        if before != after || rerouted {
            let Told { at, cause, source, .. } = told;
            changes.push(RouteChange { at, from, prefix, before, after, route: cell.route, previous, cause, source: Some(source) });
        }
    }
}

/// One thing told of a prefix.
#[derive(Debug, Clone, Copy)]
struct Told {
    at: Timestamp,
    says: Says,
    route: Option<RouteId>,
    cause: ChangeCause,
    source: RecordRef,
}

fn effective(says: Says, believed: bool) -> RouteState {
    match (says, believed) {
        (Says::Present, true) => RouteState::Present,
        (Says::Withdrawn, true) => RouteState::Withdrawn,
        (Says::Forgotten, _) | (_, false) => RouteState::Unknown,
    }
}
