//! What is answered, and to whom.

use super::access::{Access, Judgement};
use super::api::{Feeds, IncidentReport, Incidents, Prefixes, Problem, Services, Status};
use super::events::events;
use super::page::{Page, SCRIPT, STYLE, hash};
use super::{Pulse, Snapshot, metrics, openapi};
use crate::report;
use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Form, Path, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, LOCATION, REFERRER_POLICY, SET_COOKIE, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};

/// Bytes of a form: it holds a token.
const BODY: usize = 4 * 1024;
/// A form is here within this time.
const FORM: Duration = Duration::from_secs(10);
/// Browsers which listen at once.
const LISTENERS: usize = 32;
/// A browser hears something this often, so that both ends notice when the other is gone.
const ALIVE_EVERY: Duration = Duration::from_secs(15);
/// Reports of incidents which are made at once: each is some work.
const REPORTS: usize = 1;

/// What answers are made of.
#[derive(Clone)]
pub(super) struct App {
    /// The newest snapshot.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    access: Arc<Access>,
    pulse: Pulse,
    listeners: Arc<Semaphore>,
    reports: Arc<Semaphore>,
    /// The page of the snapshot which was shown last: it is made once for all who look.
    page: Arc<Mutex<Option<Drawn>>>,
}

/// A snapshot and its page.
type Drawn = (Arc<Snapshot>, Arc<Page>);

impl App {
    pub fn new(snapshots: watch::Receiver<Arc<Snapshot>>, access: Access, pulse: Pulse) -> Self {
        App {
            snapshots,
            access: Arc::new(access),
            pulse,
            listeners: Arc::new(Semaphore::new(LISTENERS)),
            reports: Arc::new(Semaphore::new(REPORTS)),
            page: Arc::default(),
        }
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.borrow().clone()
    }

    /// The page as it is now; who listens has seen this snapshot then.
    pub fn page(&mut self) -> Arc<Page> {
        let snapshot = self.snapshots.borrow_and_update().clone();
        let mut drawn = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        match &*drawn {
            Some((of, page)) if Arc::ptr_eq(of, &snapshot) => page.clone(),
            Some(_) | None => {
                let page = Arc::new(Page::of(&snapshot));
                *drawn = Some((snapshot, page.clone()));
                page
            }
        }
    }
}

/// Everything which is answered.
pub(super) fn router(app: App) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/events", get(listen))
        .route("/incidents/{number}", get(incident_page))
        .route("/api/v1/status", get(|State(app): State<App>| async move { json(&Status::of(&app.snapshot())) }))
        .route("/api/v1/prefixes", get(|State(app): State<App>| async move { json(&Prefixes::of(&app.snapshot())) }))
        .route("/api/v1/services", get(|State(app): State<App>| async move { json(&Services::of(&app.snapshot())) }))
        .route("/api/v1/feeds", get(|State(app): State<App>| async move { json(&Feeds::of(&app.snapshot())) }))
        .route("/api/v1/incidents", get(|State(app): State<App>| async move { json(&Incidents::of(&app.snapshot())) }))
        .route("/api/v1/incidents/{number}", get(incident))
        .route("/api/v1/openapi.json", get(|| async { json(&openapi::document()) }))
        .route("/metrics", get(scrape))
        .route("/healthz", get(health))
        .route("/login", get(form).post(login))
        .fallback(|| async { problem(StatusCode::NOT_FOUND, "there is nothing here") })
        .method_not_allowed_fallback(|| async { problem(StatusCode::METHOD_NOT_ALLOWED, "nothing can be changed here") })
        .layer(DefaultBodyLimit::max(BODY))
        .layer(from_fn_with_state(app.clone(), admit))
        .with_state(app)
}

/// Answers whoever may see it; every answer gets the headers which keep it where it belongs.
async fn admit(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let open = path == "/healthz" || (path == "/login" && app.access.asks());
    let response = match app.access.judge(request.headers()) {
        _ if open => answer(request, next).await,
        Judgement::Allowed => answer(request, next).await,
        Judgement::WrongHost => problem(
            StatusCode::MISDIRECTED_REQUEST,
            "this dashboard answers on loopback only, by the names localhost and 127.0.0.1; with a token it answers by any name",
        ),
        Judgement::NoToken if is_page(&request) => away("/login"),
        Judgement::NoToken => {
            let mut refusal =
                problem(StatusCode::UNAUTHORIZED, "show the token as `Authorization: Bearer TOKEN`, or log in at /login");
            refusal.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"faultline\""));
            refusal
        }
    };
    guarded(response)
}

