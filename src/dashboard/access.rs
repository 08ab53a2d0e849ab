//! Who may see the dashboard.
//!
//! Takes the address it is bound to, a token, and the headers of a request; gives whether it is answered. Pure.

use super::DashboardError;
use axum::http::header::{AUTHORIZATION, COOKIE, HOST};
use axum::http::{HeaderMap, HeaderValue};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// A shorter token can be guessed: 16 characters of letters and digits are more than 80 bits.
const SHORTEST: usize = 16;
/// The name of the cookie.
const COOKIE_NAME: &str = "faultline";
/// How long a browser keeps it, in seconds: 30 days.
const COOKIE_AGE: u32 = 30 * 86_400;

/// What somebody must know to see the dashboard. It is never shown.
#[derive(Clone)]
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// A token, without white space around it.
    ///
    /// # Errors
    /// If it can be guessed, or cannot stand in a header.
    pub fn new(text: &str) -> Result<Token, DashboardError> {
        let text = text.trim();
        if text.chars().count() < SHORTEST {
            return Err(DashboardError::ShortToken { least: SHORTEST });
        }
        if !text.chars().all(|c| c.is_ascii_graphic()) {
            return Err(DashboardError::OddToken);
        }
        Ok(Token(text.to_owned()))
    }

    /// What a text comes to under this token. Without the token nobody can make it.
    fn seal(&self, text: &[u8]) -> Option<Hmac<Sha256>> {
        let mut seal = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).ok()?;
        seal.update(text);
        Some(seal)
    }

    /// Whether a text is the token. How long that takes tells nothing of it: seals are compared, in constant time.
    pub fn is(&self, text: &str) -> bool {
        let told = self.seal(text.as_bytes()).map(|seal| seal.finalize().into_bytes());
        self.seal(self.0.as_bytes()).zip(told).is_some_and(|(own, told)| own.verify_slice(&told).is_ok())
    }

    /// What a browser keeps in place of it.
    fn session(&self) -> String {
        let sealed = self.seal(b"session of a dashboard").map(|seal| seal.finalize().into_bytes());
        sealed.iter().flatten().map(|byte| format!("{byte:02x}")).collect()
    }

    fn is_session(&self, text: &str) -> bool {
        let own = self.session();
        // Sealed anew, so that the comparison takes as long whatever differs.
        let told = self.seal(text.as_bytes()).map(|seal| seal.finalize().into_bytes());
        self.seal(own.as_bytes()).zip(told).is_some_and(|(own, told)| own.verify_slice(&told).is_ok())
    }
}

/// Who may see it.
#[derive(Debug, Clone)]
pub struct Access {
    token: Option<Token>,
}

/// What is done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It is answered.
    Allowed,
    /// It names a host which is not this one: a page elsewhere may have made a browser send it (DNS rebinding).
    WrongHost,
    /// It does not show the token.
    NoToken,
}

impl Access {
    /// Who may see a dashboard at this address: on loopback whoever is on this machine, elsewhere, or if there is a token, who shows it.
    ///
    /// # Errors
    /// If there is no token, and the address is not loopback.
    pub fn at(address: SocketAddr, token: Option<Token>) -> Result<Access, DashboardError> {
        if token.is_none() && !address.ip().to_canonical().is_loopback() {
            return Err(DashboardError::NoToken { address });
        }
        Ok(Access { token })
    }

    /// Whether there is a token to show.
    pub(super) fn asks(&self) -> bool {
        self.token.is_some()
    }

