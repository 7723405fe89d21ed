//! Known correspondents, over a store on disk.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::sync::Arc;

use tempfile::TempDir;
use tidegate_mail::{Address, Bounds, Envelope, Message};
use tidegate_policy::Correspondence::{self, RepliesToUs, WroteTo};
use tidegate_policy::correspondents::{Config, Memory, Noted, Sent};
use tidegate_store::{Batch, Embedded, Snapshot, Space, Store, StoreError, Written};

const DAY: u64 = 86_400;
const NOW: u64 = 1_795_000_000;

fn store(dir: &TempDir) -> Arc<dyn Store> {
    Arc::new(Embedded::open(dir.path()).unwrap().store)
}

fn sent(user: &str, to: &[&str], id: &str) -> Sent {
    let envelope = Envelope {
        authenticated: Some("login".to_owned()),
        sender: Some(Address::new(user)),
        recipients: to.iter().map(|to| Address::new(to)).collect(),
        ..Envelope::default()
    };
    let raw = format!("Message-ID: <{id}>\r\n\r\n");
    let message = Message::parse(raw.as_bytes(), &Bounds::default());
    Sent::of(&envelope, &message, &Config::default()).unwrap()
}

#[track_caller]
fn check(
    memory: &Memory,
    now: u64,
    from: &str,
    fields: &str,
    expect: &[(&str, Option<Correspondence>)],
) {
    let raw = format!("From: {from}\r\n{fields}\r\n");
    let message = Message::parse(raw.as_bytes(), &Bounds::default());
    let recipients: Vec<Address> = expect.iter().map(|(to, _)| Address::new(to)).collect();
    let author = Address::new(from);
    let found = memory.of(&recipients, &author, &message, &Config::default(), now).unwrap();
    assert_eq!(found, expect.iter().map(|(_, known)| *known).collect::<Vec<_>>());
}

#[test]
fn each_recipient_knows_whom_he_wrote_to_and_no_other_does() {
    let dir = TempDir::new().unwrap();
    let memory = Memory::open(store(&dir)).unwrap();
    let sent = sent("anna@site.example", &["bert@shop.example"], "1@site.example");
    let config = Config::default();
    let noted = memory.note(std::slice::from_ref(&sent), &config, NOW).unwrap();
    assert_eq!(noted, Noted { new: 2, ..Noted::default() });
    let known = [("Anna+list@site.example", Some(WroteTo)), ("carl@site.example", None)];
    check(&memory, NOW, "Bert@Shop.example", "", &known);
    check(&memory, NOW, "eve@shop.example", "", &[("anna@site.example", None)]);
    // Written once a day.
    assert_eq!(
        memory.note(std::slice::from_ref(&sent), &config, NOW + 60).unwrap(),
        Noted::default()
    );
    let noted = memory.note(&[sent], &config, NOW + DAY).unwrap();
    assert_eq!(noted, Noted { renewed: 2, ..Noted::default() });
}

#[test]
fn an_answer_is_known_by_the_message_that_it_names() {
    let dir = TempDir::new().unwrap();
    let memory = Memory::open(store(&dir)).unwrap();
    let sent = sent("anna@site.example", &["info@shop.example"], "1@site.example");
    memory.note(&[sent], &Config::default(), NOW).unwrap();
    let thread = "References: <0@x.example>\r\n <1@site.example> <2@shop.example>\r\n";
    for fields in ["In-Reply-To: <1@site.example>\r\n", thread] {
        let known = [("anna@site.example", Some(RepliesToUs)), ("carl@site.example", None)];
        check(&memory, NOW, "bert@shop.example", fields, &known);
    }
    let other = "In-Reply-To: <9@site.example>\r\n";
    check(&memory, NOW, "bert@shop.example", other, &[("anna@site.example", None)]);
}

