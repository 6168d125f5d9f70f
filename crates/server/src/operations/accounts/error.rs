//! What can go wrong with accounts, numbers and credentials: facts, which each door puts into its own words.

use std::fmt;

use wamedia_store::StoreError;

/// What an error is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Thing {
    Account,
    PhoneNumber,
    Token,
    Key,
    Subscription,
    Delivery,
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Account => "account",
            Self::PhoneNumber => "phone number",
            Self::Token => "token",
            Self::Key => "key",
            Self::Subscription => "subscription",
            Self::Delivery => "delivery",
        })
    }
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// There is none of this id or name.
    #[error("there is no {what} {asked}")]
    NotFound {
        /// What kind of thing.
        what: Thing,
        /// As it was asked for.
        asked: String,
    },
    /// Nobody said which, and there is none at all.
    #[error("there is no {what} yet; add one first")]
    NoneYet {
        /// What kind of thing.
        what: Thing,
    },
    /// Nobody said which, and there are several.
    #[error("there are several {what}s, name one: {}", choices.join(", "))]
    Several {
        /// What kind of thing.
        what: Thing,
        /// All of them.
        choices: Vec<String>,
    },
    /// There already is one.
    #[error("there already is the {what} {name}")]
    Taken {
        /// What kind of thing.
        what: Thing,
        /// Its id or name.
        name: String,
    },
    /// A value breaks a rule.
    #[error("{0}")]
    Invalid(String),
    /// The catalog could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AccountError {
    /// For what was asked by id or name.
    pub fn not_found(what: Thing, asked: impl fmt::Display) -> Self {
        Self::NotFound { what, asked: asked.to_string() }
    }
}