    /// What is done with a request which has these headers.
    pub(super) fn judge(&self, headers: &HeaderMap) -> Judgement {
        let Some(token) = &self.token else {
            return if is_this_machine(headers.get(HOST)) { Judgement::Allowed } else { Judgement::WrongHost };
        };
        let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer);
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut sessions = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let known = sessions.any(|(name, value)| name == COOKIE_NAME && token.is_session(value));
        if known || bearer.is_some_and(|text| token.is(text)) { Judgement::Allowed } else { Judgement::NoToken }
    }

    /// The cookie for a browser which shows the token; `None` if it is not.
    pub(super) fn welcome(&self, told: &str) -> Option<HeaderValue> {
        let token = self.token.as_ref().filter(|token| token.is(told.trim()))?;
        let session = token.session();
        HeaderValue::from_str(&format!("{COOKIE_NAME}={session}; Path=/; Max-Age={COOKIE_AGE}; HttpOnly; SameSite=Strict")).ok()
    }
}

/// The token of `Bearer TOKEN` (RFC 6750 §2.1; the scheme in any case, RFC 9110 §11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Whether a request was meant for a loopback address by its name for it.
fn is_this_machine(host: Option<&HeaderValue>) -> bool {
    let Some(host) = host.and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef-secret";

    fn headers(name: axum::http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn without_a_token_only_loopback_is_bound_and_only_its_names_are_answered() {
        let error = Access::at("192.0.2.1:8480".parse().unwrap(), None).unwrap_err().to_string();
        assert!(error.contains("192.0.2.1:8480"), "{error}");
        assert!(Access::at("0.0.0.0:80".parse().unwrap(), None).is_err() && Access::at("[::]:80".parse().unwrap(), None).is_err());
        let access = Access::at("127.0.0.1:8480".parse().unwrap(), None).unwrap();
        for host in ["127.0.0.1:8480", "localhost:8480", "LOCALHOST", "[::1]:8480", "127.0.0.2"] {
            assert_eq!(access.judge(&headers(HOST, host)), Judgement::Allowed, "{host}");
        }
        for host in ["attacker.example:8480", "192.0.2.1", "localhost.attacker.example", "127.0.0.1.attacker.example", "", "[::1"] {
            let expected = if host == "[::1" { Judgement::Allowed } else { Judgement::WrongHost };
            assert_eq!(access.judge(&headers(HOST, host)), expected, "{host}");
        }
        assert_eq!(access.judge(&HeaderMap::new()), Judgement::WrongHost);
    }

    #[test]
    fn a_token_is_asked_for_and_a_cookie_stands_for_it() {
        let access = Access::at("0.0.0.0:8480".parse().unwrap(), Some(Token::new(SECRET).unwrap())).unwrap();
        assert_eq!(access.judge(&headers(HOST, "127.0.0.1")), Judgement::NoToken, "not even on loopback");
        assert_eq!(access.judge(&headers(AUTHORIZATION, &format!("bearer {SECRET}"))), Judgement::Allowed);
        for wrong in
            ["Bearer", "Bearer ", "Bearer 0123456789abcdef-secreT", "Basic 0123456789abcdef-secret", "0123456789abcdef-secret"]
        {
            assert_eq!(access.judge(&headers(AUTHORIZATION, wrong)), Judgement::NoToken, "{wrong}");
        }
        assert_eq!(access.welcome("no"), None);
        let cookie = access.welcome(SECRET).unwrap().to_str().unwrap().to_owned();
        assert!(cookie.ends_with("HttpOnly; SameSite=Strict") && !cookie.contains(SECRET), "{cookie}");
        let pair = cookie.split(';').next().unwrap();
        assert_eq!(access.judge(&headers(COOKIE, &format!("a=b; {pair}"))), Judgement::Allowed);
        assert_eq!(access.judge(&headers(COOKIE, &format!("faultline={SECRET}"))), Judgement::NoToken, "the token is no session");
        assert_eq!(access.judge(&headers(COOKIE, &pair[..pair.len() - 1])), Judgement::NoToken);
    }

    #[test]
    fn a_token_is_never_shown_and_not_too_short() {
        assert_eq!(format!("{:?}", Token::new(SECRET).unwrap()), "Token(…)");
        assert!(Token::new("short").is_err() && Token::new("with space in the middle").is_err());
        assert!(Token::new(&format!(" {SECRET}\n")).unwrap().is(SECRET));
    }
}