#[test]
fn it_ends_with_its_days_whether_the_store_has_tidied_or_not() {
    let dir = TempDir::new().unwrap();
    let store = store(&dir);
    let memory = Memory::open(Arc::clone(&store)).unwrap();
    let sent = sent("anna@site.example", &["bert@shop.example"], "1@site.example");
    memory.note(&[sent], &Config::default(), NOW).unwrap();
    let answer = "In-Reply-To: <1@site.example>\r\n";
    let at = |days: u64, from: &str, expect| {
        check(&memory, NOW + days * DAY, from, answer, &[("anna@site.example", expect)]);
    };
    at(90, "carl@shop.example", Some(RepliesToUs));
    at(91, "carl@shop.example", None);
    at(365, "bert@shop.example", Some(WroteTo));
    at(366, "bert@shop.example", None);
    assert_eq!(store.expire(NOW + 366 * DAY, 10).unwrap(), 2);
}

#[test]
fn neither_a_user_nor_all_of_them_fill_it() {
    let dir = TempDir::new().unwrap();
    let memory = Memory::open(store(&dir)).unwrap();
    let config = Config { max_new_per_day: 10, max_entries: 25, ..Config::default() };
    let many = |user: &str| -> Vec<Sent> {
        (0..20).map(|n| sent(user, &[&format!("r{n}@shop.example")], &format!("{n}@s"))).collect()
    };
    let note = |user: &str, now| memory.note(&many(user), &config, now).unwrap();
    assert_eq!(note("anna@site.example", NOW), Noted { new: 10, renewed: 0, refused: 30 });
    assert_eq!(note("anna@site.example", NOW + 60).new, 0, "the day's share is used up");
    assert_eq!(note("bert@site.example", NOW).new, 10);
    assert_eq!(note("carl@site.example", NOW).new, 5, "it is full");
    // The next day renews what is known, and lets nothing new in.
    assert_eq!(note("anna@site.example", NOW + DAY), Noted { new: 0, renewed: 10, refused: 30 });
}

#[test]
fn the_store_tells_nobody_who_writes_to_whom_and_a_user_can_be_forgotten() {
    let dir = TempDir::new().unwrap();
    let store = store(&dir);
    let memory = Memory::open(Arc::clone(&store)).unwrap();
    let to = ["bert@shop.example"];
    let sent = [sent("anna@site.example", &to, "1@s"), sent("carl@site.example", &to, "2@s")];
    memory.note(&sent, &Config::default(), NOW).unwrap();
    drop(memory);
    drop(store);
    let bytes = std::fs::read(dir.path().join(tidegate_store::FILE_NAME)).unwrap();
    for word in ["anna", "bert", "shop.example"] {
        assert!(!bytes.windows(word.len()).any(|at| at == word.as_bytes()), "{word}");
    }
    let memory = Memory::open(self::store(&dir)).unwrap();
    let anna = Address::new("anna@site.example");
    assert_eq!(memory.held_on(&anna).unwrap(), (1, 1));
    assert_eq!(memory.forget(&anna).unwrap(), 2);
    check(
        &memory,
        NOW,
        "bert@shop.example",
        "",
        &[("anna@site.example", None), ("carl@site.example", Some(WroteTo))],
    );
}

/// A store whose disk has gone.
struct Gone(tidegate_store::Memory);

impl Store for Gone {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(space, key)
    }
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, StoreError> {
        Err(StoreError::Failed("gone".to_owned()))
    }
    fn write(&self, batch: &Batch) -> Result<Written, StoreError> {
        self.0.write(batch)
    }
    fn expire(&self, now: u64, most: usize) -> Result<usize, StoreError> {
        self.0.expire(now, most)
    }
}

#[test]
fn a_store_that_fails_is_told_as_such() {
    let memory = Memory::open(Arc::new(Gone(tidegate_store::Memory::new()))).unwrap();
    let message = Message::parse(b"\r\n", &Bounds::default());
    let anna = Address::new("anna@site.example");
    let known = memory.of(std::slice::from_ref(&anna), &anna, &message, &Config::default(), NOW);
    assert!(matches!(known, Err(StoreError::Failed(_))), "{known:?}");
}
