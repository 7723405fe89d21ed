//! Known correspondents, over a store on disk.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::sync::Arc;

use tempfile::TempDir;
use tidegate_checks::authentication::{AuthResult, Authentication, Dkim, Spf};
use tidegate_mail::{Address, Bounds, Envelope, Message};
use tidegate_policy::Correspondence::{self, Joined, RepliesToUs, WroteTo, WroteToList};
use tidegate_policy::ListAddress;
use tidegate_policy::correspondents::{Config, Memory, Noted, Sent};
use tidegate_store::{Batch, Embedded, Snapshot, Space, Store, StoreError, Written};

const DAY: u64 = 86_400;
const NOW: u64 = 1_795_000_000;

fn store(dir: &TempDir) -> Arc<dyn Store> {
    Arc::new(Embedded::open(dir.path()).unwrap().store)
}

fn by_spf(domain: &str) -> Authentication {
    let spf = Spf { result: AuthResult::Pass, domain: domain.to_owned(), ..Spf::default() };
    Authentication { spf, ..Authentication::default() }
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
    let recipients = expect.iter().map(|(to, _)| Address::new(to)).collect();
    let envelope = Envelope { recipients, ..Envelope::default() };
    let proved = by_spf(Address::new(from).domain().unwrap());
    let found = memory.known(&envelope, &message, &proved, &Config::default(), now).unwrap();
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
    let mail = Message::parse(b"From: bert@shop.example\r\n\r\n", &Bounds::default());
    let recipients = vec![Address::new("anna@site.example")];
    let envelope = Envelope { recipients, ..Envelope::default() };
    let known = memory.known(&envelope, &mail, &by_spf("shop.example"), &Config::default(), NOW);
    assert!(matches!(known, Err(StoreError::Failed(_))), "{known:?}");
}

/// What Anna, who wrote to `wrote` with this subject, has with mail that this proves.
#[track_caller]
fn joined(
    wrote: &[(&str, &str)],
    fields: &str,
    proved: &Authentication,
    expect: Option<Correspondence>,
) {
    let dir = TempDir::new().unwrap();
    let memory = Memory::open(store(&dir)).unwrap();
    let config = Config::default();
    for at_once in [true, false] {
        let each: Vec<Sent> = wrote.iter().map(|(to, subject)| wish(to, subject)).collect();
        if at_once {
            memory.note(&each, &config, NOW).unwrap();
        } else {
            memory.forget(&Address::new("anna@site.example")).unwrap();
            each.iter().for_each(|sent| {
                memory.note(std::slice::from_ref(sent), &config, NOW).unwrap();
            });
        }
        let raw = format!("From: Bert <bert@shop.example>\r\n{fields}\r\n");
        let message = Message::parse(raw.as_bytes(), &Bounds::default());
        let to = ["anna@site.example", "carl@site.example"];
        let envelope = Envelope {
            sender: Some(Address::new("news-bounces+anna=site.example@lists.example")),
            recipients: to.iter().map(|to| Address::new(to)).collect(),
            ..Envelope::default()
        };
        let found = memory.known(&envelope, &message, proved, &config, NOW).unwrap();
        assert_eq!(found, [expect, None], "{wrote:?} {fields} {at_once}");
    }
}

fn wish(to: &str, subject: &str) -> Sent {
    let envelope = Envelope {
        authenticated: Some("login".to_owned()),
        sender: Some(Address::new("anna@site.example")),
        recipients: vec![Address::new(to)],
        ..Envelope::default()
    };
    let raw = format!("Subject: {subject}\r\n\r\n");
    let message = Message::parse(raw.as_bytes(), &Bounds::default());
    Sent::of(&envelope, &message, &Config::default()).unwrap()
}

fn signed(domain: &str, covers: &str) -> Authentication {
    let covers = covers.split(':').map(str::to_owned).collect();
    let domain = domain.to_owned();
    let dkim = Dkim { result: AuthResult::Pass, domain, covers, ..Dkim::default() };
    Authentication { dkim: vec![dkim], ..Authentication::default() }
}

const LIST: &str = "List-Id: News <news.lists.example>\r\n";

