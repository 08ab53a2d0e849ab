//! Servers which say what a test wants them to, on a port of their own.

use hickory_proto::op::{Edns, Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::rdata::{A, AAAA, CNAME, NS};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use hyper::body::{Body, Frame};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_rustls::TlsAcceptor;

/// What a server sends for a query, each piece a datagram or, on a stream, a message.
pub type Says = fn(&Message) -> Vec<Vec<u8>>;

/// Answers datagrams at this address, or a port of its own.
pub async fn udp(address: SocketAddr, says: Says) -> SocketAddr {
    let socket = UdpSocket::bind(address).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut bytes = [0; 4096];
        loop {
            let Ok((length, from)) = socket.recv_from(&mut bytes).await else { continue };
            for piece in says(&Message::from_vec(&bytes[..length]).unwrap()) {
                socket.send_to(&piece, from).await.unwrap();
            }
        }
    });
    address
}

pub fn anywhere() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

pub async fn listener(address: SocketAddr) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Answers over TCP, or TLS.
pub async fn tcp(listener: TcpListener, tls: Option<Arc<ServerConfig>>, says: Says) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        match &tls {
            None => messages(stream, says).await,
            Some(tls) => {
                if let Ok(stream) = TlsAcceptor::from(Arc::clone(tls)).accept(stream).await {
                    messages(stream, says).await;
                }
            }
        }
    }
}

async fn messages(mut stream: impl AsyncRead + AsyncWrite + Unpin, says: Says) {
    while let Ok(length) = stream.read_u16().await {
        let mut bytes = vec![0; usize::from(length)];
        stream.read_exact(&mut bytes).await.unwrap();
        for piece in says(&Message::from_vec(&bytes).unwrap()) {
            // A piece which begins with this is sent without its length.
            if let Some(raw) = piece.strip_prefix(RAW) {
                stream.write_all(raw).await.unwrap();
                return;
            }
            stream.write_u16(piece.len() as u16).await.unwrap();
            stream.write_all(&piece).await.unwrap();
        }
    }
}

pub const RAW: &[u8] = b"raw:";

/// What the names say. `chain` is an alias of `end`, which has an address.
pub fn zone(query: &Message) -> Vec<Vec<u8>> {
    let mut response = query.clone();
    response.metadata.message_type = MessageType::Response;
    response.metadata.authoritative = true;
    let name = query.queries[0].name().clone();
    let first = name.iter().next().map(|label| String::from_utf8_lossy(label).to_lowercase()).unwrap_or_default();
    let mut add = |owner: &Name, data| {
        response.add_answer(Record::from_rdata(owner.clone(), 300, data));
    };
    match (first.as_str(), query.queries[0].query_type()) {
        ("www" | "end" | "big", RecordType::A) => add(&name, RData::A(A::new(127, 0, 0, 1))),
        ("www", RecordType::AAAA) => add(&name, RData::AAAA(AAAA::new(0, 0, 0, 0, 0, 0, 0, 1))),
        ("chain", RecordType::A) => {
            let end = Name::from_str("End.Example.").unwrap();
            add(&name, RData::CNAME(CNAME(end.clone())));
            add(&end, RData::A(A::new(192, 0, 2, 1)));
        }
        ("example", RecordType::NS) => add(&name, RData::NS(NS(Name::from_str("A.NS.example.").unwrap()))),
        ("nx", _) => response.metadata.response_code = ResponseCode::NXDomain,
        ("refused", _) => response.metadata.response_code = ResponseCode::Refused,
        ("notimp", _) => response.metadata.response_code = ResponseCode::NotImp,
        ("servfail", _) => {
            response.metadata.response_code = ResponseCode::ServFail;
            let mut edns = Edns::new();
            edns.options_mut().insert(EdnsOption::Unknown(15, vec![0, 22, b'x']));
            response.set_edns(edns);
        }
        // Who does not know EDNS.
        ("old", _) if query.edns.is_some() => response.metadata.response_code = ResponseCode::FormErr,
        ("old", RecordType::A) => {
            response.edns = None;
            response.add_answer(Record::from_rdata(name, 300, RData::A(A::new(192, 0, 2, 9))));
        }
        ("silent", _) => return Vec::new(),
        ("garbage", _) => return vec![b"\x00\x01no message".to_vec()],
        ("forged", _) => {
            // Another number, another question, a query: then the right one.
            let mut number = response.clone();
            number.metadata.id ^= 1;
            let mut question = response.clone();
            question.queries[0].set_name(Name::from_str("other.example.").unwrap());
            response.add_answer(Record::from_rdata(name, 300, RData::A(A::new(192, 0, 2, 3))));
            return [number, question, query.clone(), response].iter().map(|message| message.to_vec().unwrap()).collect();
        }
        ("wrong", _) => response.metadata.id ^= 1,
        ("cut", _) => {
            response.add_answer(Record::from_rdata(name, 300, RData::A(A::new(192, 0, 2, 3))));
            let bytes = response.to_vec().unwrap();
            return vec![bytes[..bytes.len() - 14].to_vec()];
        }
        _ => {}
    }
    vec![response.to_vec().unwrap()]
}

