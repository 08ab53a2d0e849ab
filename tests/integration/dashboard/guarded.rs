//! Who is let in, and what a client cannot do.

use super::scene::{Scene, TOKEN};
use faultline::dashboard::{DashboardError, serve};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

const EVERYTHING: [&str; 11] = [
    "/",
    "/events",
    "/incidents/1",
    "/api/v1/status",
    "/api/v1/prefixes",
    "/api/v1/services",
    "/api/v1/feeds",
    "/api/v1/incidents",
    "/api/v1/incidents/1",
    "/api/v1/openapi.json",
    "/metrics",
];

#[test]
fn without_the_token_nothing_is_told_but_whether_it_lives() {
    let scene = Scene::broken(Some(TOKEN));
    for path in EVERYTHING.into_iter().chain(["/nothing"]) {
        let refused = scene.get(path);
        let is_page = path == "/" || path == "/incidents/1";
        assert_eq!(refused.status, if is_page { 303 } else { 401 }, "{path}");
        assert!(!refused.body.contains("192.0.2.0") && !refused.body.contains("organization"), "{path}: {}", refused.body);
        let wrong = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n", &TOKEN[1..]);
        assert_eq!(scene.send(&wrong).status, refused.status, "{path} with a wrong token");
    }
    assert_eq!(scene.get("/api/v1/status").header("www-authenticate"), "Bearer realm=\"faultline\"");
    assert!(matches!(scene.get("/healthz").status, 200 | 503));
}

