//! Two programs in turn, on the same input: A B A B …, the ratio taken pair by pair.
//!
//! On a machine which others use too, seconds change from minute to minute; two runs right after each other are slowed alike, so the
//! ratio stays. The first pair fills caches and does not count.

use crate::measure::Run;
use crate::places::Places;
use std::process::Command;

/// A command which is measured.
#[derive(Clone, Debug)]
pub struct Contestant {
    /// How the table calls it.
    pub name: String,
    /// Program and arguments.
    pub command: Vec<String>,
    /// Exit statuses which mean that it did its work.
    pub statuses: Vec<i32>,
    /// True if it prints one line which says what it counted.
    pub tells: bool,
}

/// What is asked of a comparison.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Target {
    /// Faultline takes at most so many times what the other takes.
    AtMost(f64),
    /// The other takes at least so many times what Faultline takes.
    AtLeast(f64),
    /// Nothing; it is only told how many times what Faultline takes the other takes.
    Told,
}

/// What is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Figure {
    /// Processor time, user and system, where both have to stay on one core: work which is shared among threads costs more of it.
    Cpu,
    /// Time from start to end.
    Wall,
}

/// One line of the table, before it was measured.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What is read.
    pub input: String,
    /// Faultline on it.
    pub ours: Contestant,
    /// The other.
    pub theirs: Contestant,
    /// What is compared.
    pub figure: Figure,
    /// What is asked.
    pub target: Target,
    /// The other's figure counts so many times, where it was given so many times less to do.
    pub scale: f64,
    /// Pairs, at most.
    pub most_runs: u32,
}

/// The time until something is printed.
#[derive(Clone, Debug)]
pub struct Start {
    /// What is read.
    pub input: String,
    /// Faultline on it.
    pub ours: Contestant,
}

/// Everything to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// This program, which measures.
    pub places: Places,
    /// The lines of the table.
    pub comparisons: Vec<Comparison>,
    /// Starts.
    pub starts: Vec<Start>,
    /// What is left out, and what to install for it.
    pub skipped: Vec<String>,
}

/// Median, least and most.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spread {
    /// The one in the middle; of an even number the mean of two.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    /// Of these.
    pub fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        let at = |place: usize| figures.get(place).copied().unwrap_or_default();
        let half = figures.len() / 2;
        let median = if figures.len() % 2 == 1 { at(half) } else { f64::midpoint(at(half.saturating_sub(1)), at(half)) };
        Spread { median, least: at(0), most: at(figures.len().saturating_sub(1)) }
    }
}

/// What came out of a comparison.
#[derive(Clone, Debug)]
pub struct Measured {
    /// As the target asks for it.
    pub ratio: Spread,
    /// Seconds of Faultline.
    pub ours: Spread,
    /// Seconds of the other, not scaled.
    pub theirs: Spread,
    /// Peak of Faultline's memory, in KiB.
    pub peak: i64,
    /// What the other said that it counted.
    pub counted: String,
}

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was to be compared.
    pub comparison: Comparison,
    /// What came out, or why nothing did.
    pub measured: Result<Measured, String>,
}

impl Row {
    /// Whether the target is met; `None` if there is none, or nothing was measured.
    pub fn met(&self) -> Option<bool> {
        let median = self.measured.as_ref().ok()?.ratio.median;
        match self.comparison.target {
            Target::AtMost(most) => Some(median <= most),
            Target::AtLeast(least) => Some(median >= least),
            Target::Told => None,
        }
    }
}

/// Everything measured.
#[derive(Debug, Default)]
pub struct Results {
    /// The table.
    pub rows: Vec<Row>,
    /// Seconds until the first byte, or why there is none.
    pub starts: Vec<(String, Result<Spread, String>)>,
    /// What was left out.
    pub skipped: Vec<String>,
}

/// Seconds of a run of Faultline which went into fingerprinting its inputs (BLAKE3), which nobody else does: as it tells with `--stats=json`.
pub fn time_for_hashing(ours: &Run) -> Option<f64> {
    let told: serde_json::Value = serde_json::from_str(ours.stats.last()?).ok()?;
    told.get("hash")?.as_f64()
}

