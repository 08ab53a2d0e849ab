//! What was typed to fetch archives: `faultline fetch`, and the seeds of `faultline watch`.

use super::Format;
use crate::time::Timestamp;
use clap::{Args, ValueEnum, ValueHint};
use std::path::PathBuf;

/// Where archives are.
#[derive(Debug, Clone, Args)]
pub struct ArchiveMirrors {
    /// Where the archive of RIPE RIS is: what stands before rrc00/2021.10/
    #[arg(long, value_name = "URL", default_value = "https://data.ris.ripe.net")]
    pub ris_url: String,
    /// Where the archive of RouteViews is: what stands before route-views.linx/bgpdata/
    #[arg(long, value_name = "URL", default_value = "https://archive.routeviews.org")]
    pub routeviews_url: String,
}

/// `faultline fetch`
#[derive(Debug, Args)]
pub struct Fetch {
    /// When the window begins, such as 2021-10-04T15:00:00Z
    #[arg(long, value_name = "TIME")]
    pub from: Timestamp,
    /// When the window ends [default: now]
    #[arg(long, value_name = "TIME")]
    pub until: Option<Timestamp>,
    /// Whose archives, such as rrc00,route-views2. One which is not known yet says who publishes it: ris:rrc99, routeviews:new-ix.vie
    #[arg(long, value_name = "NAMES", required = true, value_delimiter = ',', num_args = 1..)]
    pub collectors: Vec<String>,
    /// The folder to store files in, a folder a collector and month in it. What is there and whole is not fetched again
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
    /// Table dumps: the newest at or before the window, with all updates since; none; or nothing else
    #[arg(long, value_enum, default_value_t = Ribs::With)]
    pub ribs: Ribs,
    /// Files at once; from one server never more than 4
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub parallel: u16,
    /// Ask the archives' index pages which files there are, for times and collectors whose files do not begin on the quarter hour
    #[arg(long, conflicts_with = "broker")]
    pub index: bool,
    /// Ask a bgpkit-broker which files there are, such as https://api.bgpkit.com/v3/broker
    #[arg(long, value_name = "URL")]
    pub broker: Option<String>,
    /// Where archives are.
    #[command(flatten)]
    pub mirrors: ArchiveMirrors,
    /// Print what would be fetched, and fetch nothing
    #[arg(long)]
    pub dry_run: bool,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Whether table dumps are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Ribs {
    /// The newest at or before the window, and all updates since.
    With,
    /// Updates alone.
    Without,
    /// Table dumps alone: the newest at or before the window, and those in it.
    Only,
}

/// The newest archives, to begin to watch with.
#[derive(Debug, Clone, Args)]
pub struct SeedNewest {
    /// Fetch the newest table dump of these collectors, and the updates since, and begin with them: rrc00,route-views2. What the stream does not tell
    /// later, since a connection was lost, is fetched from those of RIS among them
    #[arg(long, value_name = "NAMES", value_delimiter = ',', num_args = 1..)]
    pub seed_newest: Vec<String>,
    /// The folder to store them in [default: faultline/seeds in the user's cache folder]
    #[arg(long, value_name = "DIR", requires = "seed_newest", value_hint = ValueHint::DirPath)]
    pub seed_dir: Option<PathBuf>,
    /// Where archives are.
    #[command(flatten)]
    pub mirrors: ArchiveMirrors,
}
