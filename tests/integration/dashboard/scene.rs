//! A watch which is made up, with a dashboard, and a client which speaks HTTP by hand: what is sent and received is all there is.

use faultline::dashboard::{Publisher, Serving, Token, serve};
use faultline::org::profile;
use faultline::report::ReportView;
use faultline::time::Timestamp;
use faultline::watch::Live;
use faultline::watch::board::Lookout;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

/// Tries to leave its place wherever it is shown.
pub const MARKUP: &str = "</script><img src=x onerror=alert(1)>\"'";
pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Names of everything are hostile.
fn profile_text() -> String {
    let name = |what: &str| serde_json::to_string(&format!("{what} {MARKUP}")).unwrap();
    format!(
        r#"
[organization]
name = {}
note = {}
as_numbers = [64500]

[[prefixes]]
prefix = "192.0.2.0/24"
label = {}

[[prefixes]]
prefix = "198.51.100.0/24"

[[services]]
name = {}
hostnames = ["www.example"]
addresses = ["192.0.2.80"]

[settings]
eligible_min = 2
baseline_min = "1s"
open_hold = "5s"
close_hold = "5s"
"#,
        name("organization"),
        name("note"),
        name("label"),
        name("service")
    )
}

/// Seconds after the beginning.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_parts(1_700_000_000 + seconds, 0)
}

/// A watch, who publishes it, and the dashboard.
pub struct Scene {
    pub live: Live,
    pub publisher: Publisher,
    pub serving: Serving,
}

impl Scene {
    pub fn new(token: Option<&str>) -> Scene {
        let mut lookout = Lookout::new(Some("ws://stream.example/"), false, at(0));
        lookout.up();
        Scene::of(lookout, token)
    }

    /// What this lookout tells of.
    pub fn of(lookout: Lookout, token: Option<&str>) -> Scene {
        let checked =
            profile::parse(&profile_text(), Path::new("made-up.toml")).unwrap_or_else(|error| panic!("{:?}", error.lines()));
        let live = Live::new(checked.organization, "ws://stream.example/");
        let (publisher, snapshots) = Publisher::new(lookout, &live, at(0));
        let token = token.map(|token| Token::new(token).unwrap());
        let serving = serve("127.0.0.1:0".parse().unwrap(), token, snapshots).unwrap();
        Scene { live, publisher, serving }
    }

    /// Four peers of a collector with a hostile name say something of the first prefix.
    pub fn say(&mut self, seconds: i64, announce: bool) {
        for peer in 1..=4 {
            let what = if announce {
                format!(
                    r#""announcements":[{{"next_hop":"10.0.0.{peer}","prefixes":["192.0.2.0/24"]}}],"path":[6450{peer},64500],"origin":"igp""#
                )
            } else {
                r#""withdrawals":["192.0.2.0/24"]"#.to_owned()
            };
            let host = serde_json::to_string(&format!("rrc99 {MARKUP}")).unwrap();
            let frame = format!(
                r#"{{"type":"ris_message","data":{{"timestamp":{}.5,"peer":"10.0.0.{peer}","peer_asn":"6450{peer}","id":"x","host":{host},"type":"UPDATE",{what}}}}}"#,
                1_700_000_000 + seconds
            );
            assert_eq!(self.live.take(frame.as_bytes()), None);
        }
    }

    /// Time passes, and everything is looked at.
    pub fn pass(&mut self, seconds: i64) {
        self.live.pass(at(seconds));
        if let Some((analysis, events)) = self.live.look() {
            let view = ReportView::of(&analysis, analysis.routing.last);
            self.publisher.incidents(Arc::new(view), &events, analysis.routing.last);
        }
        self.publisher.looked(&self.live, at(seconds + 5));
    }

    /// A prefix was seen, and is withdrawn.
    pub fn broken(token: Option<&str>) -> Scene {
        let mut scene = Scene::new(token);
        scene.say(0, true);
        scene.pass(20);
        scene.say(30, false);
        scene.pass(32);
        scene.pass(50);
        scene
    }

    pub fn address(&self) -> SocketAddr {
        self.serving.address
    }

    /// Asks for a path with a browser's headers.
    pub fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address()))
    }

    /// Sends this, and reads until the connection is closed.
    pub fn send(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        // A server which has refused already may not read the rest.
        let _ = stream.write_all(request.as_bytes());
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        Answer::of(&String::from_utf8(bytes).unwrap())
    }

    /// A browser which listens to what changes.
    pub fn listen(&self) -> Events {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.write_all(format!("GET /events HTTP/1.1\r\nHost: {}\r\n\r\n", self.address()).as_bytes()).unwrap();
        Events(BufReader::new(stream))
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Lines of the head, in lower case up to the colon.
    pub head: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    fn of(text: &str) -> Answer {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).map_or(0, |status| status.parse().unwrap());
        let pairs = lines.map(|line| line.split_once(": ").unwrap_or((line, "")));
        let head: Vec<_> = pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        Answer { status, head, body: body.to_owned() }
    }

    pub fn header(&self, name: &str) -> &str {
        self.head.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.header("content-type"), "application/json", "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Server-sent events as they come.
pub struct Events(BufReader<TcpStream>);

impl Events {
    /// The data of the next one; none once the connection is closed.
    pub fn next(&mut self) -> Option<serde_json::Value> {
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some(data) = line.strip_prefix("data: ") {
                return Some(serde_json::from_str(data).unwrap());
            }
        }
    }

    /// What the next one says of an element.
    pub fn next_of(&mut self, id: &str) -> Option<String> {
        let event = self.next()?;
        let spots = event["spots"].as_array().unwrap();
        spots.iter().find(|spot| spot["id"] == id).map(|spot| spot["value"].as_str().unwrap().to_owned())
    }
}
