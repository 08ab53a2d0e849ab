//! Answers of a server on the loopback, honest and otherwise.

use super::*;
use hickory_proto::op::{MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, NS};
use hickory_proto::rr::{RData, Record};
use tokio::net::TcpListener;

const SHORT: Duration = Duration::from_millis(200);

/// The answer to a question, with these records.
fn answer(question: &[u8], records: &[RData]) -> Message {
    let asked = Message::from_vec(question).unwrap();
    let mut answer = Message::new(asked.metadata.id, MessageType::Response, asked.metadata.op_code);
    let name = asked.queries[0].name().clone();
    answer.add_query(asked.queries[0].clone());
    records.iter().for_each(|data| {
        answer.add_answer(Record::from_rdata(name.clone(), 60, data.clone()));
    });
    answer
}

/// A server which answers each question over UDP with these messages.
async fn server(reply: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = vec![0; 4_096];
        while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
            for message in reply(&buffer[..length]) {
                socket.send_to(&message, client).await.unwrap();
            }
        }
    });
    address
}

fn address(text: &str) -> RData {
    RData::A(A(text.parse().unwrap()))
}

#[tokio::test]
async fn a_question_is_answered() {
    let at = server(|question| vec![answer(question, &[address("192.0.2.80"), address("192.0.2.81")]).to_vec().unwrap()]).await;
    let found = look_up(at, "WWW.Example.com.", Asked::A, PATIENCE).await.unwrap();
    assert_eq!(found.kind, DnsKind::Answered);
    let data: Vec<&str> = found.answers.iter().map(|answer| &*answer.data).collect();
    assert_eq!(data, ["192.0.2.80", "192.0.2.81"]);
}

#[tokio::test]
async fn errors_of_the_server_are_answers_too() {
    let at = server(|question| {
        let mut answer = answer(question, &[]);
        answer.metadata.response_code = ResponseCode::NXDomain;
        vec![answer.to_vec().unwrap()]
    })
    .await;
    assert_eq!(look_up(at, "nobody.example", Asked::Aaaa, PATIENCE).await.unwrap().kind, DnsKind::NxDomain);
}

// Why: whoever guesses the port could send an answer of his own.
#[tokio::test]
async fn what_does_not_fit_the_question_is_let_pass() {
    let at = server(|question| {
        let mut other_id = answer(question, &[address("203.0.113.1")]);
        other_id.metadata.id ^= 1;
        let mut other_name = answer(question, &[address("203.0.113.2")]);
        other_name.queries[0] = Query::query(Name::from_ascii("other.example.").unwrap(), RecordType::A);
        let messages = [other_id, other_name, answer(question, &[address("192.0.2.80")])];
        let echo = question.to_vec();
        std::iter::once(echo).chain(messages.into_iter().map(|message| message.to_vec().unwrap())).chain([b"?".to_vec()]).collect()
    })
    .await;
    let found = look_up(at, "www.example.com", Asked::A, PATIENCE).await.unwrap();
    assert_eq!(&*found.answers[0].data, "192.0.2.80");
}

#[tokio::test]
async fn an_answer_which_did_not_fit_comes_over_tcp() {
    // Both are needed on one port.
    let (listener, socket) = loop {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        if let Ok(socket) = UdpSocket::bind(listener.local_addr().unwrap()).await {
            break (listener, socket);
        }
    };
    let at = listener.local_addr().unwrap();
    let names: Vec<RData> = (0..40).map(|n| RData::NS(NS(Name::from_ascii(format!("ns{n}.example.com.")).unwrap()))).collect();
    tokio::spawn(async move {
        let mut buffer = vec![0; 4_096];
        let (length, client) = socket.recv_from(&mut buffer).await.unwrap();
        let mut cut = answer(&buffer[..length], &[]);
        cut.metadata.truncation = true;
        socket.send_to(&cut.to_vec().unwrap(), client).await.unwrap();
    });
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut question = vec![0; usize::from(stream.read_u16().await.unwrap())];
        stream.read_exact(&mut question).await.unwrap();
        let whole = answer(&question, &names).to_vec().unwrap();
        stream.write_u16(u16::try_from(whole.len()).unwrap()).await.unwrap();
        stream.write_all(&whole).await.unwrap();
    });
    let found = look_up(at, "example.com", Asked::Ns, PATIENCE).await.unwrap();
    assert_eq!((found.kind, found.answers.len(), &*found.answers[39].data), (DnsKind::Answered, 40, "ns39.example.com"));
}

#[tokio::test]
async fn a_question_which_got_lost_is_asked_again() {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let at = server(move |question| {
        let first = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        if first { Vec::new() } else { vec![answer(question, &[address("192.0.2.80")]).to_vec().unwrap()] }
    })
    .await;
    assert_eq!(look_up(at, "www.example.com", Asked::A, SHORT).await.unwrap().answers.len(), 1);
    let mute = server(|_| Vec::new()).await;
    assert!(matches!(look_up(mute, "www.example.com", Asked::A, SHORT).await, Err(LookupError::Silent { .. })));
}

#[test]
fn the_first_resolver_of_the_system_is_asked() {
    let text = "# made by hand\nsearch example.com\nnameserver fe80::1%eth0\nnameserver 2001:db8::53\nnameserver 192.0.2.53\n";
    assert_eq!(first_resolver(text), Some("2001:db8::53".parse().unwrap()));
    assert_eq!(first_resolver("options edns0\n"), None);
}