impl Plan {
    /// Takes over what another plan wants.
    pub fn add(&mut self, other: Plan) {
        self.comparisons.extend(other.comparisons);
        self.starts.extend(other.starts);
        self.skipped.extend(other.skipped);
    }

    /// Drops what does not contain this text.
    pub fn keep(&mut self, text: &str) {
        self.comparisons.retain(|one| one.input.contains(text) || one.theirs.name.contains(text));
        self.starts.retain(|one| one.input.contains(text));
    }

    /// Measures everything; says on standard error how far it is.
    pub fn run(self, runs: u32) -> Results {
        let all = self.comparisons.len();
        let mut results = Results { skipped: self.skipped.clone(), ..Results::default() };
        for (nth, comparison) in self.comparisons.iter().enumerate() {
            eprintln!("[{}/{all}] {}: {}", nth + 1, comparison.input, comparison.theirs.name);
            let measured = self.pairs(comparison, runs.min(comparison.most_runs));
            if let Err(problem) = &measured {
                eprintln!("    {problem}");
            }
            results.rows.push(Row { comparison: comparison.clone(), measured });
        }
        for start in &self.starts {
            let first_byte = |_| {
                let run = self.once(&start.ours, false, true)?;
                run.first_byte.ok_or_else(|| format!("{} printed nothing", start.ours.name))
            };
            let seconds = (0..=runs).map(first_byte).skip(1).collect::<Result<Vec<f64>, String>>();
            results.starts.push((start.input.clone(), seconds.map(Spread::of)));
        }
        results
    }

    fn pairs(&self, comparison: &Comparison, runs: u32) -> Result<Measured, String> {
        let one_core = comparison.figure == Figure::Cpu;
        let mut peak = self.once(&comparison.ours, one_core, false)?.peak;
        let counted = self.once(&comparison.theirs, one_core, comparison.theirs.tells)?.line;
        let (mut ratios, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..runs {
            let a = self.once(&comparison.ours, one_core, false)?;
            let b = self.once(&comparison.theirs, one_core, false)?;
            let seconds = |run: &Run| if comparison.figure == Figure::Wall { run.wall } else { run.cpu() };
            let mine = seconds(&a) - time_for_hashing(&a).unwrap_or_default();
            let other = seconds(&b) * comparison.scale;
            // A process which takes less than the system counts took no time; it must not become a division by zero.
            let (mine, other) = (mine.max(1e-4), other.max(1e-4));
            ratios.push(if matches!(comparison.target, Target::AtMost(_)) { mine / other } else { other / mine });
            ours.push(mine);
            theirs.push(seconds(&b));
            peak = peak.max(a.peak);
        }
        Ok(Measured { ratio: Spread::of(ratios), ours: Spread::of(ours), theirs: Spread::of(theirs), peak, counted })
    }

    /// Runs it through the part of this program which measures.
    fn once(&self, contestant: &Contestant, one_core: bool, listen: bool) -> Result<Run, String> {
        let mut command = Command::new(&self.places.own);
        command.arg("measure");
        command.args(one_core.then_some("--one-core")).args(listen.then_some("--listen"));
        let output = command.arg("--").args(&contestant.command).output();
        let output = output.map_err(|error| format!("this program could not be started again: {error}"))?;
        let run: Run = serde_json::from_slice(&output.stdout)
            .map_err(|_| format!("{}: {}", contestant.name, String::from_utf8_lossy(&output.stderr).trim()))?;
        if run.status.is_some_and(|status| contestant.statuses.contains(&status)) {
            return Ok(run);
        }
        let ended = run.status.map_or_else(|| "a signal".to_owned(), |status| format!("exit status {status}"));
        let words = contestant.command.iter().take(12).cloned().collect::<Vec<_>>().join(" ");
        Err(format!("{} ended with {ended}; see what it says: {words}", contestant.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        let odd = Spread::of(vec![3.0, 1.0, 2.0]);
        assert!((odd.median - 2.0).abs() < 1e-9 && (odd.least - 1.0).abs() < 1e-9 && (odd.most - 3.0).abs() < 1e-9);
        assert!((Spread::of(vec![4.0, 1.0, 3.0, 2.0]).median - 2.5).abs() < 1e-9);
        assert!(Spread::of(Vec::new()).median.abs() < 1e-9, "nothing measured");
    }
}
