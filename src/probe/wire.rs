//! DNS messages as recorded from the wire: what was asked, and what the response says.
//!
//! Takes the bytes of one message, gives its question, flags, response code, answers and extended error. Damage behind the answer
//! section costs nothing but the extended error; damage in it is told, and the header stays valid.

use super::DnsAnswer;
use super::dns;
use super::intake::Names;
use hickory_proto::op::{Edns, Header, Message};
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::rdata::opt::EdnsCode;
use hickory_proto::rr::{Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, BinEncodable};
use std::fmt::Write;

/// EDNS option code of an extended DNS error (RFC 8914 §2).
const EXTENDED_ERROR: u16 = 15;

/// What a message says.
#[derive(Debug)]
pub(super) struct DnsMessage {
    /// Name and type asked for; `None` if the question section is empty.
    pub question: Option<(String, String)>,
    /// RD: the client asked for recursion (RFC 1035 §4.1.1).
    pub recursion_desired: bool,
    /// RA: the server offers it.
    pub recursion_available: bool,
    /// AA: the server is an authority for the name.
    pub authoritative: bool,
    /// The response code, with its upper bits from EDNS (RFC 6891 §6.1.3).
    pub code: u16,
    /// The answer section, as far as it could be read.
    pub answers: Vec<DnsAnswer>,
    /// True if the answer section could not be read to its end, though the message was not truncated on purpose.
    pub damaged: bool,
    /// Info-code of the first extended error (RFC 8914).
    pub extended_error: Option<u16>,
}

/// Reads a message; `None` if not even its header and question can be read.
pub(super) fn decode(bytes: &[u8], names: &mut Names) -> Option<DnsMessage> {
    let mut decoder = BinDecoder::new(bytes);
    let header = Header::read(&mut decoder).ok()?;
    let queries = Message::read_queries(&mut decoder, usize::from(header.counts.queries)).ok()?;
    let question = queries.first().map(|query| (owner(query.name()), type_name(query.query_type())));
    let mut answers = Vec::new();
    let mut whole = true;
    for _ in 0..header.counts.answers {
        let answer = Record::read(&mut decoder).ok().and_then(|record| answer(&record, names));
        whole &= answer.is_some();
        match answer {
            Some(answer) => answers.push(answer),
            None => break,
        }
    }
    let edns = if whole { edns(&mut decoder, &header) } else { None };
    let high = edns.as_ref().map_or(0, |edns| u16::from(edns.rcode_high()) << 4);
    Some(DnsMessage {
        question,
        recursion_desired: header.metadata.recursion_desired,
        recursion_available: header.metadata.recursion_available,
        authoritative: header.metadata.authoritative,
        code: high | u16::from(header.metadata.response_code.low()),
        answers,
        damaged: !whole && !header.metadata.truncation,
        extended_error: edns.as_ref().and_then(extended_error),
    })
}

fn edns(decoder: &mut BinDecoder<'_>, header: &Header) -> Option<Edns> {
    let operation = header.metadata.op_code;
    Message::read_records(decoder, usize::from(header.counts.authorities), false, operation).ok()?;
    let (_, edns, _) = Message::read_records(decoder, usize::from(header.counts.additionals), true, operation).ok()?;
    edns
}

fn extended_error(edns: &Edns) -> Option<u16> {
    let bytes: Vec<u8> = edns.option(EdnsCode::Unknown(EXTENDED_ERROR))?.try_into().ok()?;
    Some(u16::from_be_bytes([*bytes.first()?, *bytes.get(1)?]))
}

fn answer(record: &Record, names: &mut Names) -> Option<DnsAnswer> {
    let kind = type_name(record.record_type());
    dns::answer(names, &owner(&record.name), &kind, record.ttl, &data(&record.data)).ok()
}

fn owner(name: &Name) -> String {
    dns::host(&name.to_ascii())
}

fn type_name(record_type: RecordType) -> String {
    if let RecordType::Unknown(code) = record_type {
        return format!("TYPE{code}");
    }
    record_type.to_string()
}

/// Presentation form; of types without one here, that of unknown types (RFC 3597 §5).
fn data(data: &RData) -> String {
    if let RData::TXT(text) = data {
        quoted(text)
    } else if let RData::Unknown { rdata, .. } = data {
        hexadecimal(&rdata.to_bytes().unwrap_or_default())
    } else if matches!(data, RData::OPT(_)) {
        // It has no form, and in an answer section no meaning.
        String::new()
    } else {
        data.to_string()
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = format!("\\# {} ", bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text.trim_end().to_owned()
}

/// Character strings as master files write them (RFC 1035 §5.1).
fn quoted(text: &TXT) -> String {
    let mut written = String::new();
    for part in &text.txt_data {
        let space = if written.is_empty() { "\"" } else { " \"" };
        written.push_str(space);
        for byte in part.iter() {
            match byte {
                b'"' | b'\\' => written.extend(['\\', char::from(*byte)]),
                0x20..=0x7e => written.push(char::from(*byte)),
                other => drop(write!(written, "\\{other:03}")),
            }
        }
        written.push('"');
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `example.com A`, SERVFAIL, OPT with the options given.
    fn servfail(options: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x12, 0x34, 0x81, 0x82, 0, 1, 0, 0, 0, 0, 0, 1];
        bytes.extend(b"\x07example\x03com\x00\x00\x01\x00\x01");
        bytes.extend([0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, u8::try_from(options.len()).unwrap()]);
        bytes.extend(options);
        bytes
    }

    #[test]
    fn no_reachable_authority_is_read_from_the_option() {
        let message = decode(&servfail(&[0, 15, 0, 5, 0, 22, b'n', b'r', b'a']), &mut Names::default()).unwrap();
        assert_eq!(message.question, Some(("example.com".to_owned(), "A".to_owned())));
        assert_eq!((message.code, message.extended_error), (2, Some(22)));
        assert!(message.recursion_desired && message.recursion_available && !message.authoritative && !message.damaged);
    }

    #[test]
    fn every_cut_gives_a_header_or_nothing_and_never_a_panic() {
        let whole = servfail(&[0, 15, 0, 2, 0, 6]);
        for cut in 0..whole.len() {
            let message = decode(&whole[..cut], &mut Names::default());
            assert_eq!(message.is_some(), cut >= 29, "cut at {cut}");
            if let Some(message) = message {
                assert_eq!((message.code, message.extended_error), (2, None), "the extended error is behind the cut");
            }
        }
    }

    #[test]
    fn an_answer_cut_short_is_damage_unless_the_server_truncated_it() {
        let mut bytes = vec![0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
        bytes.extend(b"\x07example\x03com\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02");
        assert!(decode(&bytes, &mut Names::default()).unwrap().damaged);
        bytes[2] |= 0x02;
        assert!(!decode(&bytes, &mut Names::default()).unwrap().damaged);
        bytes.push(1);
        let message = decode(&bytes, &mut Names::default()).unwrap();
        assert_eq!(&*message.answers[0].data, "192.0.2.1");
    }
}
