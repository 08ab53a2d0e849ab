//! What was typed of `faultline watch` where several watch together: a bus, and every origin in shares.

use crate::scope::Share;
use crate::time::Span;
use clap::{Args, ValueHint};
use std::path::PathBuf;

/// How a watch is one of several.
#[derive(Debug, Args)]
pub struct Sharing {
    /// Put everything that the stream says onto a bus, a stream of NATS JetStream, from which others watch: nats://HOST:4222/NAME. Without a profile nothing else
    /// is done
    #[arg(long, value_name = "URL", conflicts_with_all = ["test_alert", "bmp_only"])]
    pub publish: Option<String>,
    /// Into how many shares the bus is dealt out, if it is not there yet [default: 16]
    #[arg(long, value_name = "COUNT", requires = "publish", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub shares: Option<u32>,
    /// How long what is said stands on the bus, if it is not there yet: whoever begins anew with a table dump needs all since then
    #[arg(long, value_name = "DURATION", requires = "publish", default_value = "9h")]
    pub kept_for: Span,
    /// Watch every origin AS instead of one organization: a line as soon as an outage begins, changes or ends
    #[arg(
        long,
        conflicts_with_all = ["profile", "test_alert", "journal", "dashboard", "bmp", "bmp_only", "record", "no_probes"]
    )]
    pub all_origins: bool,
    /// Of all prefixes only this share, the first of four as 1/4; others watch the others
    #[arg(long, value_name = "NUMBER/COUNT", requires = "all_origins", conflicts_with = "profile", value_parser = share)]
    pub share: Option<Share>,
    /// Write outages to this file too, a line of JSON each; one which stands there is not told again when it is found again after a restart
    #[arg(long, value_name = "FILE", requires = "all_origins", conflicts_with = "profile", value_hint = ValueHint::FilePath)]
    pub outages: Option<PathBuf>,
}

/// `1/4`: the first of four.
fn share(text: &str) -> Result<Share, String> {
    let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse::<u32>().ok()?, of.parse::<u32>().ok()?)));
    let share = numbers.and_then(|(number, of)| Share::new(number.checked_sub(1)?, of));
    share.ok_or_else(|| "write it as 1/4, the first of four, up to 4/4".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::Parser;

    #[test]
    fn what_a_profile_would_leave_out_is_refused_beside_one() {
        let typed = |more: &[&str]| {
            let words = [&["faultline", "watch"], more].concat();
            Cli::try_parse_from(words).map(|_| ()).map_err(|error| error.kind())
        };
        for ignored in [["--share", "1/2"], ["--outages", "o.jsonl"]] {
            let refused = typed(&[&["org.toml"], &ignored[..]].concat());
            assert_eq!(refused, Err(clap::error::ErrorKind::ArgumentConflict), "{ignored:?}");
            assert_eq!(typed(&[&["--all-origins"], &ignored[..]].concat()), Ok(()), "{ignored:?}");
        }
    }

    #[test]
    fn shares_are_counted_from_one() {
        assert_eq!(share("1/4"), Ok(Share::new(0, 4).unwrap()));
        assert_eq!(share("4/4"), Ok(Share::new(3, 4).unwrap()));
        for wrong in ["0/4", "5/4", "1/0", "1", "", "a/b", "-1/4", "1/4/2"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}
