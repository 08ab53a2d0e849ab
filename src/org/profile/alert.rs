//! The tables `[[alerts]]`: whom to tell, how, and of what.

use super::consistency::Places;
use super::field::{Field, Section};
use super::problem::{Findings, nearest};
use super::value;
use crate::org::Organization;
use crate::org::alert::{AlertPolicy, AlertSink, AlertWay, Confidential, Mail, MailTls, SyslogWay, ToldChange, Urgency};
use crate::time::Span;
use std::path::PathBuf;

const KINDS: [&str; 6] = ["webhook", "slack", "email", "syslog", "command", "file"];
/// Keys which mean something for some kinds only.
const OF_KINDS: [(&str, &[&str]); 17] = [
    ("url", &["webhook", "slack"]),
    ("url_env", &["webhook", "slack"]),
    ("url_file", &["webhook", "slack"]),
    ("secret_env", &["webhook", "email"]),
    ("secret_file", &["webhook", "email"]),
    ("server", &["email", "syslog"]),
    ("port", &["email", "syslog"]),
    ("tls", &["email"]),
    ("user", &["email"]),
    ("from", &["email"]),
    ("to", &["email"]),
    ("transport", &["syslog"]),
    ("command", &["command"]),
    ("path", &["syslog", "file"]),
    // Known to every kind.
    ("name", &KINDS),
    ("kind", &KINDS),
    ("timeout", &KINDS),
];
const TLS: [(&str, MailTls); 3] = [("starttls", MailTls::StartTls), ("tls", MailTls::Tls), ("none", MailTls::None)];

/// One table.
pub(super) fn alert(mut section: Section, organization: &mut Organization, places: &mut Places, findings: &mut Findings) {
    let name = section.required("name", "name = \"…\", as messages shall call it", findings);
    let span = name.map_or(section.span(), |field| field.span());
    let name = name.and_then(|field| field.text(findings)).map(str::to_owned);
    let kind = section.required("kind", &format!("kind = one of \"{}\"", KINDS.join("\", \"")), findings);
    let kind = kind.and_then(|field| one_of(field, &KINDS.map(|kind| (kind, kind)), "a kind of alert", findings));
    let policy = policy(&mut section, places, findings);
    let timeout = section.field("timeout").and_then(|field| span_of(field, findings)).unwrap_or(Span::from_seconds(20));
    let way = kind.and_then(|kind| {
        for (key, _) in OF_KINDS.iter().filter(|(_, kinds)| !kinds.contains(&kind)) {
            if let Some(field) = section.field(key) {
                let message = format!("`{key}` means nothing for kind = \"{kind}\"");
                findings.problem(field.span(), message, "remove it, or choose the kind which it is for");
            }
        }
        way(kind, &mut section, findings)
    });
    if kind.is_none() {
        // What they mean nobody can tell; that they are unknown would mislead.
        for (key, _) in OF_KINDS {
            section.field(key);
        }
    }
    section.finish(findings);
    if let (Some(name), Some(way)) = (name, way) {
        places.alerts.push(span);
        organization.alerts.push(AlertSink { name, way, policy, timeout });
    }
}

fn policy(section: &mut Section, places: &mut Places, findings: &mut Findings) -> AlertPolicy {
    let changes = section.items("changes").into_iter().filter_map(|item| one_of(item, &ToldChange::ALL, "a change", findings));
    let mut changes: Vec<ToldChange> = changes.collect();
    if changes.is_empty() {
        changes = vec![ToldChange::Opened, ToldChange::Worsened];
    }
    let mut services = Vec::new();
    for item in section.items("services") {
        if let Some(service) = item.read(findings, value::words) {
            places.alert_services.push((item.span(), service.clone()));
            services.push(service);
        }
    }
    let at_least = section.field("at_least").and_then(|field| one_of(field, &Urgency::ALL, "an urgency", findings));
    let every = section.field("every").and_then(|field| span_of(field, findings));
    AlertPolicy { changes, services, at_least: at_least.unwrap_or(Urgency::Note), every: every.unwrap_or(Span::from_seconds(600)) }
}

