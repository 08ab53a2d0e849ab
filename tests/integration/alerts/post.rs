//! A webhook on the loopback, which checks signatures and remembers what it took.

use faultline::alert::Notice;
use faultline::alert::sink::post::signature;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What it answers.
#[derive(Clone, Copy, PartialEq)]
pub enum Answer {
    /// 200.
    Taken,
    /// 503.
    Unavailable,
}

/// A server; it ends with the test.
pub struct Hook {
    /// Where it is.
    pub address: String,
    taken: Arc<Mutex<Vec<(String, Notice)>>>,
}

impl Hook {
    /// Begins to serve; `answer` is asked with the number of the request, from 0.
    pub fn begin(answer: impl Fn(usize) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&taken);
        std::thread::spawn(move || {
            let mut count = 0;
            for stream in listener.incoming() {
                serve(stream.unwrap(), &kept, || {
                    count += 1;
                    answer(count - 1)
                });
            }
        });
        Hook { address, taken }
    }

    /// What it took so far, with the key of the header.
    pub fn taken(&self) -> Vec<(String, Notice)> {
        self.taken.lock().unwrap().clone()
    }
}

/// One connection, which may be gone at any moment.
fn serve(stream: TcpStream, taken: &Mutex<Vec<(String, Notice)>>, mut answer: impl FnMut() -> Answer) {
    let mut stream = BufReader::new(stream);
    while let Some((headers, body)) = request(&mut stream) {
        let said = answer();
        let expected = signature(b"s3cret", &headers["x-faultline-timestamp"], &body).unwrap();
        assert_eq!(headers["x-faultline-signature"], expected);
        let notice: Notice = serde_json::from_slice(&body).unwrap();
        let status = match said {
            Answer::Taken => {
                taken.lock().unwrap().push((headers["idempotency-key"].clone(), notice));
                "200 OK"
            }
            Answer::Unavailable => "503 Service Unavailable",
        };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        if stream.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn request(stream: &mut BufReader<TcpStream>) -> Option<(HashMap<String, String>, Vec<u8>)> {
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim().split_once(": ") {
            Some((name, value)) => drop(headers.insert(name.to_lowercase(), value.to_owned())),
            None if line.trim().is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    stream.read_exact(&mut body).ok()?;
    Some((headers, body))
}
