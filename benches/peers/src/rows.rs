//! What is compared on the inputs which this program makes.

use crate::compare::{Comparison, Contestant, Figure, Plan, Start, Target};
use crate::inputs::Inputs;
use crate::places::Places;
use crate::tools;
use std::path::{Path, PathBuf};

/// Pairs with those who take minutes.
const FEW: u32 = 3;

/// The comparisons of one input, as they are put together.
pub struct Rows<'a> {
    /// What is read.
    pub input: &'a str,
    /// Its files.
    pub files: &'a [PathBuf],
    /// The prefixes which are watched, one a line.
    pub prefixes: &'a Path,
    /// Faultline on it.
    pub ours: Contestant,
    /// Where they go.
    pub plan: &'a mut Plan,
}

impl Rows<'_> {
    /// Adds a comparison of processor time.
    pub fn with(&mut self, theirs: Contestant, target: Target) {
        self.of(Figure::Cpu, theirs, target);
    }

    /// Adds a comparison with one who may be missing.
    pub fn perhaps(&mut self, figure: Figure, theirs: Result<Contestant, String>, target: Target) {
        match theirs {
            Ok(theirs) => self.of(figure, theirs, target),
            Err(problem) => self.plan.skip(problem),
        }
    }

    fn of(&mut self, figure: Figure, theirs: Contestant, target: Target) {
        let (input, ours) = (self.input.to_owned(), self.ours.clone());
        self.plan.comparisons.push(Comparison { input, ours, theirs, figure, target, scale: 1.0, most_runs: u32::MAX });
    }

    /// Adds the peers which are libraries, with these targets for bgpkit-parser's filter and routecore.
    pub fn libraries(&mut self, filter: Target, walk: Target) {
        self.bgpkit(filter);
        let places = self.plan.places.clone();
        self.with(tools::reader(&places, "routecore, every prefix", &["routecore-walk"], self.files), walk);
        let list = self.prefixes.display().to_string();
        let compared = "routecore, every prefix, each compared with those watched";
        self.with(tools::reader(&places, compared, &["routecore-walk", "--prefixes", &list], self.files), Target::Told);
    }

    /// Adds bgpkit-parser, with this target for its filter.
    pub fn bgpkit(&mut self, filter: Target) {
        let places = self.plan.places.clone();
        let list = self.prefixes.display().to_string();
        let elements = "bgpkit-parser, every element";
        let filtered = "bgpkit-parser, filter `prefixes_super_sub`";
        self.with(tools::reader(&places, elements, &["bgpkit-elements"], self.files), Target::Told);
        let buffered = format!("{elements}, large buffers");
        self.with(tools::reader(&places, &buffered, &["bgpkit-elements", "--buffered"], self.files), Target::Told);
        self.with(tools::reader(&places, filtered, &["bgpkit-filter", "--prefixes", &list], self.files), filter);
    }

    /// Adds unpacking alone with the decoder which Faultline uses, and with the system's.
    pub fn gz_limits(&mut self, limit: Target) {
        let places = self.plan.places.clone();
        self.with(tools::reader(&places, "unpacking alone (zlib-rs)", &["limit"], self.files), limit);
        self.perhaps(Figure::Cpu, tools::unpacker("gzip", self.files), Target::Told);
    }

    /// Adds unpacking alone by `bzip2`.
    pub fn bz2_limits(&mut self) {
        self.perhaps(Figure::Cpu, tools::unpacker("bzip2", self.files), Target::AtLeast(1.8));
        self.perhaps(Figure::Wall, tools::unpacker("bzip2", self.files), Target::AtLeast(3.5));
    }

    /// Adds `bgpdump`, which takes long.
    pub fn bgpdump(&mut self, target: Target) {
        let before = self.plan.comparisons.len();
        self.perhaps(Figure::Cpu, tools::bgpdump(self.files), target);
        self.plan.comparisons[before..].iter_mut().for_each(|one| one.most_runs = FEW);
    }
}

impl Plan {
    /// Nothing yet.
    pub fn new(places: &Places) -> Self {
        Plan { places: places.clone(), comparisons: Vec::new(), starts: Vec::new(), skipped: Vec::new() }
    }

    /// Notes once what is left out.
    pub fn skip(&mut self, problem: String) {
        if !self.skipped.contains(&problem) {
            self.skipped.push(problem);
        }
    }

    /// Adds: many files take as many times what one takes, and what half of them take twice.
    #[allow(clippy::cast_precision_loss, reason = "a number of files")]
    pub fn linear(&mut self, input: &str, files: &[PathBuf], ours: impl Fn(&[PathBuf]) -> Contestant) {
        for some in [1, files.len() / 2] {
            let theirs = Contestant { name: format!("itself on {some} of them, scaled"), ..ours(&files[..some]) };
            let scale = files.len() as f64 / some as f64;
            let (input, ours, target) = (format!("{input}: {} files", files.len()), ours(files), Target::AtMost(1.1));
            self.comparisons.push(Comparison { input, ours, theirs, figure: Figure::Cpu, target, scale, most_runs: u32::MAX });
        }
    }
}

/// Everything on the inputs made.
pub fn plan(places: &Places, program: &str, inputs: &Inputs, quick: bool) -> Plan {
    let mut plan = Plan::new(places);
    for (input, file) in
        [("gz updates", inputs.updates("gz")), ("gz table dump", inputs.table()), ("bz2 updates", inputs.updates("bz2"))]
    {
        let (files, ours) = ([file.clone()], tools::faultline(program, &inputs.profile, &[file]));
        let mut rows = Rows { input, files: &files, prefixes: &inputs.prefixes, ours, plan: &mut plan };
        match input {
            "gz updates" => rows.gz_limits(Target::AtMost(1.5)),
            "gz table dump" => rows.gz_limits(Target::AtMost(1.2)),
            _ => rows.bz2_limits(),
        }
        if input.starts_with("gz") {
            rows.libraries(Target::AtLeast(10.0), Target::AtLeast(2.4));
        } else {
            rows.libraries(Target::Told, Target::Told);
        }
        rows.bgpdump(if input == "gz updates" { Target::AtLeast(40.0) } else { Target::Told });
    }
    if quick {
        plan.skip("mrtparse: takes minutes; without --quick it is compared".to_owned());
    } else {
        match mrtparse(places, program, inputs) {
            Ok(comparison) => plan.comparisons.push(comparison),
            Err(problem) => plan.skip(problem),
        }
    }
    plan.linear("gz updates of 5 minutes each", &inputs.day(), |files| tools::faultline(program, &inputs.profile, files));
    let input = format!("gz updates, {} messages", inputs.stamp.size.messages_tiny);
    plan.starts.push(Start { input, ours: tools::faultline(program, &inputs.profile, &[inputs.tiny()]) });
    plan
}

/// mrtparse gets a small file, and its time counts as many times as the large one has more messages.
#[allow(clippy::cast_precision_loss, reason = "a number of messages")]
fn mrtparse(places: &Places, program: &str, inputs: &Inputs) -> Result<Comparison, String> {
    let size = inputs.stamp.size;
    let mut theirs = tools::mrtparse(places, &[inputs.small("gz")])?;
    theirs.name = format!("mrtparse on {} of the {} messages, scaled", size.messages_small, size.messages);
    Ok(Comparison {
        input: "gz updates".to_owned(),
        ours: tools::faultline(program, &inputs.profile, &[inputs.updates("gz")]),
        theirs,
        figure: Figure::Cpu,
        target: Target::Told,
        scale: size.messages as f64 / size.messages_small as f64,
        most_runs: FEW,
    })
}