#[test]
fn the_token_lets_in_as_a_header_or_by_a_cookie() {
    let scene = Scene::broken(Some(TOKEN));
    let bearer = format!(
        "GET /api/v1/status HTTP/1.1\r\nHost: dashboard.example\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(scene.send(&bearer).json()["incidents_open"], 1);
    assert_eq!(scene.get("/login").status, 200);
    let login = |token: &str| {
        let body = format!("token={token}");
        let kind = "Content-Type: application/x-www-form-urlencoded";
        scene.send(&format!(
            "POST /login HTTP/1.1\r\nHost: x\r\n{kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ))
    };
    let refused = login("wrong");
    assert_eq!((refused.status, refused.header("set-cookie")), (401, ""));
    let welcome = login(TOKEN);
    let cookie = welcome.header("set-cookie");
    assert!(
        welcome.status == 303 && cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains(TOKEN),
        "{cookie}"
    );
    let session = cookie.split(';').next().unwrap();
    let page = scene.send(&format!("GET / HTTP/1.1\r\nHost: x\r\nCookie: {session}\r\nConnection: close\r\n\r\n"));
    assert_eq!(page.status, 200);
    assert!(page.body.contains("192.0.2.0/24") && !page.body.contains(TOKEN));
}

#[test]
fn an_address_which_others_reach_is_not_bound_without_a_token() {
    let (_, snapshots) = {
        let scene = Scene::new(None);
        let (publisher, snapshots) = faultline::dashboard::Publisher::new(
            faultline::watch::board::Lookout::new(Some("ws://x/"), true, super::scene::at(0)),
            &scene.live,
            super::scene::at(0),
        );
        (publisher, snapshots)
    };
    let error = serve("0.0.0.0:0".parse().unwrap(), None, snapshots).unwrap_err();
    assert!(matches!(error, DashboardError::NoToken { .. }), "{error}");
    let watch = |arguments: &[&str], token: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_faultline"));
        command.args(["watch", "data/lab/lab.toml", "--stream", "ws://127.0.0.1:9/"]).args(arguments).env_remove("FAULTLINE_TOKEN");
        command.envs(token.map(|token| ("FAULTLINE_TOKEN", token)));
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (status, said) = watch(&["--dashboard=0.0.0.0:0"], None);
    assert!(status == Some(2) && said.contains("would be open to everybody") && said.contains("FAULTLINE_TOKEN"), "{said}");
    let (status, said) = watch(&["--dashboard=0.0.0.0:0"], Some("short"));
    assert!(status == Some(2) && said.contains("fewer than 16") && !said.contains("short\n"), "{said}");
    let (status, said) = watch(&["--dashboard", "--dashboard-token-file", "no/such/file"], None);
    assert!(status == Some(2) && said.contains("no/such/file cannot be read"), "{said}");
    let (status, said) = watch(&["--dashboard-token-file", "x"], None);
    assert!(status == Some(2) && said.contains("--dashboard"), "{said}");
}

// Why: a page anywhere can make a browser ask a name which its owner lets point at 127.0.0.1 (DNS rebinding).
#[test]
fn on_loopback_only_its_own_names_are_answered() {
    let scene = Scene::broken(None);
    for path in EVERYTHING {
        let wrong = scene.send(&format!("GET {path} HTTP/1.1\r\nHost: attacker.example\r\nConnection: close\r\n\r\n"));
        assert!(wrong.status == 421 && !wrong.body.contains("192.0.2.0"), "{path}: {wrong:?}");
    }
    assert_eq!(scene.send("GET /api/v1/status HTTP/1.0\r\n\r\n").status, 421, "no name at all");
    assert_eq!(scene.send("GET /api/v1/status HTTP/1.1\r\nHost: localhost:1\r\nConnection: close\r\n\r\n").status, 200);
}

#[test]
fn what_is_too_big_or_changes_something_is_refused() {
    let scene = Scene::broken(Some(TOKEN));
    let kind = "Content-Type: application/x-www-form-urlencoded";
    let big = format!(
        "POST /login HTTP/1.1\r\nHost: x\r\n{kind}\r\nContent-Length: 1000000\r\nConnection: close\r\n\r\n{}",
        "x".repeat(100_000)
    );
    assert_eq!(scene.send(&big).status, 413);
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(100_000));
    assert!(matches!(scene.send(&long).status, 414 | 431));
    let fields = "A: b\r\n".repeat(100);
    assert_eq!(scene.send(&format!("GET / HTTP/1.1\r\nHost: x\r\n{fields}\r\n")).status, 431);
    let open = Scene::broken(None);
    for method in ["POST", "PUT", "DELETE"] {
        let host = open.address();
        let changed = open.send(&format!(
            "{method} /api/v1/incidents/1 HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ));
        assert_eq!(changed.status, 405, "{method}");
    }
    assert_eq!(open.get("/nothing").status, 404);
    for number in ["0", "2", "-1", "x", "99999999999999999999999"] {
        assert_eq!(open.get(&format!("/incidents/{number}")).status, 404, "{number}");
    }
}

#[test]
fn every_answer_keeps_itself_where_it_belongs() {
    let scene = Scene::broken(None);
    for path in EVERYTHING.into_iter().filter(|path| *path != "/events").chain(["/nothing", "/healthz"]) {
        let answer = scene.get(path);
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        let told =
            ["x-content-type-options", "x-frame-options", "referrer-policy", "cache-control"].map(|name| answer.header(name));
        assert_eq!(told, ["nosniff", "DENY", "no-referrer", "no-store"], "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
}

// Why: a client which opens a connection and sends what it has to say byte by byte must not hold a place for ever.
#[test]
fn a_client_which_does_not_finish_in_time_is_cut_off() {
    let scene = Scene::new(Some(TOKEN));
    let begin = |said: &str| {
        let mut slow = TcpStream::connect(scene.address()).unwrap();
        slow.write_all(said.as_bytes()).unwrap();
        slow
    };
    let mut head = begin("GET / HTTP/1.1\r\nHost: loc");
    let form = "POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 50\r\nConnection: close\r\n\r\ntoken=";
    let mut form = begin(form);
    let mut said = String::new();
    head.read_to_string(&mut said).unwrap();
    assert!(!said.contains("200 OK"), "{said}");
    form.read_to_string(&mut said).unwrap();
    assert!(said.contains("408 Request Timeout"), "{said}");
}

#[test]
fn more_connections_than_there_are_places_for_are_closed_and_later_ones_are_not() {
    let scene = Scene::broken(None);
    let mut all: Vec<TcpStream> = (0..128).map(|_| TcpStream::connect(scene.address()).unwrap()).collect();
    let mut one_more = TcpStream::connect(scene.address()).unwrap();
    assert_eq!(one_more.read(&mut [0; 1]).unwrap_or(0), 0, "closed without a word");
    // One which goes makes room, when the server has noticed.
    drop(all.pop());
    let answered = (0..1_000).any(|_| scene.get("/healthz").status != 0);
    assert!(answered);
}