#[test]
fn who_joined_a_list_or_confirmed_it_has_asked_for_its_mail() {
    let signed = signed("lists.example", "from:list-id");
    for to in [
        "news-join@lists.example",
        "news-confirm+0123456789abcdef@lists.example",
        "news+confsub-0123456789abcdef@lists.example",
        "news-sc.1200000000.abcdef-anna=site.example@lists.example",
    ] {
        joined(&[(to, "Re: confirm")], LIST, &signed, Some(Joined(ListAddress::Id)));
        joined(&[(to, "")], "", &by_spf("lists.example"), Some(Joined(ListAddress::Sender)));
    }
    let request = [("news-request@lists.example", "subscribe")];
    joined(&request, LIST, &signed, Some(Joined(ListAddress::Id)));
    let subscribe = "List-Subscribe: <https://lists.example/>,\r\n <mailto:News-join@lists.example?subject=x>\r\n";
    let by_field = self::signed("lists.example", "from:list-subscribe");
    joined(&request, subscribe, &by_field, Some(Joined(ListAddress::Subscribe)));
    joined(&[("info-join@lists.example", "")], LIST, &signed, None);
}

#[test]
fn who_confirmed_to_an_organisation_has_asked_for_its_mail() {
    let wrote = [("confirm-8d8f7d@mail.shop.example", "Re: Please confirm")];
    let organisation = Some(Joined(ListAddress::Organisation));
    joined(&wrote, "", &by_spf("shop.example"), organisation);
    joined(&wrote, "", &signed("shop.example", "from"), organisation);
    joined(&wrote, "", &by_spf("other.example"), None);
    // To have written to one person there is another matter.
    joined(&[("carl@shop.example", "")], "", &by_spf("shop.example"), None);
}

#[test]
fn who_wrote_to_the_addresses_of_a_list_has_asked_for_its_mail() {
    let by_spf = by_spf("lists.example");
    let wrote = [("news@lists.example", "")];
    joined(&wrote, LIST, &by_spf, Some(WroteToList(ListAddress::Id)));
    let post = "List-Post: <mailto:news@lists.example>\r\n";
    joined(&wrote, post, &by_spf, Some(WroteToList(ListAddress::Post)));
    let reply = "Reply-To: News <news@lists.example>\r\n";
    joined(&wrote, reply, &by_spf, Some(WroteToList(ListAddress::ReplyTo)));
    let way_out = "List-Unsubscribe: <mailto:news@lists.example?subject=unsubscribe>\r\n";
    joined(&wrote, way_out, &by_spf, None);
}

#[test]
fn whoever_names_a_list_without_proving_it_gains_nothing() {
    let wrote = [("news-join@lists.example", ""), ("news@lists.example", "")];
    let all = "List-Id: <news.lists.example>\r\nList-Post: <mailto:news@lists.example>\r\n\
               List-Subscribe: <mailto:news-join@lists.example>\r\nReply-To: news@lists.example\r\n";
    joined(&wrote, all, &by_spf("evil.example"), None);
    joined(&wrote, all, &signed("evil.example", "from:list-id:list-post:reply-to"), None);
    joined(&wrote, all, &signed("lists.example", "from:subject"), None);
    joined(&wrote, all, &signed("lists.example", "list-id"), None);
    joined(&wrote, all, &Authentication::default(), None);
    let anyone = Authentication {
        spf: Spf { allows_all: true, ..by_spf("lists.example").spf },
        ..Authentication::default()
    };
    joined(&wrote, all, &anyone, None);
}

#[test]
fn who_leaves_a_list_has_asked_for_no_more_of_it() {
    let by_spf = by_spf("lists.example");
    let (join, leave) = (("news-join@lists.example", ""), ("news-leave@lists.example", ""));
    joined(&[join, leave], LIST, &by_spf, None);
    joined(&[leave, join], LIST, &by_spf, Some(Joined(ListAddress::Id)));
    joined(&[join, leave, join], LIST, &by_spf, Some(Joined(ListAddress::Id)));
    joined(&[join, ("news-request@lists.example", "unsubscribe")], LIST, &by_spf, None);
    joined(&[leave], "List-Unsubscribe: <mailto:news-leave@lists.example>\r\n", &by_spf, None);
}
