//! Connections: from a thread of its own, so that nothing which a browser does delays the watch; each with limits.

use super::access::{Access, Token};
use super::routes::{App, router};
use super::{Pulse, Snapshot};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::{sleep, timeout};

/// Connections at once: some people, their tabs, and a few monitors. One more is closed at once.
const CONNECTIONS: usize = 128;
/// The head of a request is here within this time, or the connection is closed; so a slow client holds no place for long.
const HEAD: Duration = Duration::from_secs(10);
/// No head is longer, in bytes: a cookie and a token fit in easily.
const HEAD_BYTES: usize = 16 * 1024;
/// No head has more fields.
const HEAD_FIELDS: usize = 64;
/// No connection lasts longer: one which reads nothing must not keep its place for ever, and browsers connect again by themselves.
const LONGEST: Duration = Duration::from_secs(3_600);
/// How long nothing is accepted after that failed, which it does where too many files are open.
const PAUSE: Duration = Duration::from_millis(200);

/// Why there is no dashboard.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DashboardError {
    /// Whoever reaches the address could see it.
    #[error("the dashboard would be open to everybody who reaches {address}")]
    #[diagnostic(help(
        "set FAULTLINE_TOKEN, or name a file which holds a token with --dashboard-token-file; or bind it to loopback, as 127.0.0.1:8480"
    ))]
    NoToken {
        /// The address.
        address: SocketAddr,
    },
    /// The token can be guessed.
    #[error("the token of the dashboard has fewer than {least} characters")]
    #[diagnostic(help("make one with `openssl rand -hex 24`"))]
    ShortToken {
        /// The least number.
        least: usize,
    },
    /// The token cannot stand in a header.
    #[error("the token of the dashboard has characters in it which are not printable ASCII, or white space")]
    #[diagnostic(help("make one with `openssl rand -hex 24`"))]
    OddToken,
    /// The address cannot be bound.
    #[error("the dashboard cannot listen on {address}: {error}")]
    #[diagnostic(help("is something else listening there? --dashboard ADDRESS names another address and port"))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
}

/// A dashboard which is being served; it ends with this value.
#[derive(Debug)]
pub struct Serving {
    /// Where: with the port which was chosen, if any would do.
    pub address: SocketAddr,
    _end: oneshot::Sender<()>,
}

/// Serves the newest snapshot at an address.
///
/// # Errors
/// If nobody may see it there, or the address cannot be bound.
pub fn serve(
    address: SocketAddr,
    token: Option<Token>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
) -> Result<Serving, DashboardError> {
    let access = Access::at(address, token)?;
    let failed = |error| DashboardError::Listen { address, error };
    let listener = std::net::TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let (end, ended) = oneshot::channel();
    let work = async move {
        let Ok(listener) = TcpListener::from_std(listener) else { return };
        let pulse = Pulse::follow(snapshots.clone());
        let router = router(App::new(snapshots, access, pulse));
        tokio::select! {
            () = accept(listener, router) => {}
            // An error means that the value is gone.
            _ = ended => {}
        }
    };
    std::thread::Builder::new().name("dashboard".to_owned()).spawn(move || runtime.block_on(work)).map_err(failed)?;
    Ok(Serving { address: bound, _end: end })
}

async fn accept(listener: TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let router = router.clone();
        tokio::spawn(async move {
            // A client which breaks the protocol, or is cut off, harms only itself.
            let _ = timeout(LONGEST, connection(stream, router)).await;
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, router: Router) -> Result<(), hyper::Error> {
    // What changes is told at once.
    let _ = stream.set_nodelay(true);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_FIELDS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await
}
