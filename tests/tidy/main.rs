//! The tree tested like code: order of modules, lengths, words, documents, hashes.
//!
//! Each test walks the files of the package and says, for everything it finds, where it is and what to do about it. Nothing is
//! compiled here; what the compiler and clippy can check (lints in `Cargo.toml`, limits in `clippy.toml`) is left to them.
//! With `FAULTLINE_BLESS=1` the two checks of generated text, the README's help and `data/HASHES`, write it instead.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests stop at the first surprise"
)]

mod code;
mod documents;
mod hashes;
mod layers;
mod notebooks;
mod tree;

/// Fails with everything found, or passes when nothing was.
fn nothing(found: Vec<String>, rule: &str) {
    assert!(found.is_empty(), "\n{rule}\n\n  {}\n", found.join("\n  "));
}

/// True when generated text is to be written rather than checked.
fn blessing() -> bool {
    std::env::var_os("FAULTLINE_BLESS").is_some_and(|value| value == "1")
}
