//! Administration over HTTP: what the command line asks of a running daemon, and what programs of an
//! operator ask with a token.
//!
//! The same routes are served in three ways: at the socket in the folder of the store, which is its
//! owner's alone, for the command line; at the listener of the pages, for whoever has a token; and
//! inside the command line itself, where no daemon runs.
//!
//! Invariant: a route says who may use it before it does anything, and everything it changes is durable
//! when it answers.

mod answer;
pub(crate) mod client;
mod routes;
pub(crate) mod socket;

pub(crate) use answer::Refusal;
pub(crate) use routes::router;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::pages::access::Person;

/// Who asks. Put into the request by whoever let it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Whoever may open the socket or the store.
    Operator,
    /// Whoever has a token or a session.
    Person(Person),
}

impl Caller {
    /// Who it is, for the record of who changed what.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Operator => "operator",
            Self::Person(person) => &person.address,
        }
    }

    /// Who it is; the operator may say in whose name.
    pub(crate) fn name_or(&self, by: Option<String>) -> String {
        match (self, by) {
            (Self::Operator, Some(by)) => by,
            _ => self.name().to_owned(),
        }
    }

    /// Refuses who may not act for the whole site.
    pub(crate) fn admin(&self) -> Result<(), Refusal> {
        match self {
            Self::Operator => Ok(()),
            Self::Person(person) if person.admin => Ok(()),
            Self::Person(_) => Err(Refusal::Forbidden),
        }
    }

    /// Refuses who may not act for `owner`.
    pub(crate) fn may(&self, owner: &str) -> Result<(), Refusal> {
        match self {
            Self::Operator => Ok(()),
            Self::Person(person) if person.may(owner) => Ok(()),
            // What is not theirs is as if it were not there.
            Self::Person(_) => Err(Refusal::Missing),
        }
    }

    /// Whose things are listed: everybody's for an admin who names nobody.
    pub(crate) fn whose(&self, asked: Option<String>) -> Result<Option<String>, Refusal> {
        match (self, asked) {
            (_, Some(owner)) => self.may(&owner).map(|()| Some(owner)),
            (Self::Person(person), None) if !person.admin => Ok(Some(person.address.clone())),
            (_, None) => Ok(None),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        parts.extensions.get::<Self>().cloned().ok_or(Refusal::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_acts_for_themselves_and_an_admin_for_all() {
        let person = |admin| Caller::Person(Person { address: "anna@example.org".into(), admin });
        let bert = || Some("bert@example.org".to_owned());
        assert!(matches!(person(false).whose(bert()), Err(Refusal::Missing)));
        assert_eq!(person(false).whose(None).ok(), Some(Some("anna@example.org".to_owned())));
        assert_eq!(person(true).whose(bert()).ok(), Some(bert()));
        assert_eq!(person(true).whose(None).ok(), Some(None));
        assert_eq!(Caller::Operator.whose(None).ok(), Some(None));
        assert!(person(false).admin().is_err());
        assert!(person(true).admin().is_ok());
    }
}
