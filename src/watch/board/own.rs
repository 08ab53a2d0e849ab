//! What a watch knows of its own eyes beside the stream: its probes, and its canary.

use super::{CanaryState, ServiceProbes};
use crate::time::Timestamp;
use crate::watch::Live;

/// How each service is probed, in the profile's order.
pub fn probes_of(live: &Live) -> Vec<ServiceProbes> {
    let named = |service: &crate::org::Service| ServiceProbes {
        service: service.name.clone(),
        series: 0,
        failing: 0,
        unknown: 0,
        attempts: 0,
        last: None,
    };
    let mut services: Vec<ServiceProbes> = live.organization().services.iter().map(named).collect();
    for glance in live.series() {
        for place in &glance.series.services {
            let Some(service) = services.get_mut(*place) else { continue };
            service.series += 1;
            service.failing += u32::from(glance.down);
            service.unknown += u32::from(!glance.down && !glance.succeeded);
            service.attempts += glance.attempts;
            service.last = service.last.max(Some(glance.last));
        }
    }
    services
}

/// How the canary is; none where the stream is not known to carry beacons.
pub fn canary_of(live: &Live, now: Timestamp) -> Option<CanaryState> {
    let canary = live.canary();
    if !canary.is_expected() {
        return None;
    }
    let (sings, last) = (canary.missed(now).is_none(), canary.heard());
    let heard = last.map_or_else(|| "not yet".to_owned(), |last| format!("last at {}", last.in_words()));
    let sentence = match sings {
        true => format!("Beacons of RIPE RIS, which turn every two hours, were heard {heard}."),
        false => format!(
            "Beacons of RIPE RIS turned and nobody spoke of them: nothing comes though the connection is up. They were heard {heard}."
        ),
    };
    Some(CanaryState { sings, last, sentence })
}