fn way(kind: &str, section: &mut Section, findings: &mut Findings) -> Option<AlertWay> {
    Some(match kind {
        "webhook" => {
            let secret = confidential(section, [None, Some("secret_env"), Some("secret_file")], findings);
            AlertWay::Webhook { url: url(section, findings)?, secret }
        }
        "slack" => AlertWay::Slack { url: url(section, findings)? },
        "email" => AlertWay::Email(mail(section, findings)?),
        "syslog" => AlertWay::Syslog(syslog(section, findings)?),
        "command" => AlertWay::Command { command: command(section, findings)? },
        _ => {
            let path = section.required("path", "path = \"/var/log/faultline/notices.jsonl\"", findings)?;
            AlertWay::File { path: PathBuf::from(path.text(findings)?) }
        }
    })
}

/// A secret by the keys of what is written, of the environment and of a file; at most one of them may be there.
fn confidential(section: &mut Section, keys: [Option<&'static str>; 3], findings: &mut Findings) -> Option<Confidential> {
    let makers: [fn(String) -> Confidential; 3] =
        [Confidential::Written, Confidential::Environment, |path| Confidential::File(PathBuf::from(path))];
    let mut found: Option<Confidential> = None;
    for (key, maker) in keys.into_iter().zip(makers).filter_map(|(key, maker)| Some((key?, maker))) {
        let Some(field) = section.field(key) else { continue };
        if found.is_some() {
            findings.problem(field.span(), format!("`{key}` is one too many"), "keep one of the keys which tell the same");
        }
        found = field.text(findings).map(|text| maker(text.trim().to_owned()));
    }
    found
}

fn url(section: &mut Section, findings: &mut Findings) -> Option<Confidential> {
    let written = section.field("url");
    let url = confidential(section, [Some("url"), Some("url_env"), Some("url_file")], findings);
    let Some(url) = url else {
        if written.is_none() {
            let help = "add url = \"https://…\", or url_env or url_file if it is secret";
            findings.problem(section.span(), "nothing tells where to post", help);
        }
        return None;
    };
    if let (Confidential::Written(text), Some(field)) = (&url, written) {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
        match host.filter(|host| !host.is_empty() && !text.contains(char::is_whitespace)) {
            None => findings.problem(field.span(), "this is no address to post to", "write it as https://hooks.example.com/path"),
            // What is written before the host would be sent along, and shown.
            Some(host) if host.contains('@') => {
                findings.problem(field.span(), "the address names a user", "put the whole address into url_env or url_file");
            }
            Some(host) if text.starts_with("http://") && !is_here(host) => {
                findings.warning(field.span(), "what is posted there can be read and changed on the way", "use https://");
            }
            Some(_) => {}
        }
    }
    Some(url)
}

fn is_here(host: &str) -> bool {
    ["127.", "[::1]", "localhost"].iter().any(|here| host.starts_with(here))
}

fn mail(section: &mut Section, findings: &mut Findings) -> Option<Mail> {
    let server = section.required("server", "server = \"mail.example.com\"", findings).and_then(|field| host(field, findings));
    let tls = section.field("tls");
    let tls = match tls {
        Some(field) => one_of(field, &TLS, "a way to encrypt", findings),
        None => Some(MailTls::StartTls),
    };
    let usual = match tls {
        Some(MailTls::Tls) => 465,
        Some(MailTls::None) => 25,
        Some(MailTls::StartTls) | None => 587,
    };
    let port = section.field("port").map_or(Some(usual), |field| field.read_number(findings, value::port));
    let user = section.field("user");
    let secret = confidential(section, [None, Some("secret_env"), Some("secret_file")], findings);
    let login = match (user, secret) {
        (Some(field), Some(secret)) => field.text(findings).map(|user| (user.to_owned(), secret)),
        (Some(field), None) => {
            findings.problem(field.span(), "this user has no password", "add secret_env or secret_file, which holds it");
            None
        }
        (None, Some(_)) => {
            findings.problem(section.span(), "this password has no user", "add user = \"…\"");
            None
        }
        (None, None) => None,
    };
    if let (Some(field), Some(MailTls::None)) = (user, tls) {
        let help = "use tls = \"starttls\" or \"tls\", or a server which wants no password";
        findings.problem(field.span(), "the password would be sent for everybody to read", help);
    }
    let from = section.required("from", "from = \"faultline@example.com\"", findings).and_then(|field| mailbox(field, findings));
    section.required("to", "to = [\"noc@example.com\"]", findings);
    let to: Vec<String> = section.items("to").into_iter().filter_map(|item| mailbox(item, findings)).collect();
    Some(Mail { server: server?, port: port?, tls: tls?, login, from: from?, to })
}

fn syslog(section: &mut Section, findings: &mut Findings) -> Option<SyslogWay> {
    let (server, path) = (section.field("server"), section.field("path"));
    let transports = ["udp", "tcp", "local"].map(|transport| (transport, transport));
    let transport = match section.field("transport") {
        Some(field) => one_of(field, &transports, "a transport", findings)?,
        None if server.is_some() => "udp",
        None => "local",
    };
    let port = section.field("port").map_or(Some(514), |field| field.read_number(findings, value::port));
    let needless = if transport == "local" { server } else { path };
    if let Some(field) = needless {
        let message = format!("`{}` means nothing for transport = \"{transport}\"", field.key);
        findings.problem(field.span(), message, "remove it, or choose another transport");
        return None;
    }
    if transport == "local" {
        let path = path.map_or(Some("/dev/log"), |field| field.text(findings))?;
        return Some(SyslogWay::Local { path: PathBuf::from(path) });
    }
    let server = section.required("server", "server = \"log.example.com\"", findings).and_then(|field| host(field, findings));
    let (server, port) = (server?, port?);
    Some(if transport == "tcp" { SyslogWay::Tcp { server, port } } else { SyslogWay::Udp { server, port } })
}

fn command(section: &mut Section, findings: &mut Findings) -> Option<Vec<String>> {
    let field = section.required("command", "command = [\"/usr/local/bin/page\", \"--urgent\"]", findings)?;
    let words: Option<Vec<String>> =
        field.items().into_iter().map(|item| item.text(findings).map(str::to_owned)).collect::<Option<Vec<_>>>();
    match words {
        Some(words) if words.is_empty() => {
            findings.problem(field.span(), "`command` is empty", "name a program and its arguments, each a text of the list");
            None
        }
        words => words,
    }
}

fn host(field: Field, findings: &mut Findings) -> Option<String> {
    let text = field.text(findings)?;
    match text.trim().parse::<std::net::IpAddr>() {
        Ok(address) => Some(address.to_string()),
        Err(_) => field.read(findings, value::host_name),
    }
}

/// An address of mail, alone: what looks like two lines or like two addresses is none.
fn mailbox(field: Field, findings: &mut Findings) -> Option<String> {
    let text = field.text(findings)?;
    let good = text.split_once('@').is_some_and(|(user, domain)| {
        let plain = |c: char| c.is_ascii_graphic() && !"<>,;:\\\"()[]@ ".contains(c);
        !user.is_empty() && !domain.is_empty() && user.chars().all(plain) && domain.chars().all(plain)
    });
    if !good {
        findings.problem(field.span(), format!("`{text}` is no address of mail"), "write it alone, such as noc@example.com");
    }
    good.then(|| text.to_owned())
}

fn span_of(field: Field, findings: &mut Findings) -> Option<Span> {
    let text = field.text(findings)?;
    match text.parse::<Span>() {
        Ok(span) => Some(span),
        Err(error) => {
            findings.problem(field.span(), error.to_string(), format!("write {} = \"10min\"", field.key));
            None
        }
    }
}

/// One word of a closed set.
fn one_of<T: Copy>(field: Field, all: &[(&str, T)], what: &str, findings: &mut Findings) -> Option<T> {
    let text = field.text(findings)?;
    let found = all.iter().find(|(word, _)| *word == text).map(|(_, meant)| *meant);
    if found.is_none() {
        let words: Vec<&str> = all.iter().map(|(word, _)| *word).collect();
        let help = match nearest(text, &words) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => format!("write one of \"{}\"", words.join("\", \"")),
        };
        findings.problem(field.span(), format!("`{text}` is not {what}"), help);
    }
    found
}
