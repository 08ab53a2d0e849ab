//! Each stage alone, on the same small input: `cargo bench` (with `-- --test` it only runs each once).
//!
//! For finding out which stage a change made slower or faster; what the program takes as a whole, and compared with whom, is measured by
//! `benches/peers`. The input is made in memory. Files are read from a temporary folder, that is from the system's memory.

#[path = "peers/src/generator/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the benchmark of the peers uses more of it")]
mod generator;

use criterion::{BatchSize, Criterion, Throughput};
use faultline::analysis::Analysis;
use faultline::cli::Inputs;
use faultline::command::analyze;
use faultline::compression;
use faultline::observation::Observation;
use faultline::org::profile;
use faultline::pipeline::Pipeline;
use faultline::report::{self, ReportView};
use faultline::scope::Scope;
use faultline::settings::Settings;
use faultline::source::{InputSpec, Interest, Merge, Resources, WatchedPrefixes, discover};
use faultline::timing::Timing;
use faultline::vantage::Vantages;
use generator::{Peer, Scale, Universe, UpdateStream, watched, write_table};
use std::error::Error;
use std::hint::black_box;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};

const SEED: u64 = 1;
const MESSAGES: u64 = 20_000;
/// Prefixes of the table dump. With 60 peers it has about as many entries as there are messages.
const PREFIXES: usize = 600;

/// What is watched, the organization or everything: its name, what is judged, what is read.
type Watching = (&'static str, Scope, Interest);

/// The input in its forms.
struct Sample {
    /// Removed when this goes.
    _folder: tempfile::TempDir,
    profile: PathBuf,
    updates: PathBuf,
    table: PathBuf,
    bytes: Vec<u8>,
}

impl Sample {
    fn make() -> Result<Self, Box<dyn Error>> {
        let universe = Universe::new(SEED, Scale::SMALL);
        let peers = Peer::all(60, SEED, &universe);
        let folder = tempfile::tempdir()?;
        let place = folder.path().join("rrc00");
        std::fs::create_dir(&place)?;
        let (profile, updates, table) =
            (folder.path().join("ORG.toml"), place.join("updates.20251101.0000"), place.join("bview.20251101.0000"));
        let mut bytes = Vec::new();
        let organization = watched(&universe, PREFIXES);
        UpdateStream::new(&universe, &peers, &organization, SEED).write(MESSAGES, (0, 300), &mut bytes)?;
        std::fs::write(&updates, &bytes)?;
        let mut dump = Vec::new();
        write_table(&universe, &peers, PREFIXES, &mut dump)?;
        std::fs::write(&table, dump)?;
        std::fs::write(&profile, organization.profile())?;
        Ok(Sample { _folder: folder, profile, updates, table, bytes })
    }

    fn scopes(&self) -> Result<[Watching; 2], Box<dyn Error>> {
        let organization = profile::read(&self.profile)?.organization;
        let own = WatchedPrefixes::new(organization.prefixes.iter().map(|watched| watched.prefix));
        Ok([
            ("one organization", organization.scope([]), Interest::Watched(own)),
            ("everything", Scope::Everything, Interest::Everything),
        ])
    }

    fn analysis(&self) -> miette::Result<Analysis> {
        let inputs = vec![self.profile.clone(), self.table.clone(), self.updates.clone()];
        analyze::analyze(&Inputs { inputs, collectors: Vec::new(), probes: Vec::new(), threads: Some(1) }, &Timing::default())
    }
}

fn observations(file: &Path, interest: &Interest) -> Result<(Vec<Observation>, Vantages), Box<dyn Error>> {
    let files = discover(&[InputSpec { path: file.to_owned(), collector: None }])?;
    let mut merge = Merge::open(files, interest.clone(), &Resources::default())?;
    let (mut vantages, mut all) = (Vantages::default(), Vec::new());
    while let Some(observation) = merge.next(&mut vantages) {
        all.push(observation);
    }
    Ok((all, vantages))
}

fn unpacking(criterion: &mut Criterion, sample: &Sample) -> Result<(), Box<dyn Error>> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    gzip.write_all(&sample.bytes)?;
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    bzip2.write_all(&sample.bytes)?;
    let mut group = criterion.benchmark_group("unpacking");
    group.throughput(Throughput::Bytes(sample.bytes.len() as u64));
    for (name, packed) in [("gzip", gzip.finish()?), ("bzip2", bzip2.finish()?)] {
        group.bench_function(name, |bencher| {
            let unpack = |packed| {
                let (_, mut inside) = compression::reader(Cursor::new(packed))?;
                let (mut buffer, mut bytes) = (vec![0; 64 * 1024], 0);
                while let read @ 1.. = inside.read(&mut buffer)? {
                    bytes += read;
                }
                std::io::Result::Ok(bytes)
            };
            bencher.iter_batched(|| packed.clone(), unpack, BatchSize::LargeInput);
        });
    }
    group.finish();
    Ok(())
}

fn reading(criterion: &mut Criterion, sample: &Sample) -> Result<(), Box<dyn Error>> {
    let mut group = criterion.benchmark_group("reading");
    for (what, file) in [("updates", &sample.updates), ("table", &sample.table)] {
        group.throughput(Throughput::Bytes(file.metadata()?.len()));
        for (whom, _, interest) in sample.scopes()? {
            group
                .bench_function(format!("{what}, {whom}"), |bencher| bencher.iter(|| observations(file, &interest).map(black_box)));
        }
    }
    group.finish();
    Ok(())
}

fn judging(criterion: &mut Criterion, sample: &Sample) -> Result<(), Box<dyn Error>> {
    let mut group = criterion.benchmark_group("judging");
    group.throughput(Throughput::Elements(MESSAGES));
    for (whom, scope, interest) in sample.scopes()? {
        let (observations, vantages) = observations(&sample.updates, &interest)?;
        let Some(end) = observations.last().map(|last| last.at) else { continue };
        group.bench_function(format!("updates, {whom}"), |bencher| {
            let judge = |mut pipeline: Pipeline| {
                observations.iter().for_each(|observation| pipeline.observe(observation, &vantages));
                pipeline.finish(end, &vantages)
            };
            bencher.iter_batched(|| Pipeline::new(scope.clone(), &Settings::default()), judge, BatchSize::LargeInput);
        });
    }
    group.finish();
    Ok(())
}

fn reporting(criterion: &mut Criterion, sample: &Sample) -> Result<(), Box<dyn Error>> {
    let analysis = sample.analysis().map_err(|error| error.to_string())?;
    let made = analysis.routing.last;
    let mut group = criterion.benchmark_group("reporting");
    group.bench_function("view", |bencher| bencher.iter(|| ReportView::of(&analysis, made)));
    let view = ReportView::of(&analysis, made);
    group.bench_function("JSON", |bencher| bencher.iter(|| report::json(&view)));
    group.bench_function("all files", |bencher| bencher.iter(|| report::files(&view)));
    group.finish();
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    let sample = Sample::make()?;
    unpacking(&mut criterion, &sample)?;
    reading(&mut criterion, &sample)?;
    judging(&mut criterion, &sample)?;
    reporting(&mut criterion, &sample)?;
    criterion.final_summary();
    Ok(())
}
