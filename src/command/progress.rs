//! Progress of long work, on standard error and only where that is a terminal: the one place which draws it.
//!
//! Nothing is drawn during the first [`PATIENCE`], so that short work leaves no trace; what was drawn is wiped when the work is done,
//! before anything else is written.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Work which is done sooner needs no progress.
const PATIENCE: Duration = Duration::from_millis(300);
/// Between two drawings.
const RHYTHM: Duration = Duration::from_millis(125);

/// Work under way. It is over when this is dropped.
pub struct Progress {
    bar: ProgressBar,
    /// The hand which draws; `None` where nobody looks.
    drawing: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Work which is measured in bytes.
    pub fn bytes(what: &'static str) -> Progress {
        Progress::of(what, "{msg} {bar:30} {bytes} of {total_bytes}, {eta} left", std::io::stderr().is_terminal())
    }

    /// Work of which only what is done is known.
    pub fn working(what: &'static str) -> Progress {
        Progress::of(what, "{spinner} {msg}", std::io::stderr().is_terminal())
    }

    fn of(what: &'static str, template: &str, seen: bool) -> Progress {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_message(what);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let drawing = seen.then(|| {
            let (done, wait) = channel();
            let drawn = bar.clone();
            let hand = std::thread::spawn(move || {
                let mut pause = PATIENCE;
                while wait.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
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

    /// So many bytes of so many are done.
    pub fn is_at(&self, done: u64, all: u64) {
        at(&self.bar, done, all);
    }

    /// The same for work which goes on elsewhere.
    pub fn watcher(&self) -> Arc<dyn Fn(u64, u64) + Send + Sync> {
        let bar = self.bar.clone();
        Arc::new(move |done, all| at(&bar, done, all))
    }

    /// What is done now.
    pub fn now(&self, what: &'static str) {
        self.bar.set_message(what);
    }
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

    #[test]
    fn nobody_draws_where_nobody_looks() {
        let progress = Progress::of("reading", "{msg}", false);
        progress.is_at(5, 10);
        assert!(progress.drawing.is_none() && progress.bar.is_hidden());
    }

    #[test]
    fn work_which_goes_on_elsewhere_moves_the_same_bar() {
        let progress = Progress::of("reading", "{msg}", false);
        progress.watcher()(7, 10);
        assert_eq!((progress.bar.position(), progress.bar.length()), (7, Some(10)));
    }
}
