//! Watching: frames, routers, results of probes, time and the wish to end, in the order in which they come.

use super::archives::{Archives, Fetched};
use super::backfill::{Filled, Hole};
use super::bmp_station::{Station, StationEvent};
use super::clock::SteadyClock;
use super::connection::{Event, Said};
use super::lateness::Lateness;
use super::record::Recorder;
use super::stream::Stream;
use super::{IncidentEvent, LifeCycle, Live};
use crate::analysis::Analysis;
use crate::probing::{ProbeEvent, Prober};
use crate::source::bmp::RouterEvent;
use crate::time::{Span, Timestamp};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often incidents are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Frames which are taken before incidents are looked at, where the stream is faster than the clock.
const FRAMES: usize = 1_000;
/// How long archives are read at a time.
const READING: Duration = Duration::from_millis(50);
/// Frames which wait.
pub const WAITING: usize = 65_536;
/// Chunks of routers' messages which wait.
const ROUTERS_WAITING: usize = 256;
/// Events of probing which wait.
const PROBES_WAITING: usize = 1_024;

/// What a bus has not told for so long is not waited for: what is known is looked at as of now.
const BUS_LATE: Span = Span::from_seconds(10);
/// After so long people are told.
const BUS_QUIET: Span = Span::from_seconds(30);

/// Which clock tells how late it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The system's.
    System,
    /// That of the stream, which may be a replay: it is as late as what was said last.
    Stream,
}

