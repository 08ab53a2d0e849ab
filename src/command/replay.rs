//! `faultline replay`: archives as a stream of RIS Live.

use crate::analysis::Outcome;
use crate::cli::Replay as Typed;
use crate::replay::{Replay, Speed};
use crate::source::ris_live::Shown;
use crate::source::{InputSpec, discover};
use crate::time::{Span, Timestamp};
use miette::IntoDiagnostic;
use std::io::{BufWriter, ErrorKind, Write};
use std::time::Duration;

/// Runs it.
///
/// # Errors
/// If none of the archives could be read, or what was asked for cannot be done here.
pub fn run(typed: &Typed, now: Timestamp) -> miette::Result<Outcome> {
    let specs: Vec<InputSpec> = super::analyze::specs(&typed.archives, &typed.collectors)?;
    if typed.as_now && typed.speed == Speed::Unlimited {
        let help = "leave --as-now out, or name a speed such as 1x";
        return Err(miette::miette!(help = help, "what is passed on as fast as can be is not due at any time"));
    }
    let replay = Replay::open(discover(&specs).into_diagnostic()?, 1).into_diagnostic()?;
    match &typed.listen {
        Some(address) => serve(replay, address, typed)?,
        None => print(replay, typed, now)?,
    }
    Ok(Outcome::NoIncident)
}

/// Prints frames, one a line, each when it is due.
fn print(replay: Replay, typed: &Typed, begun: Timestamp) -> miette::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let (mut first, mut passed) = (None, Span::ZERO);
    for mut shown in replay {
        let first = *first.get_or_insert(shown.at);
        if let Some(due) = typed.speed.due(shown.at.since(first).max(Span::ZERO)) {
            if due > passed {
                unless_gone(out.flush())?;
                std::thread::park_timeout(Duration::from_micros(due.micros().abs_diff(passed.micros())));
                passed = due;
            }
            if typed.as_now {
                shown.tell_as_of(begun + due);
            }
        }
        if !unless_gone(write_line(&mut out, &shown, typed.raw))? {
            return Ok(());
        }
    }
    unless_gone(out.flush()).map(|_| ())
}

fn write_line(out: &mut impl Write, shown: &Shown, raw: bool) -> std::io::Result<()> {
    writeln!(out, "{}", shown.to_frame(raw)?)
}

/// False if the reader has gone: that is no error.
fn unless_gone(written: std::io::Result<()>) -> miette::Result<bool> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(miette::miette!("standard output could not be written: {error}")),
    }
}

#[cfg(not(feature = "live"))]
fn serve(_: Replay, _: &str, _: &Typed) -> miette::Result<()> {
    Err(super::without_live())
}

#[cfg(feature = "live")]
fn serve(replay: Replay, address: &str, typed: &Typed) -> miette::Result<()> {
    use miette::WrapErr;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.into_diagnostic().wrap_err_with(|| {
            format!("`{address}` cannot be listened on; name an address and a free port, such as 127.0.0.1:8080")
        })?;
        let bound = listener.local_addr().into_diagnostic()?;
        super::tell(&format!("listening on ws://{bound}/v1/ws/; the stream begins with the first subscription"));
        let (sender, messages) = tokio::sync::mpsc::channel(4_096);
        std::thread::spawn(move || {
            // Nobody is left to take them once serving has ended.
            for shown in replay {
                if sender.blocking_send(shown).is_err() {
                    break;
                }
            }
        });
        let clock = typed.as_now.then_some(crate::watch::run::system as fn() -> Timestamp);
        let served = crate::replay::server::serve(listener, messages, typed.speed, clock).await.into_diagnostic()?;
        super::tell(&format!("{} messages were replayed; {} clients were too slow", served.messages, served.too_slow));
        Ok(())
    })
}
