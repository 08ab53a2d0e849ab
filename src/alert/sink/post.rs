//! HTTP: a notice as JSON, signed, to a webhook; its words to an incoming webhook as Slack has them.
//!
//! A redirection is not followed, for it could lead a signed notice elsewhere. The address may hold a secret, so no message shows it.

use super::Failure;
use crate::alert::notice::Notice;
use crate::alert::resolve::Resolver;
use crate::time::Timestamp;
use crate::web;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, StatusCode, Url, redirect};
use serde_json::json;
use sha2::Sha256;
use std::error::Error;
use std::fmt::Write;
use std::sync::Arc;

/// The signature of a notice: `sha256=` and the HMAC of timestamp, full stop and body.
pub const SIGNATURE: &str = "x-faultline-signature";
/// When an attempt was made, in seconds of Unix time; it is signed, so that an old notice cannot be sent again by others.
pub const TIMESTAMP: &str = "x-faultline-timestamp";
/// The key of the notice.
pub const KEY: &str = "idempotency-key";

/// Somebody who takes POSTs.
pub struct Post {
    client: Client,
    url: Url,
    secret: Option<Vec<u8>>,
    form: Form,
}

#[derive(Clone, Copy)]
enum Form {
    Notice,
    Slack,
}

impl Post {
    /// Who takes the notice itself.
    ///
    /// # Errors
    /// If the address is none, or there is no TLS.
    pub fn webhook(url: &str, secret: Option<String>, resolver: &Resolver) -> Result<Self, String> {
        Post::new(url, secret.map(String::into_bytes), Form::Notice, resolver)
    }

    /// Who takes what Slack's incoming webhooks take.
    ///
    /// # Errors
    /// As above.
    pub fn slack(url: &str, resolver: &Resolver) -> Result<Self, String> {
        Post::new(url, None, Form::Slack, resolver)
    }

    fn new(url: &str, secret: Option<Vec<u8>>, form: Form, resolver: &Resolver) -> Result<Self, String> {
        let wrong = || "the address to post to is none; write it as https://hooks.example.com/path".to_owned();
        let url = Url::parse(url).map_err(|_| wrong())?;
        if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
            return Err(wrong());
        }
        let client = web::client().map_err(|error| error.to_string())?;
        let client = client.redirect(redirect::Policy::none()).dns_resolver(Arc::new(resolver.clone())).build();
        Ok(Post { client: client.map_err(|error| words(&error))?, url, secret, form })
    }

    pub(super) fn host(&self) -> Option<&str> {
        self.url.host_str()
    }

    pub(super) async fn send(&self, notice: &Notice, now: Timestamp) -> Result<(), Failure> {
        let body = match self.form {
            Form::Notice => serde_json::to_vec(notice),
            Form::Slack => serde_json::to_vec(&slack(notice)),
        };
        let body = body.map_err(|error| Failure::lasting(error.to_string()))?;
        let headers = self.headers(notice, &body, now)?;
        let request = self.client.post(self.url.clone()).headers(headers).body(body);
        let answer = request.send().await.map_err(|error| Failure::passing(words(&error)))?;
        let status = answer.status();
        let passing = status.is_server_error()
            || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS | StatusCode::TOO_EARLY);
        if status.is_success() { Ok(()) } else { Err(Failure { words: format!("the server answered {status}"), again: passing }) }
    }

    fn headers(&self, notice: &Notice, body: &[u8], now: Timestamp) -> Result<HeaderMap, Failure> {
        let value = |text: &str| HeaderValue::from_str(text).map_err(|error| Failure::lasting(error.to_string()));
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(HeaderName::from_static(KEY), value(&notice.key)?);
        if matches!(self.form, Form::Notice) {
            let seconds = now.seconds().to_string();
            headers.insert(HeaderName::from_static(TIMESTAMP), value(&seconds)?);
            if let Some(secret) = &self.secret {
                let signature = signature(secret, &seconds, body).map_err(Failure::lasting)?;
                headers.insert(HeaderName::from_static(SIGNATURE), value(&signature)?);
            }
        }
        Ok(headers)
    }
}

/// `sha256=` and the HMAC-SHA-256 (RFC 2104) of `timestamp.body` in hexadecimal.
///
/// # Errors
/// If the secret cannot be a key.
pub fn signature(secret: &[u8], timestamp: &str, body: &[u8]) -> Result<String, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|error| error.to_string())?;
    [timestamp.as_bytes(), b".", body].iter().for_each(|part| mac.update(part));
    let mut text = "sha256=".to_owned();
    for byte in mac.finalize().into_bytes() {
        // Writing into a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

/// As Slack takes it: without markup, and with what would begin a link or a mention escaped.
fn slack(notice: &Notice) -> serde_json::Value {
    let text = format!("{}\n{}", notice.subject, notice.text);
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    json!({"text": text, "mrkdwn": false, "link_names": false, "parse": "none", "unfurl_links": false, "unfurl_media": false})
}

/// An error with its causes, without the address.
fn words(error: &reqwest::Error) -> String {
    let mut words = if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_connect() {
        "no connection".to_owned()
    } else {
        "the request failed".to_owned()
    };
    let mut cause = error.source();
    while let Some(deeper) = cause {
        words = format!("{words}: {deeper}");
        cause = deeper.source();
    }
    words
}
