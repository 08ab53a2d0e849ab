//! Words of others in TOML: as strings and in comments, where they can do no harm.

/// A TOML string (TOML 1.0, "String"): whatever it holds, it ends where it should, and shows nothing which is not there.
pub(super) fn string(text: &str) -> String {
    format!("\"{}\"", escaped(text, true))
}

/// For a comment: on one line, and of a bearable length.
pub(super) fn remark(text: &str) -> String {
    let mut text = escaped(text, false);
    if text.chars().count() > LONGEST {
        text = text.chars().take(LONGEST).chain("…".chars()).collect();
    }
    text
}

/// A host name has 253 characters.
const LONGEST: usize = 300;

fn escaped(text: &str, quoted: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' if quoted => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            // Letters are letters; controls, marks of direction and what has no shape are told by number.
            c if c.is_alphanumeric() => out.push(c),
            c if (c as u32) < 0x1_0000 => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push_str(&format!("\\U{:08X}", c as u32)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_stands_in_a_string_comes_out_again() {
        for text in
            ["plain", "a\"b\\c", "two\nlines\r\t", "\u{202e}gnp.exe", "Straße 7", "\u{1f600}", "\u{0}\u{7f}", "'''\"\"\"#[x]"]
        {
            let toml = format!("x = {}\ny = 1\n", string(text));
            let read: toml::Table = toml.parse().unwrap();
            assert_eq!(read["x"].as_str(), Some(text), "{toml}");
            assert_eq!(read.len(), 2, "{toml}");
        }
    }

    #[test]
    fn a_remark_stays_on_its_line() {
        let remark = remark("a\n[organization]\r\u{2028}\u{85}name = \"x\"");
        assert!(!remark.contains(['\n', '\r', '\u{2028}', '\u{85}']), "{remark}");
        assert!(super::remark(&"x".repeat(5_000)).chars().count() < 400);
    }
}
