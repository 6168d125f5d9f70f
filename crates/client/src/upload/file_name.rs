//! File names as services shall see them: no folders, nothing a header or a terminal would obey, never empty.

use std::fmt::Write as _;

/// Longest name in bytes; what file systems take, less some room for whoever saves it.
const MAX_BYTES: usize = 200;

/// The base name of a name or a whole path of either system, made harmless. A name of nothing becomes `file`.
pub(crate) fn sanitised(name: &str, extension: Option<&str>) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let harmless = |c: &char| !c.is_control() && !is_direction(*c);
    let base: String = base.chars().filter(harmless).collect();
    let base = base.trim().trim_end_matches('.').trim_end();
    if base.is_empty() {
        return extension.map_or_else(|| "file".to_owned(), |extension| format!("file.{extension}"));
    }
    shortened(base)
}

/// Marks that turn the direction of writing: `gpj.exe` shown as `exe.jpg`.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Cut in the middle, so that the extension stays.
fn shortened(name: &str) -> String {
    if name.len() <= MAX_BYTES {
        return name.to_owned();
    }
    let extension = name.rfind('.').filter(|dot| name.len() - dot <= 20).map_or("", |dot| &name[dot..]);
    let mut end = MAX_BYTES - extension.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{extension}", name[..end].trim_end())
}

/// A name within quotes of `Content-Disposition`, as browsers write it: a quote and line ends as `%22`, `%0D`, `%0A`,
/// everything else as it is, in UTF-8.
pub(crate) fn quoted(name: &str) -> String {
    let mut quoted = String::with_capacity(name.len() + 2);
    for c in name.chars() {
        match c {
            '"' | '\r' | '\n' => {
                let _ = write!(quoted, "%{:02X}", c as u32);
            }
            _ => quoted.push(c),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn folders_and_control_characters_go() {
        for (name, sanitised_name) in [
            ("cat.jpg", "cat.jpg"),
            ("/home/me/cat.jpg", "cat.jpg"),
            (r"C:\photos\cat.jpg", "cat.jpg"),
            ("../../etc/passwd", "passwd"),
            ("a\r\nContent-Type: x\0.jpg", "aContent-Type: x.jpg"),
            ("\u{202e}gpj.exe", "gpj.exe"),
            (" Größe 6\".png ", "Größe 6\".png"),
            ("", "file.jpg"),
            ("..", "file.jpg"),
            ("a/", "file.jpg"),
            (".hidden", ".hidden"),
        ] {
            assert_eq!(sanitised(name, Some("jpg")), sanitised_name, "{name:?}");
        }
        assert_eq!(sanitised("", None), "file");
    }

    #[test]
    fn long_names_keep_their_extension() {
        let short = sanitised(&format!("{}.jpeg", "é".repeat(300)), None);
        assert!(short.len() <= MAX_BYTES && short.ends_with("é.jpeg"), "{short}");
        assert_eq!(sanitised(&"x".repeat(500), None).len(), MAX_BYTES);
    }

    #[test]
    fn quotes_are_written_as_browsers_do() {
        assert_eq!(quoted("6\" é\r\n.png"), "6%22 é%0D%0A.png");
    }

    proptest! {
        #[test]
        fn any_name_becomes_one_that_stays_and_harms_nobody(name: String) {
            let once = sanitised(&name, Some("jpg"));
            prop_assert!(!once.is_empty() && once.len() <= MAX_BYTES);
            prop_assert!(!once.contains(['/', '\\', '\r', '\n', '\0']) && once != "." && once != "..");
            prop_assert!(!quoted(&once).contains('"'));
            prop_assert_eq!(sanitised(&once, Some("jpg")), once);
        }
    }
}