async fn answer(request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let late = || problem(StatusCode::REQUEST_TIMEOUT, "the form did not come in time");
    timeout(FORM, next.run(request)).await.unwrap_or_else(|_| late())
}

/// Whether a browser asks for a page, which can be followed by a form.
fn is_page(request: &Request) -> bool {
    let path = request.uri().path();
    request.method() == Method::GET && (path == "/" || path.starts_with("/incidents/"))
}

fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let mut put = |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    put(X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(X_FRAME_OPTIONS, "DENY");
    put(REFERRER_POLICY, "no-referrer");
    put(CACHE_CONTROL, "no-store");
    put(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    put(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

fn json(value: &impl Serialize) -> Response {
    ([(CONTENT_TYPE, "application/json")], report::json(value)).into_response()
}

fn problem(status: StatusCode, words: &str) -> Response {
    (status, json(&Problem { problem: words.to_owned() })).into_response()
}

fn away(to: &'static str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response()
}

/// A page of ours: nothing from elsewhere, our own script and style, by their hashes.
fn html(text: String) -> Response {
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        hash(SCRIPT),
        hash(STYLE)
    );
    let mut response = ([(CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

async fn page(State(mut app): State<App>) -> Response {
    match app.page().render() {
        Ok(text) => html(text),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

async fn listen(State(app): State<App>) -> Response {
    match Arc::clone(&app.listeners).try_acquire_owned() {
        Ok(place) => Sse::new(events(app, place)).keep_alive(KeepAlive::new().interval(ALIVE_EVERY)).into_response(),
        Err(_) => problem(StatusCode::SERVICE_UNAVAILABLE, "too many browsers listen"),
    }
}

async fn incident_page(State(app): State<App>, Path(number): Path<String>) -> Response {
    let snapshot = app.snapshot();
    let work = move |number: usize| snapshot.report_of(number, number).map(|view| report::html(&view));
    match made(&app, &number, work).await {
        // Its own policy stands in the page; this one keeps it out of frames.
        Some(text) => {
            let headers =
                [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, "base-uri 'none'; frame-ancestors 'none'")];
            (headers, text).into_response()
        }
        None => problem(StatusCode::NOT_FOUND, "there is no such incident, or it was part of another one"),
    }
}

async fn incident(State(app): State<App>, Path(number): Path<String>) -> Response {
    let snapshot = app.snapshot();
    let work = move |number: usize| IncidentReport::of(&snapshot, number).map(|report| report::json(&report));
    match made(&app, &number, work).await {
        Some(text) => ([(CONTENT_TYPE, "application/json")], text).into_response(),
        None => problem(StatusCode::NOT_FOUND, "there is no such incident"),
    }
}

/// Makes something of an incident, one at a time and beside the answers to others.
async fn made(app: &App, number: &str, work: impl FnOnce(usize) -> Option<String> + Send + 'static) -> Option<String> {
    let number: usize = number.parse().ok()?;
    let _place = app.reports.acquire().await.ok()?;
    tokio::task::spawn_blocking(move || work(number)).await.ok()?
}

async fn scrape(State(app): State<App>) -> Response {
    match metrics::metrics(&app.snapshot()) {
        Ok(text) => ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

async fn health(State(app): State<App>) -> Response {
    let wrong = app.pulse.wrong(Instant::now());
    let kind = [(CONTENT_TYPE, "text/plain; charset=utf-8")];
    if wrong.is_empty() {
        (kind, "ok: what is watched is heard, and the pipeline goes on\n").into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, kind, wrong.join("\n") + "\n").into_response()
    }
}

#[derive(Template)]
#[template(path = "login.html", config = "src/dashboard/page/askama.toml")]
struct Login {
    style: &'static str,
    refused: bool,
}

#[derive(Deserialize)]
struct Told {
    token: String,
}

async fn form(State(app): State<App>, headers: HeaderMap) -> Response {
    if app.access.judge(&headers) == Judgement::Allowed { away("/") } else { ask(StatusCode::OK, false) }
}

async fn login(State(app): State<App>, Form(told): Form<Told>) -> Response {
    match app.access.welcome(&told.token) {
        Some(cookie) => {
            let mut response = away("/");
            response.headers_mut().insert(SET_COOKIE, cookie);
            response
        }
        None => ask(StatusCode::UNAUTHORIZED, true),
    }
}

fn ask(status: StatusCode, refused: bool) -> Response {
    match (Login { style: STYLE, refused }).render() {
        Ok(text) => (status, html(text)).into_response(),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}
