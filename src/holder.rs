//! Who holds an AS number: the organization and the country of each, from a table of one's own (`asn,org,country`).
//!
//! Takes CSV; gives [`Holders`], or an error which names file and line. Nothing is guessed: an AS which is not in the table has no holder, and an empty cell
//! means that this part is not known. Where such tables come from is not asked.

use crate::vantage::Asn;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The columns, in any order; others are passed over.
const COLUMNS: [&str; 3] = ["asn", "org", "country"];

/// Holders by AS number.
#[derive(Debug, Clone, Default)]
pub struct Holders {
    of: HashMap<Asn, (Holder, u64)>,
    file: PathBuf,
}

/// Who holds an AS number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    /// The organization; `None` if it is not known.
    pub organization: Option<Arc<str>>,
    /// The country; `None` if it is not known. Codes of two letters are in capitals.
    pub country: Option<Arc<str>>,
}

/// Why a table of holders cannot be used. Each names file and line.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum HoldersError {
    /// A column is missing.
    #[error("{}:1: there is no column `{column}`", file.display())]
    #[diagnostic(help("the first line names the columns: asn,org,country"))]
    NoColumn {
        /// The file.
        file: PathBuf,
        /// The column.
        column: &'static str,
    },
    /// What stands under `asn` is none.
    #[error("{}:{line}: `{text}` is not an AS number", file.display())]
    #[diagnostic(help("write it as 64500 or AS64500, or take the line out"))]
    NotAnAsn {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What stands there.
        text: String,
    },
    /// No row of the table: too few or too many cells, or text which is not UTF-8.
    #[error("{}:{line}: not a row of the table: {what}", file.display())]
    #[diagnostic(help(
        "write as many cells as the first line has, in UTF-8; a name with a comma stands in quotes: 64500,\"Example, Inc.\",AT"
    ))]
    NotARow {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// Two lines differ about one AS.
    #[error("{}:{line}: {asn} is {here}, but line {first} says {there}", file.display())]
    #[diagnostic(help("an AS has one holder: take one of the two lines out"))]
    Contradiction {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The AS.
        asn: Asn,
        /// What this line says.
        here: String,
        /// The line before.
        first: u64,
        /// What it says.
        there: String,
    },
    /// The file cannot be read.
    #[error("{}: could not be read: {error}", file.display())]
    #[diagnostic(help("check that it is a file you may read"))]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
}

impl Holders {
    /// Reads a table; `file` is how errors call it.
    ///
    /// # Errors
    /// At the first line which cannot be used.
    pub fn read(file: &Path, table: &[u8]) -> Result<Holders, HoldersError> {
        // Row by row, and not all at once: a row is a line, which an error can name.
        let mut lines = (1..).zip(table.strip_prefix(b"\xef\xbb\xbf").unwrap_or(table).split(|byte| *byte == b'\n'));
        let bad = |line, what| HoldersError::NotARow { file: file.to_owned(), line, what };
        let (_, heading) = lines.next().unwrap_or((1, b""));
        let names = cells(heading).map_err(|what| bad(1, what))?;
        let place = |column: &'static str| {
            let place = names.iter().position(|name| name.eq_ignore_ascii_case(column));
            place.ok_or_else(|| HoldersError::NoColumn { file: file.to_owned(), column })
        };
        let places = [place(COLUMNS[0])?, place(COLUMNS[1])?, place(COLUMNS[2])?];
        let mut holders = Holders { of: HashMap::new(), file: file.to_owned() };
        for (line, text) in lines.filter(|(_, text)| !text.trim_ascii().is_empty()) {
            let row = cells(text).map_err(|what| bad(line, what))?;
            if row.len() != names.len() {
                return Err(bad(line, format!("{} cells, and the first line has {}", row.len(), names.len())));
            }
            let [asn, organization, country] = places.map(|place| row.get(place).unwrap_or_default());
            holders.add(line, asn, Holder::of(organization, country))?;
        }
        Ok(holders)
    }

    /// Who holds an AS; nothing is known of one which is not in the table.
    pub fn of(&self, asn: Option<Asn>) -> Holder {
        asn.and_then(|asn| self.of.get(&asn)).map(|(holder, _)| holder.clone()).unwrap_or_default()
    }

    /// Whether an AS is in the table.
    pub fn lists(&self, asn: Asn) -> bool {
        self.of.contains_key(&asn)
    }

    /// How many AS numbers are in it.
    pub fn len(&self) -> usize {
        self.of.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// The file it was read from.
    pub fn file(&self) -> &Path {
        &self.file
    }

    fn add(&mut self, line: u64, text: &str, holder: Holder) -> Result<(), HoldersError> {
        let file = || self.file.clone();
        let asn = as_number(text).ok_or_else(|| HoldersError::NotAnAsn { file: file(), line, text: text.to_owned() })?;
        match self.of.entry(asn) {
            Entry::Vacant(free) => {
                free.insert((holder, line));
            }
            Entry::Occupied(known) if known.get().0 == holder => {}
            Entry::Occupied(known) => {
                let (there, first) = known.get();
                let (here, there, first) = (holder.words(), there.words(), *first);
                return Err(HoldersError::Contradiction { file: self.file.clone(), line, asn, here, first, there });
            }
        }
        Ok(())
    }
}

