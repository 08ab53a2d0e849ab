//! What stands in for an archive says the same of every origin as the archive itself: every statement, and every count of the file.

use crate::skip::shared;
use crate::wire::read;
use faultline::source::{FileKind, InputFile, InputSpec, Interest, Merge, Resources, SourceError, StandIn, discover, squeeze};
use faultline::vantage::Vantages;
use std::fs::File;
use std::path::Path;

/// Reads files, and then what stands in for them: both must say the same. Gives how large all of these are.
fn compare(files: &[InputFile]) -> usize {
    let mut size = 0;
    let folder = tempfile::tempdir().unwrap();
    let stand_ins = files.iter().enumerate().map(|(number, file)| {
        let squeezed = squeeze(file.bytes, || Ok(Box::new(File::open(&file.path)?))).unwrap();
        size += squeezed.bytes.len();
        let path = folder.path().join(number.to_string());
        std::fs::write(&path, &squeezed.bytes).unwrap();
        InputFile { stand_in: Some(StandIn { path, of: squeezed.of }), ..file.clone() }
    });
    let (plain, stand_in) = (read(files.to_vec(), Interest::Origins), read(stand_ins.collect(), Interest::Origins));
    let name = files[0].path.display();
    for (one, other) in plain.observations.iter().zip(&stand_in.observations) {
        assert_eq!(one, other, "{name}");
    }
    assert_eq!(plain.observations.len(), stand_in.observations.len(), "{name}");
    assert!(plain.vantages.iter().eq(stand_in.vantages.iter()), "{name}");
    assert_eq!(plain.accounts, stand_in.accounts, "{name}");
    size
}

fn found(path: &Path) -> Result<Vec<InputFile>, SourceError> {
    discover(&[InputSpec { path: path.to_owned(), collector: None }])
}

#[test]
fn cases_of_the_lab_say_the_same() {
    for case in ["A", "B", "C", "D", "E", "H"] {
        let files = found(&Path::new("data/lab").join(case).join("mrt")).unwrap();
        let records: u64 = files.iter().map(|file| file.bytes).sum();
        let size = compare(&files);
        assert!(size as u64 <= records * 2, "{case}: {size} bytes stand in for {records}");
    }
}

// Why each alone: together they would be of all years since 1999.
#[test]
fn real_files_say_the_same() {
    let Some(folder) = shared("data") else { return };
    let mut mrt = 0;
    for file in found(&folder).unwrap() {
        if is_mrt(&file) {
            compare(std::slice::from_ref(&file));
            mrt += 1;
        }
    }
    assert!(mrt > 150, "{mrt} files");
}

fn is_mrt(file: &InputFile) -> bool {
    let Ok(mut merge) = Merge::open(vec![file.clone()], Interest::Origins, &Resources::default()) else { return false };
    let is_said = merge.next(&mut Vantages::default()).is_some();
    is_said && matches!(merge.accounts()[0].kind, FileKind::Updates | FileKind::Table | FileKind::Mixed)
}

/// What is damaged is passed on as it is, so that it is told where.
#[test]
fn a_damaged_file_is_passed_on_as_it_is() {
    let whole = std::fs::read(found(Path::new("data/lab/A/mrt")).unwrap().pop().unwrap().path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("updates.20240101.0000.gz");
    std::fs::write(&path, &whole[..whole.len() * 2 / 3]).unwrap();
    let file = found(&path).unwrap().remove(0);
    let squeezed = squeeze(file.bytes, || Ok(Box::new(File::open(&file.path)?))).unwrap();
    assert_eq!(squeezed.bytes, std::fs::read(&path).unwrap());
    compare(&[file]);
}
