//! The program: parses what was typed, runs it, and turns its end into an exit status.

use clap::Parser;
use faultline::cli::Cli;
use faultline::time::Timestamp;
use std::process::ExitCode;

/// Failed: neither "no incident" nor "an incident".
const FAILED: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Without colours of its own an error can be cleaned of what profiles and recordings bring along.
    let _ = miette::set_hook(Box::new(|_| Box::new(miette::MietteHandlerOpts::new().color(false).build())));
    #[allow(clippy::disallowed_methods, reason = "the one clock reading of a report: when it was made")]
    let now = Timestamp::from_micros(jiff::Timestamp::now().as_microsecond());
    match faultline::command::run(cli, now) {
        Ok(outcome) => ExitCode::from(outcome.exit_status()),
        Err(error) => {
            #[allow(clippy::print_stderr, reason = "the one place where errors are shown")]
            {
                eprintln!("{}", faultline::report::plain(&format!("{error:?}")));
            }
            ExitCode::from(FAILED)
        }
    }
}
