//! The document of the rules, held to the code.

use wamedia_media::{Rule, Severity, Strictness};

use crate::support::workspace;

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Accept => "accept",
        Severity::Warn => "warn",
        Severity::Refuse => "refuse",
    }
}

#[test]
fn every_rule_has_its_row_with_a_reason() {
    let text = std::fs::read_to_string(workspace().join("docs/media-rules.md")).unwrap();
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .filter(|cells: &Vec<&str>| cells.len() == 6)
        .collect();
    for rule in Rule::ALL {
        let id = format!("`{rule}`");
        let own: Vec<_> = rows.iter().filter(|cells| cells[0] == id).collect();
        let [cells] = own[..] else { panic!("{rule} has {} rows in docs/media-rules.md", own.len()) };
        let ladder =
            [Strictness::Lenient, Strictness::Default, Strictness::Strict].map(|s| word(rule.severity(s)));
        assert_eq!(cells[1..4], ladder, "{rule}");
        assert!(cells[4].len() > 10 && cells[5].len() > 10, "{rule} lacks its reading or its reason");
    }
    assert_eq!(rows.len(), Rule::ALL.len(), "the document has rows of rules that are gone");
}
