//! Several routers, as they speak: what their connections bring, in order of time.
//!
//! A router counts as a collector: by the name the profile gives its address, else by its sysName, else by its address. A router which
//! connects anew is the same one, and its older connection is over. What is lost with a connection is a gap: nothing is known of the router's peers
//! until it tells their tables again.

use super::frame::{Frame, Kind, first_message};
use super::initiation::sys_name;
use super::router::Router;
use crate::observation::{FileId, GapCause, Observation, Others, RecordRef, Statement};
use crate::source::account::{FileAccount, FileKind};
use crate::source::interest::Interest;
use crate::source::ris_live::{HELD, Order};
use crate::source::route::Routes;
use crate::source::stating::Stating;
use crate::time::{Span, Timestamp};
use crate::vantage::{CollectorId, Vantages};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

/// There are no more routers than this: a name is made up easily.
pub const MOST_ROUTERS: u32 = 200;

/// A connection, by the order in which they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// What happens to a router's connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouterEvent {
    /// It was made.
    Connected {
        /// Which.
        connection: ConnectionId,
        /// From this address.
        address: IpAddr,
        /// What the profile calls the router of this address.
        name: Option<String>,
    },
    /// Whole messages came.
    Messages {
        /// On which.
        connection: ConnectionId,
        /// Their bytes.
        bytes: Vec<u8>,
        /// When.
        at: Timestamp,
    },
    /// It is lost.
    Lost {
        /// Which.
        connection: ConnectionId,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
}

/// What people are told of routers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouterNews {
    /// It speaks.
    Speaks {
        /// Its name.
        name: String,
        /// Its address.
        address: IpAddr,
    },
    /// It has connected anew; what it said before is told again.
    Again {
        /// Its name.
        name: String,
    },
    /// It tells something which is of no use.
    LeftOut {
        /// Its name.
        name: String,
        /// What.
        what: &'static str,
    },
    /// Its connection is lost.
    Lost {
        /// Its name, or its address.
        name: String,
        /// Why.
        reason: String,
    },
    /// There are too many routers.
    TooMany {
        /// Its address.
        address: IpAddr,
    },
}

impl fmt::Display for RouterNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RouterNews::Speaks { name, address } => write!(f, "the router {name} ({address}) tells of its peers"),
            RouterNews::Again { name } => {
                write!(f, "the router {name} has connected anew; its older connection does not count any more")
            }
            RouterNews::LeftOut { name, what } => write!(f, "the router {name} sends {what}, which are left out"),
            RouterNews::Lost { name, reason } => {
                write!(f, "the connection of the router {name} is lost: {reason}; nothing is known of its peers until it is back")
            }
            RouterNews::TooMany { address } => {
                write!(f, "there are more than {MOST_ROUTERS} routers; the one at {address} is not heard")
            }
        }
    }
}

/// The routers.
pub struct Routers {
    /// The routers' own clocks count, as in a recording, and not when messages come.
    by_their_clocks: bool,
    connections: BTreeMap<ConnectionId, Connection>,
    routers: Vec<Known>,
    order: Order<Observation>,
    routes: Routes,
    spare: Option<Box<Others>>,
}

/// A connection which stands.
struct Connection {
    address: IpAddr,
    name: Option<String>,
    /// Its place in [`Routers::routers`], once it has said something.
    router: Option<usize>,
    /// Another one of the same router has taken its place, or there is no room.
    is_over: bool,
}

/// A router which has said something.
struct Known {
    name: String,
    address: IpAddr,
    router: Router,
    /// It is counted like a file, which it would be if it was recorded.
    account: FileAccount,
    /// The connection which counts.
    connection: Option<ConnectionId>,
    /// Since when nothing is known, if it was ever connected, and of which collectors.
    lost: Option<(Timestamp, Vec<CollectorId>)>,
}

/// A router which has said something, to look at.
#[derive(Debug, Clone, Copy)]
pub struct RouterGlance<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its address.
    pub address: IpAddr,
    /// A connection of it stands.
    pub connected: bool,
    /// Messages which have come from it.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What routers need to be understood.
pub struct RoutersContext<'a> {
    /// Where vantage points get their ids.
    pub vantages: &'a mut Vantages,
    /// Which prefixes deserve a statement.
    pub interest: &'a Interest,
    /// So many files come before the first router.
    pub files: u32,
}

impl Default for Routers {
    fn default() -> Self {
        Routers {
            by_their_clocks: false,
            connections: BTreeMap::new(),
            routers: Vec::new(),
            // Messages come in order, and wait for others which are late.
            order: Order::new(Span::from_micros(i64::MAX)),
            routes: Routes::default(),
            spare: None,
        }
    }
}