/// As `zone`, but with room for nothing in a datagram.
pub fn truncated(query: &Message) -> Vec<Vec<u8>> {
    let mut response = query.truncate();
    response.metadata.message_type = MessageType::Response;
    vec![response.to_vec().unwrap()]
}

/// A server which sends these bytes after a request's head, and then closes the connection or, if `open`, keeps it.
pub async fn http(
    tls: Option<Arc<ServerConfig>>,
    response: Vec<u8>,
    open: bool,
) -> (SocketAddr, tokio::sync::mpsc::Receiver<String>) {
    let (listener, address) = listener(anywhere()).await;
    let (sender, requests) = tokio::sync::mpsc::channel(8);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (response, sender) = (response.clone(), sender.clone());
            match &tls {
                None => drop(tokio::spawn(exchange(stream, response, open, sender))),
                Some(tls) => {
                    if let Ok(stream) = TlsAcceptor::from(Arc::clone(tls)).accept(stream).await {
                        tokio::spawn(exchange(stream, response, open, sender));
                    }
                }
            }
        }
    });
    (address, requests)
}

async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    response: Vec<u8>,
    open: bool,
    requests: tokio::sync::mpsc::Sender<String>,
) {
    let request = head(&mut stream).await;
    let _ = requests.send(String::from_utf8_lossy(&request).into_owned()).await;
    // The client may have had enough before the end.
    let _ = stream.write_all(&response).await;
    let _ = stream.flush().await;
    if open {
        let _ = stream.read_u8().await;
    }
    let _ = stream.shutdown().await;
}

/// Everything up to the empty line.
pub async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => break,
        }
    }
    request
}

/// DNS over HTTPS at `/dns-query`, or whatever else it says.
pub async fn doh(listener: TcpListener, tls: Arc<ServerConfig>, status: &'static str, kind: &'static str, says: Says) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(mut stream) = TlsAcceptor::from(Arc::clone(&tls)).accept(stream).await else { continue };
        let request = String::from_utf8(head(&mut stream).await).unwrap().to_lowercase();
        assert!(request.starts_with("post /dns-query http/1.1\r\n"), "{request}");
        assert!(request.contains("content-type: application/dns-message\r\n"), "{request}");
        let length = request.split("content-length: ").nth(1).unwrap().split('\r').next().unwrap().parse().unwrap();
        let mut query = vec![0; length];
        stream.read_exact(&mut query).await.unwrap();
        let body = says(&Message::from_vec(&query).unwrap()).concat();
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
        let _ = stream.shutdown().await;
    }
}

/// The same over HTTP/2, which real resolvers speak.
pub async fn doh2(listener: TcpListener, tls: Arc<ServerConfig>, says: Says) {
    let mut tls = (*tls).clone();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let stream = acceptor.accept(stream).await.unwrap();
        let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| async move {
            assert_eq!((request.method(), request.uri().path()), (&hyper::Method::POST, "/dns-query"));
            let (mut body, mut query) = (request.into_body(), Vec::new());
            while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
                query.extend_from_slice(&frame.unwrap().into_data().unwrap_or_default());
            }
            let answer = says(&Message::from_vec(&query).unwrap()).concat();
            hyper::Response::builder().header("content-type", "application/dns-message").body(Whole(Some(answer.into())))
        });
        let served = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        // The client goes as soon as it has its answer.
        let _ = served.serve_connection(TokioIo::new(stream), service).await;
    }
}

/// A body in one piece.
struct Whole(Option<hyper::body::Bytes>);

impl Body for Whole {
    type Data = hyper::body::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// An address at which nobody listens.
pub async fn nobody() -> SocketAddr {
    listener(anywhere()).await.1
}

/// Takes connections and says nothing.
pub async fn mute() -> SocketAddr {
    let (listener, address) = listener(anywhere()).await;
    tokio::spawn(async move {
        let mut kept: Vec<TcpStream> = Vec::new();
        loop {
            kept.push(listener.accept().await.unwrap().0);
        }
    });
    address
}
