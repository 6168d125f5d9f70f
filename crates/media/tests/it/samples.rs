//! Every sample under every type it was judged for by construction or by independent tools.

use crate::support::{Expectation, expectations, judge, samples, workspace};

/// Verdicts that differ from what is expected.
fn differences(expected: &[Expectation]) -> Vec<String> {
    let mut differences = Vec::new();
    for file in expected {
        let bytes = std::fs::read(&file.path).unwrap();
        for (declared, wanted) in &file.verdicts {
            let mime = wamedia_media::MimeType::parse(declared);
            let Some(row) = mime.ok().and_then(|mime| wamedia_media::find(&mime)) else {
                // Not on the upload list: refused before inspection.
                if !wanted.starts_with("reject") && !wanted.contains("leans reject") {
                    differences.push(format!(
                        "{} as {declared}: not on the list, wanted {wanted}",
                        file.path.display()
                    ));
                }
                continue;
            };
            let verdict = judge(&bytes, declared);
            let accepts = wanted.starts_with("accept") || wanted.contains("leans accept");
            let rejects = wanted.starts_with("reject") || wanted.contains("leans reject");
            if (accepts && !verdict.is_accepted()) || (rejects && verdict.is_accepted()) {
                let name = file.path.display();
                differences.push(format!("{name} as {}: wanted {wanted}, got {verdict:?}", row.mime));
            }
        }
    }
    differences
}

#[test]
fn made_samples_are_judged_as_they_were_made() {
    let expected = expectations(&workspace().join("testdata/samples.expect.jsonl"), &samples(), "expect");
    assert!(expected.len() > 200);
    let differences = differences(&expected);
    assert!(differences.is_empty(), "{}\n{} differences", differences.join("\n"), differences.len());
}

#[test]
fn found_samples_are_judged_as_independent_tools_do() {
    let folder = workspace().join("../shared/samples");
    if !folder.join("found.expect.jsonl").exists() {
        eprintln!("SKIPPED: no samples of other projects beside the checkout ({})", folder.display());
        return;
    }
    let expected = expectations(&folder.join("found.expect.jsonl"), &folder.join("found"), "verdicts");
    let differences = differences(&expected);
    assert!(differences.is_empty(), "{}\n{} differences", differences.join("\n"), differences.len());
}