impl Routers {
    /// From now on the routers' own clocks count: what they say was recorded.
    pub fn count_by_their_clocks(&mut self) {
        (self.by_their_clocks, self.order) = (true, Order::new(HELD));
    }

    /// Takes what happens to a connection; gives what people are told.
    pub fn take(&mut self, event: RouterEvent, ctx: &mut RoutersContext<'_>) -> Vec<RouterNews> {
        match event {
            RouterEvent::Connected { connection, address, name } => {
                self.connections.insert(connection, Connection { address, name, router: None, is_over: false });
                Vec::new()
            }
            RouterEvent::Messages { connection, bytes, at } => self.messages(connection, &bytes, at, ctx),
            RouterEvent::Lost { connection, reason, at } => self.lost(connection, reason, at, ctx),
        }
    }

    /// So late it is: nothing older comes, since what comes is from when it comes, and connections which stand say so.
    pub fn pass(&mut self, time: Timestamp, ctx: &mut RoutersContext<'_>) {
        for place in 0..self.routers.len() {
            if self.routers[place].connection.is_some() {
                self.state(place, ctx, |router, at, ctx| router.pass(time, at, ctx));
            }
        }
        self.let_go_until(time);
    }

    /// What is not after this time need not be held back.
    pub fn let_go_until(&mut self, time: Timestamp) {
        self.order.free_until(time);
    }

    /// Nothing comes any more: what is lost stays so until now.
    pub fn end(&mut self, now: Timestamp, ctx: &RoutersContext<'_>) {
        for place in 0..self.routers.len() {
            self.state_gap(place, now, ctx.files);
        }
        self.order.end();
    }

    /// Takes the next thing said which need not be held back.
    pub fn said(&mut self) -> Option<Observation> {
        self.order.take().map(|(_, observation)| observation)
    }

    /// Nothing is known of any router from now on: no connection stands any more.
    pub fn lose_all(&mut self, at: Timestamp, ctx: &mut RoutersContext<'_>) {
        let connections: Vec<ConnectionId> = self.connections.keys().copied().collect();
        for connection in connections {
            self.lost(connection, String::new(), at, ctx);
        }
    }

    /// What has come so far, one a router.
    pub fn accounts(&self) -> impl Iterator<Item = &FileAccount> {
        self.routers.iter().map(|known| &known.account)
    }

