//! Forgetting is loud: every row and every rule is held to samples.

use std::collections::BTreeSet;

use wamedia_media::{MEDIA_TYPES, Rule, Severity, Strictness, Verdict};

use crate::made;
use crate::support::{files, judge_as, samples};

/// Every committed sample and every made-up file, under every row, as strictly as usual and as can be.
fn all_verdicts() -> Vec<Verdict> {
    let samples = files(&samples()).into_iter().map(|path| std::fs::read(path).unwrap());
    let made = [made::rare(), made::bombs()].concat().into_iter().map(|(_, bytes)| bytes);
    // The large bombs are tried elsewhere; here they would only take time.
    let contents: Vec<Vec<u8>> = samples.chain(made.filter(|bytes| bytes.len() < 256 * 1024)).collect();
    let mut verdicts = Vec::new();
    for bytes in &contents {
        for row in MEDIA_TYPES {
            verdicts.push(judge_as(bytes, row.mime, Strictness::Default));
            verdicts.push(judge_as(bytes, row.mime, Strictness::Strict));
        }
    }
    verdicts
}

#[test]
fn every_row_takes_one_sample_and_refuses_another_of_its_kind() {
    for row in MEDIA_TYPES {
        let verdicts: Vec<Verdict> = files(&samples())
            .into_iter()
            .map(|path| judge_as(&std::fs::read(path).unwrap(), row.mime, Strictness::Default))
            .collect();
        // `audio/opus` is on the upload list and no message takes it.
        let takes = verdicts.iter().any(Verdict::is_accepted);
        assert_eq!(takes, row.mime != "audio/opus", "{} takes", row.mime);
        assert!(verdicts.iter().any(|verdict| !verdict.is_accepted()), "{} refuses none", row.mime);
    }
}

#[test]
fn every_rule_is_met_by_some_file() {
    let mut met: BTreeSet<&str> = BTreeSet::new();
    for verdict in all_verdicts() {
        met.extend(verdict.warnings.iter().map(|warning| warning.rule.as_str()));
        met.extend(verdict.refusal.iter().map(|refusal| refusal.rule.as_str()));
    }
    // What the caller tells beside the bytes, and what takes a large bomb, in tests of their own.
    met.extend([Rule::NameDisagrees, Rule::CodecsDisagree, Rule::TooConvoluted].map(Rule::as_str));
    let forgotten: Vec<&str> =
        Rule::ALL.iter().map(|rule| rule.as_str()).filter(|id| !met.contains(id)).collect();
    assert!(forgotten.is_empty(), "no file meets {forgotten:?}");
}

#[test]
fn every_refusal_says_what_is_wrong_and_what_to_do() {
    for verdict in all_verdicts() {
        for warning in &verdict.warnings {
            assert!(!warning.message.is_empty() && !warning.message.ends_with('.'), "{warning:?}");
        }
        let Some(refusal) = verdict.refusal else { continue };
        assert_eq!(refusal.rule.severity(Strictness::Strict), Severity::Refuse, "{refusal:?}");
        assert!(!refusal.message.is_empty() && refusal.details.ends_with('.'), "{refusal:?}");
        if let Some(hint) = refusal.hint {
            let command = hint.command("in put.bin");
            assert!(command.contains("'in put.bin'") && command.contains("'in put-whatsapp."), "{command}");
        }
    }
}

#[test]
fn strictness_only_tightens() {
    for path in files(&samples()) {
        let bytes = std::fs::read(&path).unwrap();
        for row in MEDIA_TYPES {
            let ladder = [Strictness::Lenient, Strictness::Default, Strictness::Strict];
            let refused = ladder.map(|strictness| !judge_as(&bytes, row.mime, strictness).is_accepted());
            assert!(refused.is_sorted(), "{} as {}: {refused:?}", path.display(), row.mime);
        }
    }
}
