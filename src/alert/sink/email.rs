//! E-mail: a notice as a message of plain text over SMTP, to a server at an address which is known beforehand, under the name its
//! certificate must have.
//!
//! The key of the notice is in the `Message-ID`, so that mail which comes twice is seen to be the same.

use super::Failure;
use crate::alert::notice::Notice;
use crate::alert::resolve::Resolver;
use crate::org::alert::{Mail, MailTls};
use crate::time::Timestamp;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use std::time::{Duration, SystemTime};

/// A mail server and who writes to whom over it.
pub struct Email {
    server: String,
    port: u16,
    tls: Tls,
    credentials: Option<Credentials>,
    from: Mailbox,
    to: Vec<Mailbox>,
    resolver: Resolver,
}

impl Email {
    pub(super) fn new(mail: &Mail, password: Option<String>, resolver: &Resolver) -> Result<Self, String> {
        let mailbox = |text: &String| {
            let address: Address = text.parse().map_err(|error| format!("`{text}` is no address of mail: {error}"))?;
            Ok::<Mailbox, String>(Mailbox::new(None, address))
        };
        let tls = match mail.tls {
            MailTls::StartTls => Tls::Required(parameters(&mail.server)?),
            MailTls::Tls => Tls::Wrapper(parameters(&mail.server)?),
            MailTls::None => Tls::None,
        };
        let user = mail.login.as_ref().map(|(user, _)| user.clone());
        Ok(Email {
            server: mail.server.clone(),
            port: mail.port,
            tls,
            credentials: user.zip(password).map(|(user, password)| Credentials::new(user, password)),
            from: mailbox(&mail.from)?,
            to: mail.to.iter().map(mailbox).collect::<Result<_, _>>()?,
            resolver: resolver.clone(),
        })
    }

    pub(super) fn host(&self) -> &str {
        &self.server
    }

    pub(super) async fn send(&self, notice: &Notice, now: Timestamp) -> Result<(), Failure> {
        let message = self.message(notice, now).map_err(|error| Failure::lasting(error.to_string()))?;
        let addresses = self.resolver.addresses(&self.server).await.map_err(Failure::passing)?;
        let mut last = Failure::passing("there is no address");
        for address in addresses {
            let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.to_string());
            let mut transport = transport.port(self.port).tls(self.tls.clone());
            if let Some(credentials) = &self.credentials {
                transport = transport.credentials(credentials.clone());
            }
            match transport.build().send(message.clone()).await {
                Ok(_) => return Ok(()),
                // What the server refuses for good, its other addresses refuse too.
                Err(error) if error.is_permanent() => return Err(Failure::lasting(format!("the server refuses it: {error}"))),
                Err(error) => last = Failure::passing(words(&error)),
            }
        }
        Err(last)
    }

    fn message(&self, notice: &Notice, now: Timestamp) -> Result<Message, lettre::error::Error> {
        let domain = self.from.email.domain();
        let seconds = Duration::from_secs(u64::try_from(now.seconds()).unwrap_or(0));
        let mut message = Message::builder()
            .from(self.from.clone())
            .date(SystemTime::UNIX_EPOCH + seconds)
            .message_id(Some(format!("<{}@{domain}>", notice.key)))
            .subject(notice.subject.clone())
            .header(ContentType::TEXT_PLAIN)
            .raw_header(own("Auto-Submitted", "auto-generated"))
            .raw_header(own("X-Faultline-Key", &notice.key));
        for receiver in &self.to {
            message = message.to(receiver.clone());
        }
        message.body(notice.text.clone())
    }
}

/// A header of a fixed name; its value is a word of ours.
fn own(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// TLS for this name, with the authorities which [`crate::web::tls`] takes.
fn parameters(name: &str) -> Result<TlsParameters, String> {
    let mut parameters = TlsParameters::builder(name.to_owned()).certificate_store(CertificateStore::WebpkiRoots);
    if let Some(path) = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()) {
        let pem = std::fs::read(&path).map_err(|error| format!("SSL_CERT_FILE cannot be read: {error}"))?;
        let more = Certificate::from_pem(&pem).map_err(|error| format!("SSL_CERT_FILE holds no certificates: {error}"))?;
        parameters = parameters.add_root_certificate(more);
    }
    parameters.build().map_err(|error| error.to_string())
}

fn words(error: &lettre::transport::smtp::Error) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(deeper) = cause {
        words = format!("{words}: {deeper}");
        cause = deeper.source();
    }
    words
}
