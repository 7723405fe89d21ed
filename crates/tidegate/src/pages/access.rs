//! Who may see and do what: links to sign in by mail, sessions of the pages, tokens of the API.
//!
//! What a person is given is random; what is kept is its tag under a key of the store, so that a copy of
//! the store opens no door.
//!
//! Invariant: a link signs in once; everything ends by itself; what is not known is answered like what
//! has ended.

mod counts;
pub(crate) mod failures;
mod forget;

use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::Arc;

use counts::Counts;
use data_encoding::BASE64URL_NOPAD;
use failures::Failures;
use serde::{Deserialize, Serialize};
use tidegate_mail::Address;
use tidegate_store::{Batch, Secret, Space, Store, StoreError, Written, random};

use crate::network::network;

const LINKS: Space = Space::new("access.link");
const SESSIONS: Space = Space::new("access.session");
const TOKENS: Space = Space::new("access.token");

/// How long a link to sign in is good, in seconds.
pub(crate) const LINK_SECONDS: u64 = 15 * 60;
/// Links that one address, and one client, may ask for in that time.
const LINKS_AN_ADDRESS: u32 = 3;
const LINKS_A_CLIENT: u32 = 20;

/// Somebody, proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    /// Whose mail it is.
    pub(crate) address: String,
    /// Whether the mail of others is theirs to see, too.
    pub(crate) admin: bool,
}

impl Person {
    /// Whether what belongs to `owner` is this person's to see and change.
    pub(crate) fn may(&self, owner: &str) -> bool {
        self.admin || self.address.eq_ignore_ascii_case(owner)
    }
}

/// A token of the API, as it is kept and listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    /// What it is named by.
    pub(crate) id: String,
    #[serde(flatten)]
    pub(crate) person: Person,
    /// What it is for, in the words of who made it.
    pub(crate) note: String,
    /// When it was made, and when it ends; seconds since 1970.
    pub(crate) made: u64,
    pub(crate) ends: u64,
}

/// A session or link, as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    person: Person,
    ends: u64,
}

/// Who is known, and how often strangers have asked.
pub(crate) struct Access {
    store: Arc<dyn Store>,
    secret: Secret,
    session_seconds: u64,
    /// Links, by who asked for them; who can't be counted is as if it had asked too often.
    asked: Counts<String>,
    /// Clients that show wrong tokens.
    pub(crate) failures: Failures,
}

impl Access {
    /// # Errors
    /// When the store can't be read or written.
    pub(crate) fn new(store: Arc<dyn Store>, session_seconds: u64) -> Result<Self, StoreError> {
        let secret = Secret::of(&*store, "access")?;
        let (asked, failures) = (Counts::within(LINK_SECONDS), Failures::default());
        Ok(Self { store, secret, session_seconds, asked, failures })
    }

    /// Whether this client may ask for one more link.
    pub(crate) fn may_ask_from(&self, client: IpAddr, now: u64) -> bool {
        self.may_ask(&format!("c {}", network(client)), LINKS_A_CLIENT, now)
    }

    /// What a link to sign `person` in must carry; `None` when it was asked for too often.
    pub(crate) fn link(&self, person: &Person, now: u64) -> Result<Option<String>, StoreError> {
        if !self.may_ask(&format!("a {}", person.address), LINKS_AN_ADDRESS, now) {
            return Ok(None);
        }
        self.keep(LINKS, person, now + LINK_SECONDS).map(Some)
    }

    /// Turns a link into a session, once.
    pub(crate) fn sign_in(&self, link: &str, now: u64) -> Result<Option<String>, StoreError> {
        let key = self.key(LINKS, link);
        let Some(value) = self.store.get(LINKS, &key)? else { return Ok(None) };
        let Some(kept) = Kept::read(&value, now) else { return Ok(None) };
        let mut batch = Batch::new();
        batch.expect(LINKS, &key, Some(&value)).remove(LINKS, &key);
        match self.store.write(&batch)? {
            // Another was faster with the same link.
            Written::Conflict => Ok(None),
            Written::Done => {
                self.keep(SESSIONS, &kept.person, now + self.session_seconds).map(Some)
            }
        }
    }

