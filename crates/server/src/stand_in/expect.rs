//! Assertions over the journal: so many requests of this kind, perhaps only in a moment.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::journal::{Entry, Filter, Journal};
use crate::config::Span;

/// Longer than any test should wait, shorter than any client's patience.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Entries that a failed assertion shows: enough to see what went on.
const SHOWN: usize = 20;

/// How many, and how long one waits for them.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Bounds {
    /// Exactly so many.
    pub count: Option<usize>,
    /// So many or more.
    pub at_least: Option<usize>,
    /// So many or fewer.
    pub at_most: Option<usize>,
    /// Real time to wait for them; at once where it is left out.
    pub within: Option<Span>,
}

/// What was there instead.
#[derive(Debug)]
pub struct Unmet {
    /// What was expected and what was found, in one sentence.
    pub sentence: String,
    /// Those that passed the filter.
    pub matched: Vec<Entry>,
    /// The newest of the same world, whatever they are.
    pub saw: Vec<Entry>,
}

impl Bounds {
    /// The fewest and the most; without any bound, one or more.
    fn range(&self) -> (usize, usize) {
        match (self.count, self.at_least, self.at_most) {
            (Some(count), ..) => (count, count),
            (None, None, None) => (1, usize::MAX),
            (None, least, most) => (least.unwrap_or(0), most.unwrap_or(usize::MAX)),
        }
    }

    fn sentence(&self, found: usize) -> String {
        let expected = match self.range() {
            (least, usize::MAX) => format!("at least {least}"),
            (0, most) => format!("at most {most}"),
            (least, most) if least == most => format!("exactly {least}"),
            (least, most) => format!("{least} to {most}"),
        };
        format!("expected {expected} such requests, found {found}")
    }
}

/// Waits until the journal holds what is expected, and no longer than it may take. An upper bound is held to until the
/// time is over: what comes a moment later would break it too.
///
/// # Errors
/// [`Unmet`] says what was there instead.
pub async fn expect(journal: &Journal, filter: &Filter, bounds: Bounds) -> Result<Vec<Entry>, Unmet> {
    let (least, most) = bounds.range();
    let patience = bounds.within.map_or(Duration::ZERO, Span::duration).min(LONGEST_WAIT);
    let deadline = Instant::now() + patience;
    let mut news = journal.news();
    loop {
        news.borrow_and_update();
        let matched = journal.list(filter);
        let is_final = matched.len() > most
            || (matched.len() >= least && (most == usize::MAX || most == least && most > 0));
        let waits = !is_final && timeout_at(deadline, news.changed()).await.is_ok();
        if waits {
            continue;
        }
        return if (least..=most).contains(&matched.len()) {
            Ok(matched)
        } else {
            let sentence = bounds.sentence(matched.len());
            let world = Filter { world: filter.world, after: filter.after, ..Filter::default() };
            let mut saw = journal.list(&world);
            saw.drain(..saw.len().saturating_sub(SHOWN));
            Err(Unmet { sentence, matched, saw })
        };
    }
}

#[cfg(test)]
mod tests {
    use super::super::journal::tests::entry;
    use super::*;

    fn uploads() -> Filter {
        Filter { action: Some("upload".to_owned()), ..Filter::default() }
    }

    fn soon() -> Option<Span> {
        Some("10s".parse().unwrap())
    }

    #[tokio::test]
    async fn what_is_there_is_told_and_what_is_not_says_what_is_instead() {
        let journal = Journal::default();
        journal.write(entry("upload", 1));
        journal.write(entry("delete", 1));
        assert_eq!(expect(&journal, &uploads(), Bounds::default()).await.unwrap().len(), 1);
        let two = Bounds { count: Some(2), ..Bounds::default() };
        let unmet = expect(&journal, &uploads(), two).await.unwrap_err();
        assert_eq!(unmet.sentence, "expected exactly 2 such requests, found 1");
        assert_eq!((unmet.matched.len(), unmet.saw.len()), (1, 2));
        let none = Bounds { at_most: Some(0), ..Bounds::default() };
        assert!(expect(&journal, &uploads(), none).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn it_waits_for_what_is_to_come_and_for_what_must_not_come() {
        let journal = std::sync::Arc::new(Journal::default());
        let one = Bounds { count: Some(1), within: soon(), ..Bounds::default() };
        let later = journal.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            later.write(entry("upload", 1));
        });
        assert_eq!(expect(&journal, &uploads(), one).await.unwrap().len(), 1);
        let later = journal.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            later.write(entry("upload", 1));
        });
        let no_more = Bounds { at_most: Some(1), within: soon(), ..Bounds::default() };
        assert!(expect(&journal, &uploads(), no_more).await.is_err());
    }
}
