//! The scan held against the full decoder, for tests and for fuzzing (`tests/fuzz`).

use super::*;
use std::fmt::{Arguments, Write};
use std::path::PathBuf;

/// What the scan makes of some bytes and the full decoder does not, or the other way round; `None` if they agree.
pub fn disagreement(bytes: &[u8], interest: &Interest) -> Option<String> {
    let (scanned, decoded) = (reading(bytes, interest, true), reading(bytes, interest, false));
    let same = scanned.lines().zip(decoded.lines()).take_while(|(a, b)| a == b).count();
    let from = |text: &str| text.lines().skip(same.saturating_sub(2)).take(10).collect::<Vec<_>>().join("\n");
    (scanned != decoded).then(|| format!("scan:\n{}\nfull decoder:\n{}", from(&scanned), from(&decoded)))
}

/// Everything a reader made of some bytes, as text a difference can be seen in.
fn reading(bytes: &[u8], interest: &Interest, scans: bool) -> String {
    let mut frames = Frames::whole(bytes.to_vec());
    if !scans {
        frames = frames.without_scan();
    }
    let mut text = String::new();
    if !frames.is_mrt() {
        return text;
    }
    let mut account = FileAccount::new(PathBuf::new(), String::new(), 0);
    let (mut vantages, mut sessions, mut out) = (Vantages::default(), Sessions::default(), VecDeque::new());
    let (spare, mut routes) = (&mut None, Routes::default());
    let collector = vantages.collector("c");
    let mut reader = MrtReader::new(frames, None, interest, &mut account);
    while reader.next_time().is_some() {
        let (sessions, account) = (&mut sessions, &mut account);
        let mut ctx = Context {
            vantages: &mut vantages,
            collector,
            sessions,
            interest,
            account,
            file: FileId(0),
            repeated: None,
            routes: &mut routes,
            out: &mut out,
            spare,
            tap: None,
            bytes: None,
        };
        // The scan as far as messages can be told together, the full decoder record by record.
        reader.read(if scans { Timestamp::MAX } else { Timestamp::MIN }, &mut ctx);
        for observation in out.drain(..) {
            match &observation.what {
                Statement::Other(others) => others.iter().for_each(|other| line(&mut text, format_args!("{other:?}"))),
                _ => line(&mut text, format_args!("{observation:?}")),
            }
        }
    }
    line(&mut text, format_args!("{account:#?} {:?} {:?}", reader.tail_lost(), vantages.iter().collect::<Vec<_>>()));
    text
}

fn line(text: &mut String, line: Arguments<'_>) {
    // Writing into a string does not fail.
    let _ = writeln!(text, "{line}");
}
