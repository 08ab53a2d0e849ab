//! TLS and HTTP as a client, the same for streams, probes, alerts and downloads.
//!
//! Certificates are checked against the authorities of webpki-roots, and those of the file which `SSL_CERT_FILE` names, if it is set. Nothing
//! is kept between requests but connections; no proxy is used but what a caller sets.

use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::PathBuf;
use std::time::Duration;

/// A connection is made within this time, or not.
const CONNECT: Duration = Duration::from_secs(20);
/// How a client names itself.
pub const AGENT: &str = concat!("faultline/", env!("CARGO_PKG_VERSION"));

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The file of additional authorities is no such file.
    #[error("SSL_CERT_FILE names {}, which holds no certificates: {reason}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// HTTP cannot be set up.
    #[error("HTTP cannot be set up: {0}")]
    Http(#[from] reqwest::Error),
}

/// TLS for clients.
///
/// # Errors
/// If `SSL_CERT_FILE` is set and names no file of certificates (PEM).
pub fn tls() -> Result<ClientConfig, WebError> {
    let mut roots = rustls::RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(path) = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()).map(PathBuf::from) {
        let wrong = |reason: String| WebError::Authorities { path: path.clone(), reason };
        let certificates = CertificateDer::pem_file_iter(&path).map_err(|error| wrong(error.to_string()))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
            roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
        }
    }
    let config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

/// A client which follows no proxy of the environment; redirections and the time of a request are the caller's business.
///
/// # Errors
/// Those of [`tls`].
pub fn client() -> Result<reqwest::ClientBuilder, WebError> {
    Ok(reqwest::Client::builder().tls_backend_preconfigured(tls()?).user_agent(AGENT).connect_timeout(CONNECT).no_proxy())
}