/// What people are told.
pub enum Told<'a> {
    /// The connection is up.
    Up,
    /// The connection is lost, for this reason.
    Down(&'a str),
    /// No connection can be made, for this reason.
    NoConnection(&'a str),
    /// What a bus kept has been read; it tells until then.
    Current(Option<Timestamp>),
    /// A bus is reached, and nobody has put anything onto it since then.
    Quiet(Timestamp),
    /// Something is wrong with what a bus keeps.
    Trouble(&'a str),
    /// The server is not content.
    Error(&'a str),
    /// The connection is up, but nothing came since then which should have.
    Silent(Timestamp),
    /// The stream began at the first time, though archives told until the second.
    Overlap(Timestamp, Timestamp),
    /// Of this time the stream told nothing; archives are asked for it.
    Missed(Hole),
    /// What came of that.
    Filled(&'a Filled),
    /// Something went wrong with it.
    NotFilled(&'a str),
    /// Something happens to a router, or it is not heard.
    Router(&'a str),
    /// Something happens while probing which is no result.
    Probing(&'a ProbeEvent),
    /// The recording is not whole, for this reason.
    Recording(&'a str),
    /// Services need these addresses, too, and the stream was not asked about them.
    Unasked(&'a BTreeSet<IpAddr>),
    /// Something happens to incidents; and what was told of them, with this.
    Incidents(&'a Analysis, &'a [IncidentEvent], &'a LifeCycle),
    /// Everything was looked at, by the system's clock then.
    Looked(&'a Live, Timestamp),
}

/// What is watched, and with what.
pub struct Watching {
    /// The organization.
    pub live: Live,
    /// Which clock tells how late it is.
    pub clock: Clock,
    /// The stream, if there is one.
    pub stream: Option<Stream>,
    /// Who hears it, too.
    pub also: Option<mpsc::Sender<Event>>,
    /// The station to which routers connect, if there is one.
    pub station: Option<Station>,
    /// Who probes, if anybody does.
    pub prober: Option<Prober>,
    /// Where what comes is kept, if it is.
    pub recorder: Option<Recorder>,
    /// Until when it was watched before, if this goes on: nothing is known of the time between.
    pub seen_until: Option<Timestamp>,
    /// Where to ask for what the stream did not tell, if anywhere.
    pub archives: Option<Archives>,
}

/// Watches until the server ends the stream, or `stop` is there; gives everything that was found. Without a stream a recording, which the stream's
/// [`Clock`] means, ends when every router has gone.
///
/// # Errors
/// What `tell` says.
pub async fn run<E>(
    watching: Watching,
    stop: impl Future<Output = ()>,
    mut tell: impl FnMut(Told<'_>) -> Result<(), E>,
) -> Result<Analysis, E> {
    let Watching { live, clock, stream, also, station, prober, recorder, seen_until, archives } = watching;
    let (to_frames, mut frames) = mpsc::channel(WAITING);
    let (to_routers, mut routers) = mpsc::channel(ROUTERS_WAITING);
    let (to_holes, mut fetched) = mpsc::channel(1);
    let (to_probes, mut probes) = mpsc::channel(PROBES_WAITING);
    let (has_stream, has_station, has_prober) = (stream.is_some(), station.is_some(), prober.is_some());
    let mut tasks = JoinSet::new();
    // Nobody else keeps these ends: a task which is gone is noticed.
    let kept = stream.as_ref().is_some_and(Stream::has_clock).then(Kept::default);
    if let Some(stream) = stream {
        stream.hear(&mut tasks, to_frames, also);
    }
    if let Some(station) = station {
        tasks.spawn(station.serve(to_routers));
    }
    if let Some(prober) = prober {
        tasks.spawn(prober.run(None, to_probes));
    }
    let mut looking = interval(LOOK_EVERY);
    looking.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut under_way = UnderWay {
        live,
        clock,
        recorder,
        lost_at: seen_until,
        kept,
        frames: 0,
        unasked: 0,
        routers: 0,
        lateness: if has_stream { Lateness::new(system()) } else { Lateness::none(system()) },
        overlaps: false,
        archives: archives.map(Arc::new),
        to_holes,
        fetching: None,
    };
    if clock == Clock::Stream {
        under_way.live.routers_by_their_clocks();
    }
    tokio::pin!(stop);
    loop {
        tokio::select! {
            event = frames.recv(), if has_stream => match event {
                Some(Event::Ended(_)) | None => break,
                Some(event) => under_way.take(event, &mut tell)?,
            },
            Some(event) = routers.recv(), if has_station => {
                if under_way.take_router(event, &mut tell)? && clock == Clock::Stream && !has_stream {
                    break;
                }
            }
            Some(event) = probes.recv(), if has_prober => under_way.take_probe(event, &mut tell)?,
            Some(fetched) = fetched.recv() => under_way.fetched(fetched, &mut tell)?,
            _ = looking.tick() => {
                if clock == Clock::System {
                    under_way.pass(&mut tell)?;
                }
                under_way.look(&mut tell)?;
            }
            () = &mut stop => break,
        }
    }
    tasks.abort_all();
    under_way.end(tell)
}

/// Of a stream which tells itself how late it is, since it comes from a bus.
#[derive(Default)]
struct Kept {
    /// What was there already has been read. Until then it is as late as it tells.
    current: bool,
    /// So late it was when it spoke last.
    told: Option<Timestamp>,
    /// It has spoken.
    begun: bool,
    /// Since when there is no connection to it.
    down: Option<Timestamp>,
    /// People know that it does not speak.
    quiet: bool,
}

struct UnderWay {
    live: Live,
    clock: Clock,
    recorder: Option<Recorder>,
    lost_at: Option<Timestamp>,
    kept: Option<Kept>,
    frames: usize,
    /// How many addresses people were told of that were not asked about.
    unasked: usize,
    /// How many connections of routers stand.
    routers: usize,
    /// How late frames come.
    lateness: Lateness,
    /// People were told that the stream began before the archives end.
    overlaps: bool,
    archives: Option<Arc<Archives>>,
    to_holes: mpsc::Sender<Fetched>,
    /// The hole whose files are fetched or read.
    fetching: Option<Hole>,
}

impl UnderWay {
    fn take<E>(&mut self, event: Event, tell: &mut impl FnMut(Told<'_>) -> Result<(), E>) -> Result<(), E> {
        match event {
            Event::Up => {
                if let Some(from) = self.lost_at.take() {
                    self.live.lost(from, self.late());
                }
                self.live.connected(self.late());
                tell(Told::Up)
            }
            Event::Frame(frame) => {
                if let Some(words) = self.live.take(frame.as_bytes()) {
                    tell(Told::Error(&words))?;
                }
                if let (Clock::System, Some(at)) = (self.clock, self.live.told_last()) {
                    heard(at);
                    self.lateness.came(at, system());
                }
                self.frames += 1;
                if self.clock == Clock::Stream && self.frames.is_multiple_of(FRAMES) {
                    self.look(tell)?;
                }
                Ok(())
            }
            Event::Trouble(words) => tell(Told::Trouble(&words)),
            // What was missed is kept there, so nothing is lost.
            Event::Joined => {
                self.kept.get_or_insert_default().down = None;
                tell(Told::Up)
            }
            Event::Said(said) => said.into_iter().try_for_each(|said| self.take_kept(said, tell)),
            Event::Current => {
                let kept = self.kept.get_or_insert_default();
                kept.current = true;
                tell(Told::Current(kept.told))
            }
            Event::Down { reason, was_up } => {
                let late = self.late();
                match &mut self.kept {
                    Some(kept) => kept.down.get_or_insert(late),
                    None => self.lost_at.get_or_insert(late),
                };
                tell(if was_up { Told::Down(&reason) } else { Told::NoConnection(&reason) })
            }
            Event::Ended(_) => Ok(()),
        }
    }

    /// Takes what comes from a bus.
    fn take_kept<E>(&mut self, said: Said, tell: &mut impl FnMut(Told<'_>) -> Result<(), E>) -> Result<(), E> {
        let kept = self.kept.get_or_insert_default();
        if let Some(at) = said.until() {
            if !std::mem::replace(&mut kept.begun, true) {
                // Nobody has kept what was said before.
                if let Some(from) = self.lost_at.take_if(|from| *from + BUS_LATE < at) {
                    self.live.lost(from, at);
                }
                self.live.connected(at);
            }
            // Messages may be ahead of their time.
            if self.clock == Clock::Stream || !matches!(said, Said::Message(_)) {
                kept.told = kept.told.max(Some(at));
            } else if kept.current {
                heard(at);
            }
            if kept.current && std::mem::take(&mut kept.quiet) {
                tell(Told::Up)?;
            }
        }
        match said {
            Said::Message(message) => {
                self.live.take_message(message);
                self.frames += 1;
                // What was said long ago comes faster than it was said.
                if self.frames.is_multiple_of(FRAMES) {
                    self.look(tell)?;
                }
            }
            Said::Clock(at) => self.live.pass(at),
            Said::Lost(from, until) => self.live.lost(from, until),
            Said::End => {}
        }
        Ok(())
    }

    /// Takes what happens to a router; true if it was the last one, and is gone.
    fn take_router<E>(&mut self, event: StationEvent, tell: &mut impl FnMut(Told<'_>) -> Result<(), E>) -> Result<bool, E> {
        let event = match event {
            StationEvent::Router(event) => event,
            StationEvent::Refused(address, reason) => {
                tell(Told::Router(&format!("{address} is not heard: {reason}")))?;
                return Ok(false);
            }
        };
        let lost = matches!(event, RouterEvent::Lost { .. });
        match event {
            RouterEvent::Connected { .. } => self.routers += 1,
            RouterEvent::Lost { .. } => self.routers = self.routers.saturating_sub(1),
            RouterEvent::Messages { .. } => {}
        }
        self.live.router(event).iter().try_for_each(|news| tell(Told::Router(&news.to_string())))?;
        if self.clock == Clock::Stream {
            self.look(tell)?;
        }
        Ok(lost && self.routers == 0)
    }

    fn take_probe<E>(&mut self, event: ProbeEvent, tell: &mut impl FnMut(Told<'_>) -> Result<(), E>) -> Result<(), E> {
        match event {
            ProbeEvent::Result(result) => self.live.take_result(result),
            ProbeEvent::Planned { .. } | ProbeEvent::Trouble { .. } | ProbeEvent::PassedOver(_) => tell(Told::Probing(&event))?,
        }
        Ok(())
    }

    /// So late it is by the system's clock.
    fn pass<E>(&mut self, tell: &mut impl FnMut(Told<'_>) -> Result<(), E>) -> Result<(), E> {
        let now = system();
        if let Some(kept) = &mut self.kept {
            // What it has kept is waited for as long as it comes.
            let waits = kept.current || kept.down.is_some_and(|down| down + BUS_LATE < now);
            if waits && kept.told.is_none_or(|told| told + BUS_LATE < now) {
                self.live.wait_until(now);
                if let Some(told) = kept.told.filter(|told| *told + BUS_QUIET < now)
                    && !std::mem::replace(&mut kept.quiet, true)
                {
                    tell(Told::Quiet(told))?;
                }
            }
            return Ok(());
        }
        self.live.pass(now - self.lateness.wait(now));
        match self.live.silent(now) {
            Some(since) => tell(Told::Silent(since)),
            None => Ok(()),
        }
    }

    /// Sees to holes: asks for what the next one needs, and reads what has come.
    fn fill<E>(&mut self, tell: &mut impl FnMut(Told<'_>) -> Result<(), E>) -> Result<(), E> {
        if self.live.keeps_no_more() {
            tell(Told::NotFilled("so much was said since that it cannot be kept until the archives have it"))?;
        }
        if let (None, Some(archives), Some((hole, heard))) = (self.fetching, &self.archives, self.live.hole()) {
            self.fetching = Some(hole);
            let (archives, sender) = (Arc::clone(archives), self.to_holes.clone());
            tokio::spawn(async move {
                // Nobody waits for it any more when the watch has ended.
                let _ = sender.send(archives.fetch(hole, heard).await).await;
            });
            tell(Told::Missed(hole))?;
        }
        let begun = Instant::now();
        while self.live.is_reading() && begun.elapsed() < READING {
            if !self.live.read_on() {
                self.close_hole(tell)?;
            }
        }
        Ok(())
    }

    fn fetched<E>(&mut self, fetched: Fetched, tell: &mut impl FnMut(Told<'_>) -> Result<(), E>) -> Result<(), E> {
        if self.live.hole().is_none_or(|(hole, _)| hole != fetched.hole) {
            self.fetching = None;
            return Ok(());
        }
        if let Some(trouble) = &fetched.trouble {
            tell(Told::NotFilled(trouble))?;
        }
        if fetched.files.is_empty() {
            return self.close_hole(tell);
        }
        match self.live.read_hole(fetched.files) {
            Ok(()) => Ok(()),
            Err(error) => {
                tell(Told::NotFilled(&error.to_string()))?;
                self.close_hole(tell)
            }
        }
    }

    fn close_hole<E>(&mut self, tell: &mut impl FnMut(Told<'_>) -> Result<(), E>) -> Result<(), E> {
        self.fetching = None;
        self.live.close_hole().map_or(Ok(()), |filled| tell(Told::Filled(&filled)))
    }

    fn look<E>(&mut self, tell: &mut impl FnMut(Told<'_>) -> Result<(), E>) -> Result<(), E> {
        self.record();
        self.fill(tell)?;
        if let Some(words) = self.recorder.as_ref().and_then(Recorder::trouble) {
            tell(Told::Recording(&words))?;
        }
        let unasked = self.live.unasked();
        if unasked.len() > self.unasked {
            self.unasked = unasked.len();
            tell(Told::Unasked(unasked))?;
        }
        if !self.overlaps
            && let Some((begins, until)) = self.live.overlap()
        {
            self.overlaps = true;
            tell(Told::Overlap(begins, until))?;
        }
        if let Some((analysis, news)) = self.live.look() {
            tell(Told::Incidents(&analysis, &news, self.live.life()))?;
        }
        tell(Told::Looked(&self.live, system()))
    }

    fn record(&mut self) {
        let (now, recorded) = (self.late(), self.live.recorded());
        if let Some(recorder) = &mut self.recorder {
            recorded.into_iter().for_each(|(part, lines)| recorder.put(part, lines, now));
        }
    }

    fn end<E>(mut self, mut tell: impl FnMut(Told<'_>) -> Result<(), E>) -> Result<Analysis, E> {
        // How late it was in the end belongs to the recording.
        self.live.pass(self.live.now());
        self.record();
        if let Some(words) = self.recorder.take().and_then(Recorder::end) {
            tell(Told::Recording(&words))?;
        }
        let (analysis, news) = self.live.end();
        if !news.is_empty() {
            tell(Told::Incidents(&analysis, &news, self.live.life()))?;
        }
        Ok(analysis)
    }

    fn late(&self) -> Timestamp {
        match self.clock {
            Clock::System => system(),
            Clock::Stream => self.live.now(),
        }
    }
}

/// What all parts of a watch know of the clock.
static CLOCK: Mutex<SteadyClock> = Mutex::new(SteadyClock::new());

/// How late it is by the system's clock, without its jumps.
#[allow(clippy::disallowed_methods, reason = "watching is what happens now")]
pub fn system() -> Timestamp {
    let told = Timestamp::from_micros(jiff::Timestamp::now().as_microsecond());
    CLOCK.lock().unwrap_or_else(PoisonError::into_inner).now(told, passed())
}

/// A message of this time has come.
pub(super) fn heard(at: Timestamp) {
    CLOCK.lock().unwrap_or_else(PoisonError::into_inner).hears(at, passed());
}

/// How much time has passed since this was asked first.
fn passed() -> Span {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    let passed = BEGUN.get_or_init(Instant::now).elapsed();
    Span::from_micros(i64::try_from(passed.as_micros()).unwrap_or(i64::MAX))
}
