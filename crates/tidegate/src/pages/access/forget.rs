//! What a person can get in with, told and ended.
//!
//! Invariant: what has ended already is removed as well, since it names the person until it expires.

use std::ops::ControlFlow;

use tidegate_store::{Batch, StoreError};

use super::{Access, Kept, LINKS, SESSIONS, TOKENS, Token};

/// What somebody can get in with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct AccessOf {
    pub(crate) tokens: Vec<Token>,
    pub(crate) sessions: usize,
    pub(crate) links: usize,
}

impl Access {
    /// What is known of those whom `is_theirs` says.
    pub(crate) fn held_on(
        &self,
        is_theirs: &dyn Fn(&str) -> bool,
        now: u64,
    ) -> Result<AccessOf, StoreError> {
        self.access_of(is_theirs, now).map(|(held, _)| held)
    }

    /// Ends their tokens, sessions and links; what there was.
    pub(crate) fn forget(
        &self,
        is_theirs: &dyn Fn(&str) -> bool,
        now: u64,
    ) -> Result<AccessOf, StoreError> {
        let (held, batch) = self.access_of(is_theirs, now)?;
        self.store.write(&batch).map(|_| held)
    }

    /// What they have, and the batch that removes it: what has ended as well.
    fn access_of(
        &self,
        is_theirs: &dyn Fn(&str) -> bool,
        now: u64,
    ) -> Result<(AccessOf, Batch), StoreError> {
        let (mut held, mut batch) = (AccessOf::default(), Batch::new());
        let snapshot = self.store.snapshot()?;
        for (space, count) in [(SESSIONS, &mut held.sessions), (LINKS, &mut held.links)] {
            snapshot.scan(space, &[], &[], &mut |key, value| {
                if let Ok(kept) = serde_json::from_slice::<Kept>(value)
                    && is_theirs(&kept.person.address)
                {
                    *count += usize::from(kept.ends > now);
                    batch.remove(space, key);
                }
                ControlFlow::Continue(())
            })?;
        }
        snapshot.scan(TOKENS, &[], &[], &mut |key, value| {
            if let Ok(token) = serde_json::from_slice::<Token>(value)
                && is_theirs(&token.person.address)
            {
                batch.remove(TOKENS, key);
                held.tokens.extend(Some(token).filter(|token| token.ends > now));
            }
            ControlFlow::Continue(())
        })?;
        Ok((held, batch))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Person;
    use super::*;
    use tidegate_store::Memory;

    const NOW: u64 = 1_800_000_000;

    #[test]
    fn who_is_forgotten_is_let_in_no_more() {
        let access = Access::new(Arc::new(Memory::new()), 3_600).unwrap();
        let anna = Person { address: "anna@example.org".into(), admin: false };
        let link = access.link(&anna, NOW).unwrap().unwrap();
        let session = access.sign_in(&link, NOW).unwrap().unwrap();
        let link = access.link(&anna, NOW).unwrap().unwrap();
        let (token, shown) = access.issue(anna.clone(), "backup", NOW, NOW + 100).unwrap();
        let bert = Person { address: "bert@example.org".into(), admin: false };
        let (_, of_bert) = access.issue(bert.clone(), "", NOW, NOW + 100).unwrap();
        let is_anna = |address: &str| address == "anna@example.org";
        let held = AccessOf { tokens: vec![token], sessions: 1, links: 1 };
        assert_eq!(access.held_on(&is_anna, NOW).unwrap(), held);
        assert_eq!(access.forget(&is_anna, NOW).unwrap(), held);
        assert_eq!(access.forget(&is_anna, NOW).unwrap(), AccessOf::default());
        assert_eq!(access.session(&session, NOW).unwrap(), None);
        assert_eq!(access.sign_in(&link, NOW).unwrap(), None);
        assert_eq!(access.bearer(&shown, NOW).unwrap(), None);
        assert_eq!(access.bearer(&of_bert, NOW).unwrap(), Some(bert));
    }
}
