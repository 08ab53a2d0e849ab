//! Progress of long work, on standard error and only where that is a terminal: the one place which draws it.
//!
//! Nothing is drawn during the first [`PATIENCE`], so that short work leaves no trace; what was drawn is wiped when the work is done,
//! before anything else is written.

use crate::source::{ReadSoFar, Reading};
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Work which is done sooner needs no progress.
const PATIENCE: Duration = Duration::from_millis(300);
/// Between two drawings.
const RHYTHM: Duration = Duration::from_millis(125);

/// What is drawn of archives: how much, how fast, and when it will be done.
const ARCHIVES: &str = "{msg} {wide_bar} {decimal_bytes} of {decimal_total_bytes}, {files}, {decimal_bytes_per_sec}{end}";
/// The same of other files.
const BYTES: &str = "{msg} {wide_bar} {decimal_bytes} of {decimal_total_bytes}, {decimal_bytes_per_sec}{end}";

/// Work under way. It is over when this is dropped.
pub struct Progress {
    bar: ProgressBar,
    /// The hand which draws; `None` where nobody looks.
    drawing: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// The reading of archives, which is asked how far it has come whenever that is drawn. `shown`: whether it may be drawn at all.
    pub fn archives(reading: Reading, shown: bool) -> Progress {
        let asked = reading.clone();
        let style = style(ARCHIVES).with_key("files", move |_: &ProgressState, out: &mut dyn Write| {
            let ReadSoFar { files, all_files, .. } = asked.now();
            // A text in memory takes all.
            let _ = write!(out, "{files} of {all_files} files");
        });
        let ask = move |bar: &ProgressBar| at(bar, reading.now().bytes, reading.now().all_bytes);
        Progress::of("BGP archives", style, shown && std::io::stderr().is_terminal(), ask)
    }

    /// Work which is measured in bytes, and says itself how far it has come: see [`Progress::watcher`].
    pub fn bytes(what: &'static str) -> Progress {
        Progress::of(what, style(BYTES), std::io::stderr().is_terminal(), |_| ())
    }

    /// Work of which only what is done is known.
    pub fn working(what: &'static str) -> Progress {
        Progress::of(what, style("{spinner} {msg}"), std::io::stderr().is_terminal(), |_| ())
    }

    fn of(what: &'static str, style: ProgressStyle, seen: bool, ask: impl Fn(&ProgressBar) + Send + 'static) -> Progress {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_message(what).with_style(style);
        let drawing = seen.then(|| {
            let (done, wait) = channel();
            let drawn = bar.clone();
            let hand = std::thread::spawn(move || {
                let mut pause = PATIENCE;
                while wait.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                    ask(&drawn);
                    if pause == PATIENCE {
                        drawn.set_draw_target(ProgressDrawTarget::stderr());
                        pause = RHYTHM;
                    }
                    drawn.tick();
                }
            });
            (done, hand)
        });
        Progress { bar, drawing }
    }

    /// What work calls which goes on elsewhere: so many bytes of so many are done.
    pub fn watcher(&self) -> Arc<dyn Fn(u64, u64) + Send + Sync> {
        let bar = self.bar.clone();
        Arc::new(move |done, all| at(&bar, done, all))
    }

    /// What is done now; there is no telling how far that has come.
    pub fn now(&self, what: &'static str) {
        self.bar.set_message(what);
        self.bar.set_style(style("{spinner} {msg}"));
    }
}

/// A style with the estimated end, once there is a rate to estimate it by.
fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("end", |state: &ProgressState, out: &mut dyn Write| {
        if state.per_sec() > 0.0 {
            let _ = write!(out, ", {:#} left", HumanDuration(state.eta()));
        }
    })
}

fn at(bar: &ProgressBar, done: u64, all: u64) {
    if bar.length() != Some(all) {
        bar.set_length(all);
    }
    bar.set_position(done);
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((done, hand)) = self.drawing.take() {
            drop(done);
            // A hand which stumbled has nothing to tell: the work itself is done.
            let _ = hand.join();
        }
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::TermLike;
    use std::io;
    use std::sync::Mutex;

    /// A terminal of 100 columns which remembers every line drawn.
    #[derive(Debug, Clone, Default)]
    struct Paper(Arc<Mutex<Vec<String>>>);

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            100
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, line: &str) -> io::Result<()> {
            self.write_str(line)
        }
        fn write_str(&self, line: &str) -> io::Result<()> {
            self.0.lock().unwrap().push(line.to_owned());
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The last line which a bar draws when so much is done.
    fn drawn(progress: &Progress, done: u64, all: u64) -> String {
        let paper = Paper::default();
        progress.bar.set_draw_target(ProgressDrawTarget::term_like(Box::new(paper.clone())));
        at(&progress.bar, done, all);
        progress.bar.tick();
        let lines = paper.0.lock().unwrap();
        lines.iter().rfind(|line| !line.trim().is_empty()).cloned().unwrap_or_default()
    }

    #[test]
    fn nobody_draws_where_nobody_looks() {
        let progress = Progress::archives(Reading::default(), false);
        assert!(progress.drawing.is_none() && progress.bar.is_hidden());
    }

    #[test]
    fn work_which_goes_on_elsewhere_moves_the_same_bar() {
        let progress = Progress::bytes("reading");
        progress.watcher()(7, 10);
        assert_eq!((progress.bar.position(), progress.bar.length()), (7, Some(10)));
    }

    #[test]
    fn archives_are_told_by_bytes_and_files_with_rate_and_end() {
        let progress = Progress::archives(Reading::default(), false);
        let before = drawn(&progress, 0, 40_000_000);
        assert!(before.contains("0 B of 40.00 MB, 0 of 0 files, 0 B/s") && !before.contains("left"), "{before}");
        // A rate needs time to pass; a busy loop of the bar's own clock is not slept through.
        while progress.bar.elapsed() < Duration::from_millis(20) {
            std::hint::spin_loop();
        }
        let during = drawn(&progress, 10_000_000, 40_000_000);
        assert!(during.starts_with("BGP archives ") && during.contains(" 10.00 MB of 40.00 MB, 0 of 0 files, "), "{during}");
        let (rate, end) = during.rsplit_once("/s, ").unwrap_or_else(|| panic!("{during}"));
        assert!(rate.contains("B") && end.trim_end().ends_with("left"), "{during}");
        progress.now("judging what was read");
        assert!(drawn(&progress, 10_000_000, 40_000_000).trim_end().ends_with("judging what was read"));
    }
}
