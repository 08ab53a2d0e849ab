//! Metrics for Prometheus, made anew of the newest snapshot each time they are asked for.

use super::Snapshot;
use crate::watch::board::{Board, Condition, RouterState, SightCode, StreamState, Voice};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;

/// OpenMetrics 1.0.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = Vec<(&'static str, String)>;
type Gauges = Family<Labels, Gauge>;
type Counters = Family<Labels, Counter>;
type Shares = Family<Labels, Gauge<f64, AtomicU64>>;

/// All of them.
pub(super) fn metrics(snapshot: &Snapshot) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix("faultline");
    of_sight(&mut registry, snapshot);
    of_prefixes(&mut registry, snapshot);
    of_feeds(&mut registry, snapshot);
    of_services(&mut registry, snapshot);
    if let Some(outbox) = snapshot.board.outbox {
        gauge(&mut registry, "alerts_waiting", "Alerts which are not delivered yet", signed(outbox.waiting));
        counter(&mut registry, "alerts_delivered", "Alerts which were delivered", outbox.delivered);
        counter(&mut registry, "alerts_failed", "Attempts to deliver an alert which failed", outbox.failed);
    }
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: i64) {
    registry.register(name, help, ConstGauge::new(value));
}

fn counter(registry: &mut Registry, name: &str, help: &str, value: u64) {
    registry.register(name, help, ConstCounter::new(value));
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn of_sight(registry: &mut Registry, snapshot: &Snapshot) {
    let sight = match snapshot.board.sight.code {
        SightCode::Blind => 0,
        SightCode::Limited => 1,
        SightCode::Clear => 2,
    };
    gauge(registry, "sight", "Whether what is watched can be seen: 0 not at all, 1 in part, 2 all of it", sight);
    let open = snapshot.open().count();
    gauge(registry, "incidents_open", "Incidents which go on", i64::try_from(open).unwrap_or(i64::MAX));
    let all = u64::try_from(snapshot.incidents.len()).unwrap_or(u64::MAX);
    counter(registry, "incidents", "Incidents so far", all);
    let canary = snapshot.board.canary.as_ref().map(|canary| i64::from(canary.sings));
    if let Some(sings) = canary {
        gauge(registry, "canary", "Whether the canary was seen when it should have been", sings);
    }
}

fn of_prefixes(registry: &mut Registry, snapshot: &Snapshot) {
    let (ases, level) = (Gauges::default(), Gauges::default());
    let (share, usual) = (Shares::default(), Shares::default());
    let untold = Gauges::default();
    for prefix in &snapshot.board.prefixes {
        let labels = || vec![("prefix", prefix.prefix.clone())];
        let seen = prefix.visibility;
        for (vote, count) in [("seeing", seen.seeing), ("lost", seen.lost), ("unknown", seen.unknown)] {
            let labels = vec![("prefix", prefix.prefix.clone()), ("vote", vote.to_owned())];
            ases.get_or_create(&labels).set(i64::from(count));
        }
        let withdrawn = prefix.level.map_or(0, |level| level as i64 + 1);
        level.get_or_create(&labels()).set(withdrawn);
        untold.get_or_create(&labels()).set(i64::from(matches!(prefix.condition, Condition::Untold | Condition::NeverSeen)));
        if seen.eligible() > 0 {
            share.get_or_create(&labels()).set(f64::from(seen.upper().millionths()) / 1e6);
        }
        if let Some(share) = prefix.usual {
            usual.get_or_create(&labels()).set(f64::from(share.millionths()) / 1e6);
        }
    }
    registry.register("prefix_ases", "ASes with a full table, by what they say of a prefix", ases);
    registry.register("prefix_withdrawn_level", "How much of a prefix is withdrawn: 0 not, 1 partial, 2 major, 3 full", level);
    registry.register("prefix_untold", "Whether too few can tell of a prefix", untold);
    registry.register_with_unit("prefix_visibility", "At most this share sees a prefix", Unit::Other("ratio".to_owned()), share);
    registry.register_with_unit(
        "prefix_usual",
        "The share which counts as usual for a prefix",
        Unit::Other("ratio".to_owned()),
        usual,
    );
}

fn of_feeds(registry: &mut Registry, snapshot: &Snapshot) {
    let board = &snapshot.board;
    if let Some(stream) = &board.stream {
        of_stream(registry, stream);
    }
    if let Some(routers) = &board.routers {
        of_routers(registry, routers);
    }
    of_collectors(registry, board);
}

fn of_stream(registry: &mut Registry, stream: &StreamState) {
    gauge(registry, "stream_connected", "Whether the connection to the stream is up", i64::from(stream.connected));
    counter(registry, "stream_losses", "How often the connection to the stream was lost", stream.lost);
    counter(registry, "stream_refusals", "How often no connection to the stream could be made", stream.refused);
    counter(registry, "stream_frames", "Frames which came", stream.frames);
    counter(registry, "stream_unreadable_frames", "Frames which could not be read, or believed", stream.unreadable);
    registry.register_with_unit("stream", "Bytes of frames which came", Unit::Bytes, ConstCounter::new(stream.bytes));
    if let Some(lag) = stream.lag_seconds {
        registry.register_with_unit(
            "stream_lag",
            "How much older than now the newest message is",
            Unit::Seconds,
            ConstGauge::new(lag),
        );
    }
}

fn of_routers(registry: &mut Registry, routers: &[RouterState]) {
    let (connected, messages) = (Gauges::default(), Counters::default());
    for router in routers {
        let labels = vec![("router", router.name.clone())];
        connected.get_or_create(&labels).set(i64::from(router.connected));
        messages.get_or_create(&labels).inc_by(router.messages);
    }
    registry.register("router_connected", "Whether a connection of a router stands", connected);
    registry.register("router_messages", "Messages which came from a router", messages);
}

fn of_collectors(registry: &mut Registry, board: &Board) {
    let (silence, points) = (Gauges::default(), Gauges::default());
    for (place, collector) in board.collectors.iter().enumerate() {
        let labels = vec![("collector", collector.name.clone())];
        if let Some(seconds) = collector.silent_seconds {
            silence.get_or_create(&labels).set(seconds);
        }
        for voice in [Voice::Never, Voice::Speaks, Voice::Silent, Voice::Down] {
            let count = board.vantage_points.iter().filter(|point| point.collector == place && point.voice == voice).count();
            let labels = vec![("collector", collector.name.clone()), ("voice", voice.word().to_owned())];
            points.get_or_create(&labels).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
    registry.register_with_unit("collector_silence", "How long a collector has said nothing", Unit::Seconds, silence);
    registry.register("vantage_points", "Vantage points of a collector, by whether they speak", points);
}

fn of_services(registry: &mut Registry, snapshot: &Snapshot) {
    let (series, failing) = (Gauges::default(), Gauges::default());
    let attempts = Counters::default();
    for service in snapshot.board.services.iter().filter(|service| service.series > 0) {
        let labels = vec![("service", service.service.clone())];
        series.get_or_create(&labels).set(i64::from(service.series));
        failing.get_or_create(&labels).set(i64::from(service.failing));
        attempts.get_or_create(&labels).inc_by(service.attempts);
    }
    registry.register("probe_series", "What is probed of a service, from every vantage", series);
    registry.register("probe_series_failing", "How many of these fail", failing);
    registry.register("probe_attempts", "Attempts so far", attempts);
}
