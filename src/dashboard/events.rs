//! What changes on the page, as server-sent events.
//!
//! Each browser is told what differs from what it was told last, as it takes it: one which is slow skips to the newest, and nothing piles up.

use super::page::Page;
use super::routes::App;
use axum::response::sse::Event;
use futures_util::Stream;
use serde::Serialize;
use std::collections::HashMap;
use std::convert::Infallible;
use tokio::sync::OwnedSemaphorePermit;

/// One browser.
struct Browser {
    app: App,
    /// Its place among those who listen.
    _place: OwnedSemaphorePermit,
    /// What it was told last, by element; none before the first time.
    told: Option<HashMap<String, String>>,
}

#[derive(Serialize)]
struct Update<'a> {
    shape: String,
    spots: Vec<Told<'a>>,
}

#[derive(Serialize)]
struct Told<'a> {
    id: &'a str,
    what: &'static str,
    value: &'a str,
}

/// Everything at once, and then what changes, until the watch ends.
pub(super) fn events(app: App, place: OwnedSemaphorePermit) -> impl Stream<Item = Result<Event, Infallible>> + Send + use<> {
    let browser = Browser { app, _place: place, told: None };
    futures_util::stream::unfold(browser, |mut browser| async move {
        if browser.told.is_some() {
            browser.app.snapshots.changed().await.ok()?;
        }
        let page = browser.app.page();
        let event = browser.tell(&page);
        Some((Ok(event), browser))
    })
}

impl Browser {
    fn tell(&mut self, page: &Page) -> Event {
        let told = self.told.get_or_insert_default();
        let mut spots = Vec::new();
        for spot in page.spots() {
            // Some elements have a class and a text of their own in others: an id has one kind of value.
            if told.get(&spot.id) != Some(&spot.value) {
                told.insert(spot.id.clone(), spot.value.clone());
                spots.push(Told { id: &spot.id, what: spot.what, value: &spot.value });
            }
        }
        let update = Update { shape: page.shape(), spots };
        Event::default().event("update").json_data(update).unwrap_or_default()
    }
}