    /// Whose session it is.
    pub(crate) fn session(&self, session: &str, now: u64) -> Result<Option<Person>, StoreError> {
        let kept = self.store.get(SESSIONS, &self.key(SESSIONS, session))?;
        Ok(kept.and_then(|value| Kept::read(&value, now)).map(|kept| kept.person))
    }

    /// Ends a session.
    pub(crate) fn sign_out(&self, session: &str) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        batch.remove(SESSIONS, &self.key(SESSIONS, session));
        self.store.write(&batch).map(drop)
    }

    /// What a form of this session must carry, so that no other site can send it.
    pub(crate) fn form(&self, session: &str) -> String {
        BASE64URL_NOPAD.encode(&self.secret.tag(&[b"form", session.as_bytes()])[..16])
    }

    /// Whether a form was one of this session.
    pub(crate) fn is_form(&self, session: &str, carried: &str) -> bool {
        BASE64URL_NOPAD
            .decode(carried.as_bytes())
            .is_ok_and(|tag| self.secret.verifies(&[b"form", session.as_bytes()], &tag))
    }

    /// Makes a token of the API. The second is what its bearer shows; it is told this once.
    pub(crate) fn issue(
        &self,
        person: Person,
        note: &str,
        now: u64,
        ends: u64,
    ) -> Result<(Token, String), StoreError> {
        let shown = format!("tg_{}", BASE64URL_NOPAD.encode(&random()?));
        let key = self.key(TOKENS, &shown);
        let id = BASE64URL_NOPAD.encode(&key[..9]);
        let token = Token { id, person, note: note.to_owned(), made: now, ends };
        let mut batch = Batch::new();
        batch.put_until(TOKENS, &key, json(&token)?, ends);
        self.store.write(&batch).map(drop)?;
        Ok((token, shown))
    }

    /// Whose token it is. It is looked up by its tag under the key of the store, which nobody can choose:
    /// how long that takes tells nothing of the tokens that there are.
    pub(crate) fn bearer(&self, shown: &str, now: u64) -> Result<Option<Person>, StoreError> {
        let kept = self.store.get(TOKENS, &self.key(TOKENS, shown))?;
        let token = kept.and_then(|value| serde_json::from_slice::<Token>(&value).ok());
        Ok(token.filter(|token| token.ends > now).map(|token| token.person))
    }

    /// Every token that has not ended.
    pub(crate) fn tokens(&self, now: u64) -> Result<Vec<Token>, StoreError> {
        let mut tokens = Vec::new();
        self.store.snapshot()?.scan(TOKENS, &[], &[], &mut |_, value| {
            tokens.extend(serde_json::from_slice::<Token>(value).ok().filter(|it| it.ends > now));
            ControlFlow::Continue(())
        })?;
        tokens.sort_by_key(|token| token.made);
        Ok(tokens)
    }

    /// Ends a token; whether there was one.
    pub(crate) fn revoke(&self, id: &str) -> Result<bool, StoreError> {
        let mut found = None;
        self.store.snapshot()?.scan(TOKENS, &[], &[], &mut |key, _| {
            if BASE64URL_NOPAD.encode(&key[..9.min(key.len())]) == id {
                found = Some(key.to_vec());
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        let Some(key) = found else { return Ok(false) };
        let mut batch = Batch::new();
        batch.remove(TOKENS, &key);
        self.store.write(&batch).map(|_| true)
    }

    fn keep(&self, space: Space, person: &Person, ends: u64) -> Result<String, StoreError> {
        let shown = BASE64URL_NOPAD.encode(&random()?);
        let kept = Kept { person: person.clone(), ends };
        let mut batch = Batch::new();
        batch.put_until(space, &self.key(space, &shown), json(&kept)?, ends);
        self.store.write(&batch).map(|_| shown)
    }

    fn key(&self, space: Space, shown: &str) -> [u8; 32] {
        self.secret.tag(&[space.name().as_bytes(), shown.as_bytes()])
    }

    fn may_ask(&self, who: &str, most: u32, now: u64) -> bool {
        self.asked.count(who.to_owned(), now).is_some_and(|times| times <= most)
    }
}

impl Kept {
    fn read(value: &[u8], now: u64) -> Option<Self> {
        serde_json::from_slice::<Self>(value).ok().filter(|kept| kept.ends > now)
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|error| StoreError::Failed(error.to_string()))
}

/// An address as it is compared: in lower case, without what stands around it.
pub(crate) fn folded(address: &str) -> String {
    Address::new(address).as_str().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_store::Memory;

    const NOW: u64 = 1_800_000_000;

    fn access() -> Access {
        Access::new(Arc::new(Memory::new()), 3_600).unwrap()
    }

    fn anna() -> Person {
        Person { address: "anna@example.org".into(), admin: false }
    }

    #[test]
    fn a_link_signs_in_once_and_in_its_time() {
        let access = access();
        let link = access.link(&anna(), NOW).unwrap().unwrap();
        assert_eq!(access.session(&link, NOW).unwrap(), None, "a link is no session");
        let session = access.sign_in(&link, NOW + 60).unwrap().unwrap();
        assert_eq!(access.sign_in(&link, NOW + 61).unwrap(), None, "a second time");
        assert_eq!(access.session(&session, NOW + 62).unwrap(), Some(anna()));
        assert_eq!(access.session(&session, NOW + 60 + 3_600).unwrap(), None, "it has ended");
        let late = access.link(&anna(), NOW).unwrap().unwrap();
        assert_eq!(access.sign_in(&late, NOW + LINK_SECONDS).unwrap(), None);
    }

    #[test]
    fn nobody_can_have_a_person_flooded_with_links() {
        let access = access();
        let link = |now| access.link(&anna(), now).unwrap().is_some();
        assert!((0..LINKS_AN_ADDRESS).all(|_| link(NOW)));
        assert!(!link(NOW + 1));
        assert!(link(NOW + LINK_SECONDS));
    }

    #[test]
    fn a_client_asks_no_more_often_from_many_addresses_of_its_network() {
        let access = access();
        let ask = |client: &str| access.may_ask_from(client.parse().unwrap(), NOW);
        assert!((0..LINKS_A_CLIENT).all(|n| ask(&format!("2001:db8:0:1::{n:x}"))));
        assert!(!ask("2001:db8:0:1:ffff::1"));
        assert!(ask("2001:db8:0:2::1"));
        assert!((0..LINKS_A_CLIENT).all(|_| ask("192.0.2.1")));
        assert!(!ask("::ffff:192.0.2.1"));
    }

    #[test]
    fn a_form_belongs_to_its_session() {
        let access = access();
        let form = access.form("one");
        assert!(access.is_form("one", &form));
        assert!(!access.is_form("two", &form));
        assert!(!access.is_form("one", ""));
    }

    #[test]
    fn a_token_is_told_once_listed_by_its_id_and_can_be_revoked() {
        let access = access();
        let (token, shown) = access.issue(anna(), "backup", NOW, NOW + 100).unwrap();
        assert_eq!(access.bearer(&shown, NOW).unwrap(), Some(anna()));
        assert_eq!(access.bearer(&token.id, NOW).unwrap(), None);
        assert_eq!(access.bearer(&shown, NOW + 100).unwrap(), None);
        assert_eq!(access.tokens(NOW).unwrap(), std::slice::from_ref(&token));
        assert!(access.revoke(&token.id).unwrap());
        assert!(!access.revoke(&token.id).unwrap());
        assert_eq!(access.bearer(&shown, NOW).unwrap(), None);
    }

    #[test]
    fn a_copy_of_the_store_opens_no_door() {
        let store = Arc::new(Memory::new());
        let access = Access::new(Arc::clone(&store) as Arc<dyn Store>, 3_600).unwrap();
        let link = access.link(&anna(), NOW).unwrap().unwrap();
        let snapshot = store.snapshot().unwrap();
        let _ = snapshot.scan(LINKS, &[], &[], &mut |key, value| {
            let holds = |text: &[u8]| text.windows(link.len()).any(|it| it == link.as_bytes());
            assert!(!holds(key) && !holds(value));
            ControlFlow::Continue(())
        });
    }

    #[test]
    fn only_an_admin_may_see_what_is_not_theirs() {
        assert!(anna().may("Anna@Example.org"));
        assert!(!anna().may("bert@example.org"));
        assert!(Person { admin: true, ..anna() }.may("bert@example.org"));
    }
}
