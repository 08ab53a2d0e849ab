//! A DNS query as it goes out, and whether a message which came is its answer.

use super::ProberTrouble;
use crate::probe::intake::Names;
use crate::probe::wire::{self, DnsMessage};
use crate::probe::{AskedType, DnsQuestion, DnsServer, dns};
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query as Asked};
use hickory_proto::rr::{Name, RecordType};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// Largest datagram asked for: one which gets through without being cut into fragments (DNS flag day 2020).
const DATAGRAM: u16 = 1232;
/// Bytes of a header (RFC 1035 §4.1.1).
const HEADER: usize = 12;
/// In the third byte of the header: it is a response …
const RESPONSE: u8 = 0x80;
/// … and was truncated.
const TRUNCATED: u8 = 0x02;

/// A query.
#[derive(Debug)]
pub(super) struct Query {
    /// Its bytes, without the length which goes before them on a stream.
    pub(super) bytes: Vec<u8>,
    id: [u8; 2],
    name: Arc<str>,
    record_type: &'static str,
}

/// What a message is to a query.
#[derive(Debug)]
pub(super) enum Came {
    /// Its answer.
    Answer {
        /// What it says.
        message: DnsMessage,
        /// There is more, but not in a datagram.
        truncated: bool,
    },
    /// The answer to another query.
    Other,
    /// No whole DNS message.
    Garbage,
}

impl Query {
    /// With a number which nobody can tell before. `edns` makes room for extended errors (RFC 8914); servers older than RFC 6891 refuse it.
    pub(super) fn new(question: &DnsQuestion, edns: bool) -> Result<Query, ProberTrouble> {
        let impossible = |reason: String| ProberTrouble { doing: "writing a DNS query", reason };
        let name = Name::from_ascii(format!("{}.", question.name)).map_err(|error| impossible(error.to_string()))?;
        let record_type = match question.record_type {
            AskedType::A => RecordType::A,
            AskedType::Aaaa => RecordType::AAAA,
            AskedType::Ns => RecordType::NS,
            AskedType::Soa => RecordType::SOA,
        };
        let [high, low, ..] = RandomState::new().hash_one(()).to_be_bytes();
        let mut message = Message::new(u16::from_be_bytes([high, low]), MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = matches!(question.role, DnsServer::Resolver { .. });
        message.add_query(Asked::query(name, record_type));
        if edns {
            let mut options = Edns::new();
            options.set_max_payload(DATAGRAM).set_version(0);
            message.set_edns(options);
        }
        let bytes = message.to_vec().map_err(|error| impossible(error.to_string()))?;
        let record_type = question.record_type.word();
        Ok(Query { bytes, id: [high, low], name: Arc::clone(&question.name), record_type })
    }

    /// What these bytes are to it.
    pub(super) fn came(&self, bytes: &[u8], names: &mut Names) -> Came {
        let (Some(header), Some(message)) = (bytes.get(..HEADER), wire::decode(bytes, names)) else { return Came::Garbage };
        if header[..2] != self.id {
            return Came::Other;
        }
        // Who does not understand a query may leave the question out of the response.
        let asked = message
            .question
            .as_ref()
            .map_or(message.code != 0, |(name, record_type)| dns::host(name) == *self.name && record_type == self.record_type);
        match (header[2] & RESPONSE != 0 && asked, message.damaged) {
            (false, _) => Came::Other,
            (true, true) => Came::Garbage,
            (true, false) => Came::Answer { message, truncated: header[2] & TRUNCATED != 0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{DnsTransport, NameServer};
    use proptest::prelude::*;

    fn query() -> Query {
        let server = NameServer { address: "127.0.0.1:53".parse().unwrap(), transport: DnsTransport::Udp };
        let role = DnsServer::Authority { address: server.address.ip(), name: None };
        Query::new(&DnsQuestion { server, role, name: "www.example".into(), record_type: AskedType::A }, true).unwrap()
    }

    #[test]
    fn what_goes_out_is_no_answer_to_itself() {
        let query = query();
        assert!(matches!(query.came(&query.bytes, &mut Names::default()), Came::Other));
        assert!(matches!(query.came(&query.bytes[..HEADER - 1], &mut Names::default()), Came::Garbage));
    }

    proptest! {
        /// Whatever a server sends is an answer or none, and never the end of the prober.
        #[test]
        fn any_bytes_are_taken_or_passed_over(flags in any::<[u8; 2]>(), counts in any::<[u8; 8]>(), rest in prop::collection::vec(any::<u8>(), 0..80)) {
            let query = query();
            let bytes = [&query.id[..], &flags[..], &counts[..], &query.bytes[HEADER..], &rest[..]].concat();
            let _ = query.came(&bytes, &mut Names::default());
        }
    }
}