    /// Every router which has said something, in the order in which they did.
    pub fn glances(&self) -> impl Iterator<Item = RouterGlance<'_>> {
        self.routers.iter().map(|known| RouterGlance {
            name: &known.name,
            address: known.address,
            connected: known.connection.is_some(),
            messages: known.account.records,
            bytes: known.account.bytes,
        })
    }

    /// The collectors which routers count as.
    pub fn collectors(&self) -> impl Iterator<Item = CollectorId> {
        self.routers.iter().flat_map(|known| known.router.collectors())
    }

    fn messages(
        &mut self,
        connection: ConnectionId,
        mut bytes: &[u8],
        at: Timestamp,
        ctx: &mut RoutersContext<'_>,
    ) -> Vec<RouterNews> {
        let mut news = Vec::new();
        while let Ok(Some((frame, length))) = first_message(bytes) {
            bytes = bytes.get(length..).unwrap_or_default();
            let (place, told) = self.router_of(connection, frame, at, ctx);
            news.extend(told);
            let Some(place) = place else { return news };
            let arrived = (!self.by_their_clocks).then_some(at);
            let known = &mut self.routers[place];
            known.account.records += 1;
            let records = known.account.records;
            self.state(place, ctx, |router, (_, offset), ctx| {
                ctx.account.bytes += length as u64;
                router.take(frame, (records, offset), arrived, ctx);
            });
            let known = &mut self.routers[place];
            let left_out = known.router.newly_left_out().into_iter();
            news.extend(left_out.map(|what| RouterNews::LeftOut { name: known.name.clone(), what }));
        }
        news
    }

    /// The router which speaks on a connection, and what people are told of it: by its first message, if it has not spoken before.
    fn router_of(
        &mut self,
        connection: ConnectionId,
        frame: Frame<'_>,
        at: Timestamp,
        ctx: &RoutersContext<'_>,
    ) -> (Option<usize>, Option<RouterNews>) {
        let Some(known) = self.connections.get(&connection).filter(|known| !known.is_over) else { return (None, None) };
        if known.router.is_some() {
            return (known.router, None);
        }
        let address = known.address;
        let own_name = || (frame.kind == Kind::Initiation).then(|| sys_name(frame.body)).flatten();
        let name = known.name.clone().or_else(own_name).unwrap_or_else(|| address.to_string());
        let place = self.place_of(name, address);
        self.connections.entry(connection).and_modify(|known| (known.router, known.is_over) = (place, place.is_none()));
        let Some(place) = place else { return (None, Some(RouterNews::TooMany { address })) };
        let name = self.routers[place].name.clone();
        let news = if let Some(older) = self.routers[place].connection.replace(connection) {
            self.connections.entry(older).and_modify(|older| older.is_over = true);
            self.forget(place, at, ctx.files);
            RouterNews::Again { name }
        } else {
            RouterNews::Speaks { name, address }
        };
        self.state_gap(place, at, ctx.files);
        (Some(place), Some(news))
    }

    /// The router of this name at this address; a name which another address has taken, or which is that of a public collector, is told with the
    /// address. `None` if there is no room.
    fn place_of(&mut self, name: String, address: IpAddr) -> Option<usize> {
        let taken = |known: &Known| known.name == name && known.address != address;
        let public = name.starts_with("rrc") || name.starts_with("route-views");
        let name = if public || self.routers.iter().any(taken) { format!("{name} ({address})") } else { name };
        if let Some(place) = self.routers.iter().position(|known| known.name == name) {
            return Some(place);
        }
        if self.routers.len() >= MOST_ROUTERS as usize {
            return None;
        }
        let mut account = FileAccount::new(PathBuf::from(format!("BMP from {address}")), name.clone(), 0);
        account.holds(FileKind::Bmp);
        self.routers.push(Known { router: Router::new(&name), name, address, account, connection: None, lost: None });
        Some(self.routers.len() - 1)
    }

    fn lost(&mut self, connection: ConnectionId, reason: String, at: Timestamp, ctx: &RoutersContext<'_>) -> Vec<RouterNews> {
        let Some(Connection { address, router, is_over, .. }) = self.connections.remove(&connection) else { return Vec::new() };
        let name = router.map_or_else(|| address.to_string(), |place| self.routers[place].name.clone());
        if is_over {
            return Vec::new();
        }
        if let Some(place) = router {
            self.routers[place].connection = None;
            self.forget(place, at, ctx.files);
        }
        vec![RouterNews::Lost { name, reason }]
    }

    /// Nothing is known of a router's peers from now on.
    fn forget(&mut self, place: usize, at: Timestamp, files: u32) {
        let known = &mut self.routers[place];
        let at = if self.by_their_clocks { known.router.now().unwrap_or(at) } else { at };
        let collectors = known.router.lose();
        let source = source(place, files, &known.account);
        for collector in &collectors {
            let what = Statement::FeedGap { collector: *collector, until: at, cause: GapCause::Disconnected };
            self.order.put(at, Observation { at, source, what });
        }
        known.lost = Some((at, collectors));
    }

    /// States how long nothing was known of a router, once that is known.
    fn state_gap(&mut self, place: usize, until: Timestamp, files: u32) {
        let known = &mut self.routers[place];
        let Some((from, collectors)) = known.lost.take() else { return };
        let until = if self.by_their_clocks { known.router.now().unwrap_or(from) } else { until };
        let source = source(place, files, &known.account);
        for collector in collectors {
            let what = Statement::FeedGap { collector, until, cause: GapCause::Disconnected };
            self.order.put(until, Observation { at: from, source, what });
        }
    }

    fn state(&mut self, place: usize, ctx: &mut RoutersContext<'_>, say: impl FnOnce(&mut Router, (u64, u64), &mut Stating<'_>)) {
        let known = &mut self.routers[place];
        let mut out = VecDeque::new();
        let at = (known.account.records, known.account.bytes);
        let file = source(place, ctx.files, &known.account).file;
        let mut stating = Stating {
            vantages: ctx.vantages,
            interest: ctx.interest,
            account: &mut known.account,
            file,
            routes: &mut self.routes,
            out: &mut out,
            spare: &mut self.spare,
        };
        say(&mut known.router, at, &mut stating);
        out.into_iter().for_each(|observation| self.order.put(observation.at, observation));
    }
}

fn source(place: usize, files: u32, account: &FileAccount) -> RecordRef {
    let file = FileId(files.saturating_add(u32::try_from(place).unwrap_or(u32::MAX)));
    RecordRef { file, record: account.records }
}
