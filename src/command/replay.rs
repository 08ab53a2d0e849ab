//! `faultline replay`: archives as a stream of RIS Live.

use crate::analysis::Outcome;
use crate::cli::Replay as Typed;
use crate::replay::{Replay, Speed};
use crate::source::ris_live::Shown;
use crate::source::{InputSpec, discover};
use crate::time::Span;
use miette::IntoDiagnostic;
use std::io::{BufWriter, ErrorKind, Write};
use std::time::Duration;

/// Runs it.
///
/// # Errors
/// If none of the archives could be read, or what was asked for cannot be done here.
pub fn run(typed: &Typed) -> miette::Result<Outcome> {
    let specs: Vec<InputSpec> = super::analyze::specs(&typed.archives, &typed.collectors)?;
    let replay = Replay::open(discover(&specs).into_diagnostic()?, 1).into_diagnostic()?;
    match &typed.listen {
        Some(address) => serve(replay, address, typed.speed)?,
        None => print(replay, typed.speed, typed.raw)?,
    }
    Ok(Outcome::NoIncident)
}

/// Prints frames, one a line, each when it is due.
fn print(replay: Replay, speed: Speed, raw: bool) -> miette::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let (mut first, mut passed) = (None, Span::ZERO);
    for shown in replay {
        let first = *first.get_or_insert(shown.at);
        if let Some(due) = speed.due(shown.at.since(first))
            && due > passed
        {
            unless_gone(out.flush())?;
            std::thread::park_timeout(Duration::from_micros(due.micros().abs_diff(passed.micros())));
            passed = due;
        }
        if !unless_gone(write_line(&mut out, &shown, raw))? {
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
fn serve(_: Replay, _: &str, _: Speed) -> miette::Result<()> {
    Err(super::without_live())
}

#[cfg(feature = "live")]
fn serve(replay: Replay, address: &str, speed: Speed) -> miette::Result<()> {
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
        let served = crate::replay::server::serve(listener, messages, speed).await.into_diagnostic()?;
        super::tell(&format!("{} messages were replayed; {} clients were too slow", served.messages, served.too_slow));
        Ok(())
    })
}
