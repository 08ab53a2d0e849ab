//! Takes any bytes as an MRT file, and compares what the relevance scan makes of it with what the full decoder does: the same statements, the
//! same counts and the same damage, whatever is watched.

#![no_main]

use faultline_routing::source::{Interest, WatchedPrefixes, disagreement};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    // A prefix which the first file of the corpus speaks of, one which holds many, and none.
    let interest = match choice % 4 {
        0 => Interest::Everything,
        1 => Interest::Watched(WatchedPrefixes::new(["10.20.0.0/16".parse().expect("a prefix")])),
        2 => Interest::Watched(WatchedPrefixes::new(["0.0.0.0/1".parse().expect("a prefix"), "2000::/3".parse().expect("a prefix")])),
        _ => Interest::Watched(WatchedPrefixes::new([])),
    };
    if let Some(difference) = disagreement(bytes, &interest) {
        panic!("{difference}");
    }
});