impl Holder {
    fn of(organization: &str, country: &str) -> Self {
        let known = |text: &str| (!text.is_empty()).then(|| Arc::from(text));
        let code = country.len() == 2 && country.bytes().all(|letter| letter.is_ascii_alphabetic());
        let country = if code { country.to_ascii_uppercase() } else { country.to_owned() };
        Holder { organization: known(organization), country: known(&country) }
    }

    fn words(&self) -> String {
        let word = |part: &Option<Arc<str>>| part.as_deref().unwrap_or("nothing").to_owned();
        format!("`{}` in `{}`", word(&self.organization), word(&self.country))
    }
}

/// `64500` or `AS64500`, the letters in any case.
fn as_number(text: &str) -> Option<Asn> {
    let letters = text.get(..2).is_some_and(|letters| letters.eq_ignore_ascii_case("as"));
    let digits = if letters { &text[2..] } else { text };
    let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|_| plain).map(Asn)
}

/// The cells of one line, trimmed; else what is wrong with it.
fn cells(line: &[u8]) -> Result<csv::StringRecord, String> {
    let mut row = csv::ByteRecord::new();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).buffer_capacity(256).from_reader(line);
    reader.read_byte_record(&mut row).map_err(|error| error.to_string())?;
    csv::StringRecord::from_byte_record(row).map_err(|_| "it is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: impl AsRef<[u8]>) -> Result<Holders, HoldersError> {
        Holders::read(Path::new("holders.csv"), text.as_ref())
    }

    fn error(text: impl AsRef<[u8]>) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn an_as_is_written_in_either_form_and_its_line_may_stand_twice() {
        let holders = read("\u{feff}ASN,Org,Country,since\n64500,\"Megacorp, Inc.\",at,1999\n as64501 ,Megacorp, Austria ,\nAS64501,Megacorp,Austria,2001\n64502,,\n")
            .unwrap_err();
        assert_eq!(holders.to_string(), "holders.csv:5: not a row of the table: 3 cells, and the first line has 4");
        let holders = read("\u{feff}Country,Org,ASN\nat,\"Megacorp, Inc.\",64500\n Austria ,Megacorp, as64501\nAustria,Megacorp,AS64501\n,,64502\n").unwrap();
        let holder = |asn| holders.of(Some(Asn(asn)));
        assert_eq!(holder(64500), Holder { organization: Some("Megacorp, Inc.".into()), country: Some("AT".into()) });
        assert_eq!(holder(64501), Holder { organization: Some("Megacorp".into()), country: Some("Austria".into()) });
        assert_eq!((holder(64502), holders.lists(Asn(64502))), (Holder::default(), true), "an empty cell is not known");
        assert_eq!((holder(64503), holders.lists(Asn(64503)), holders.of(None)), (Holder::default(), false, Holder::default()));
        assert_eq!(holders.len(), 3);
    }

    #[test]
    fn a_bad_line_is_named_with_what_is_wrong() {
        assert_eq!(error("asn,org,country\r\n64500,a,b\r\n\r\nASN1,a,b\r\n"), "holders.csv:4: `ASN1` is not an AS number");
        for bad in ["", "AS", "+1", "-1", "4294967296", "1.10", "äs1"] {
            assert_eq!(error(format!("asn,org,country\n{bad},a,b\n")), format!("holders.csv:2: `{bad}` is not an AS number"));
        }
        assert_eq!(
            error("asn,org,country\n1,a,b\n2,a\n"),
            "holders.csv:3: not a row of the table: 2 cells, and the first line has 3"
        );
        assert_eq!(error(b"asn,org,country\n1,a,b\n2,\xff,b\n"), "holders.csv:3: not a row of the table: it is not UTF-8");
        assert_eq!(error("asn,organisation,country\n1,a,b\n"), "holders.csv:1: there is no column `org`");
        assert_eq!(error(""), "holders.csv:1: there is no column `asn`");
    }

    #[test]
    fn two_lines_which_differ_about_one_as_are_both_named() {
        assert_eq!(
            error("asn,org,country\n64500,a,AT\n64501,b,AT\nAS64500,a,DE\n"),
            "holders.csv:4: AS64500 is `a` in `DE`, but line 2 says `a` in `AT`"
        );
    }
}
