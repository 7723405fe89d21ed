//! The life of a held message: held, listed, shown, released or deleted.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

mod parts;

use parts::{DAY, Manner, Mta, NOW, Place, RAW, hold};
use tidegate_mail::Address;
use tidegate_quarantine::{
    Done, Filter, Found, LinkError, Notices, Purpose, ReadError, ReleaseError, SendError,
};

#[tokio::test]
async fn a_message_is_one_object_and_an_entry_a_recipient() {
    let place = Place::new();
    let quarantine = place.open(Default::default());
    let ids =
        hold(&quarantine, RAW, &["Bert@Example.test", "carl@example.test"], NOW).await.unwrap();
    assert_eq!(place.files().len(), 1);
    let there_is = quarantine.counted();
    assert_eq!((there_is.entries, there_is.messages, there_is.held), (2, 1, 2));
    let of = |owner: &str| Filter { owner: Some(owner.to_owned()), ..Filter::default() };
    let page = quarantine.list(&of("bert@example.TEST")).await.unwrap();
    let [bert] = &page.entries[..] else { panic!("{page:?}") };
    assert_eq!((&bert.id, bert.recipient.as_str()), (&ids[0], "Bert@Example.test"));
    assert_eq!(
        (bert.from.as_str(), bert.subject.as_str()),
        ("Anna <anna@shop.example>", "Great offer")
    );
    assert!(!format!("{bert:?}").contains("carl"), "nobody is told of another");
    assert_eq!(quarantine.owners().await.unwrap(), ["bert@example.test", "carl@example.test"]);

    quarantine.delete(&ids[0], NOW).await.unwrap();
    assert_eq!(place.files().len(), 1, "carl's is still there");
    assert!(matches!(quarantine.show(&ids[0]).await, Err(ReadError::Gone(Done::Deleted))));
    quarantine.delete(&ids[1], NOW).await.unwrap();
    assert_eq!(place.files().len(), 0);
    let there_is = quarantine.counted();
    assert_eq!(
        (there_is.entries, there_is.messages, there_is.bytes, there_is.deleted),
        (0, 0, 0, 2)
    );
}

#[tokio::test]
async fn a_list_is_paged_and_searched_newest_first() {
    let place = Place::new();
    let quarantine = place.open(Default::default());
    for nth in 0..25 {
        let raw = RAW.replace("Great offer", &format!("Offer {nth}"));
        let to = if nth % 5 == 0 { "carl@example.test" } else { "bert@example.test" };
        hold(&quarantine, &raw, &[to], NOW + nth).await.unwrap();
    }
    for (owner, count) in [(Some("bert@example.test".to_owned()), 20), (None, 25)] {
        let mut seen = Vec::new();
        let mut filter = Filter { owner, limit: Some(7), ..Filter::default() };
        loop {
            let page = quarantine.list(&filter).await.unwrap();
            assert!(page.entries.len() <= 7);
            seen.extend(page.entries.into_iter().map(|entry| entry.held_at));
            filter.after = page.next;
            if filter.after.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), count);
        assert!(seen.is_sorted_by(|a, b| a > b), "{seen:?}");
    }
    let found = |search: &str| Filter { search: Some(search.to_owned()), ..Filter::default() };
    let subjects = |page: tidegate_quarantine::Page| -> Vec<String> {
        page.entries.into_iter().map(|entry| entry.subject).collect()
    };
    assert_eq!(subjects(quarantine.list(&found("OFFER 24")).await.unwrap()), ["Offer 24"]);
    assert_eq!(quarantine.list(&found("anna@")).await.unwrap().entries.len(), 25);
    assert_eq!(quarantine.list(&found("carl")).await.unwrap().entries.len(), 5);
    assert_eq!(quarantine.list(&found("nothing of it")).await.unwrap().entries, []);
}

#[tokio::test]
async fn what_is_shown_is_text_and_never_live() {
    let place = Place::new();
    let quarantine = place.open(Default::default());
    let raw = "From: a@shop.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe=1B[2J?=\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n\
         <p onclick=\"x()\">Read <a href=\"https://evil.example/x\">this</a></p><script>steal()</script>\
         <img src=\"https://evil.example/pixel.gif\">\r\n--b\r\n\
         Content-Type: application/pdf; name=\"bill.pdf\"\r\n\r\n%PDF\r\n--b--\r\n";
    let ids = hold(&quarantine, raw, &["bert@example.test"], NOW).await.unwrap();
    let shown = quarantine.show(&ids[0]).await.unwrap();
    assert_eq!(shown.summary.subject, "Grüße\u{fffd}[2J");
    assert_eq!(shown.text.trim(), "Read this");
    let links: Vec<&str> = shown.links.iter().map(|link| link.url.as_str()).collect();
    assert_eq!(links, ["https://evil.example/x"], "a picture is not fetched, and no link");
    assert_eq!(shown.files[0].name.as_deref(), Some("bill.pdf"));
    assert_eq!(shown.envelope.client.as_deref(), Some("203.0.113.9"));
    assert_eq!(shown.signals[0].name, "LISTED");
    let json = serde_json::to_string(&shown).unwrap();
    assert!(
        !json.contains("steal()") && !json.contains("onclick") && !json.contains('\u{1b}'),
        "{json}"
    );
    assert_eq!(serde_json::from_str::<tidegate_quarantine::Shown>(&json).unwrap(), shown);
}

#[tokio::test]
async fn a_released_message_arrives_byte_for_byte_with_a_mark_that_is_good_once() {
    let mta = Mta::start(Manner::Takes).await;
    let place = Place::new();
    let quarantine = place.open(mta.config());
    let long = "x".repeat(5_000);
    let raw = format!("{RAW}.\r\n..two\r\n\r\nÜmläut {long}\r\nlast\r\n\r\n");
    let ids =
        hold(&quarantine, &raw, &["bert@example.test", "carl@example.test"], NOW).await.unwrap();
    let released = quarantine.release(&ids[0], "test", NOW).await.unwrap();
    assert_eq!(released.raw, raw.as_bytes());
    assert!(!released.twice);
    let [taken] = &mta.taken()[..] else { panic!("{:?}", mta.taken()) };
    assert_eq!(taken.message(), raw.as_bytes());
    assert_eq!(
        taken.commands[1..],
        ["MAIL FROM:<bounce@shop.example> BODY=8BITMIME", "RCPT TO:<bert@example.test>", "DATA"]
    );
    // As the milter sees it when it comes in.
    let header = &taken.data[..taken.data.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 2];
    let (marks, bert) = (quarantine.marks(), [Address::new("bert@example.test")]);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let genuine = Found::Genuine(Purpose::Release);
    assert_eq!(marks.arrived(&taken.data, header, &bert, now).await, genuine);
    assert_eq!(
        marks.arrived(&taken.data, header, &bert, now).await,
        Found::Void("was used already")
    );
    // Its entry is gone, and the other recipient's is not.
    let again = quarantine.release(&ids[0], "test", NOW).await;
    assert!(matches!(again, Err(ReleaseError::Read(ReadError::Gone(Done::Released)))), "{again:?}");
    assert_eq!(quarantine.show(&ids[1]).await.unwrap().summary.recipient, "carl@example.test");
}

#[tokio::test]
async fn what_the_mta_does_not_take_stays_held() {
    let mta = Mta::start(Manner::Takes).await;
    let place = Place::new();
    let quarantine = place.open(mta.config());
    let id = hold(&quarantine, RAW, &["bert@example.test"], NOW).await.unwrap().remove(0);
    for manner in [Manner::RefusesRecipients, Manner::RefusesContent, Manner::Sleeps] {
        mta.is_now(manner);
        let error = quarantine.release(&id, "test", NOW).await.unwrap_err();
        let ReleaseError::Send(error) = error else { panic!("{error}") };
        assert!(!error.may_be_delivered(), "{manner:?}: {error}");
        assert!(error.to_string().contains("nothing was delivered"), "{error}");
        let notes = quarantine.show(&id).await.unwrap().summary.notes;
        assert!(!notes.iter().any(|note| note.contains("delivered twice")), "{notes:?}");
    }
    assert_eq!((mta.taken().len(), quarantine.counted().failed_releases), (0, 3));
    mta.is_now(Manner::Takes);
    assert!(!quarantine.release(&id, "test", NOW).await.unwrap().twice);
}

#[tokio::test]
async fn a_release_of_unknown_outcome_says_so_and_may_be_tried_again() {
    let mta = Mta::start(Manner::Vanishes).await;
    let place = Place::new();
    let quarantine = place.open(mta.config());
    let id = hold(&quarantine, RAW, &["bert@example.test"], NOW).await.unwrap().remove(0);
    let error = quarantine.release(&id, "test", NOW).await.unwrap_err();
    assert!(matches!(error, ReleaseError::Send(SendError::Unknown { .. })), "{error}");
    // The same after a restart.
    drop(quarantine);
    let quarantine = place.open(mta.config());
    let notes = quarantine.show(&id).await.unwrap().summary.notes;
    assert!(notes.iter().any(|note| note.contains("may have been delivered")), "{notes:?}");
    mta.is_now(Manner::RefusesContent);
    quarantine.release(&id, "test", NOW).await.unwrap_err();
    let notes = quarantine.show(&id).await.unwrap().summary.notes;
    assert!(notes.iter().any(|note| note.contains("may have been delivered")), "{notes:?}");
    mta.is_now(Manner::Takes);
    assert!(quarantine.release(&id, "test", NOW).await.unwrap().twice);
    assert_eq!(mta.taken().len(), 2);
}

#[tokio::test]
async fn a_copy_goes_to_all_its_recipients_or_to_none() {
    let mta = Mta::start(Manner::Takes).await;
    let place = Place::new();
    let quarantine = place.open(mta.config());
    let to = [Address::new("bert@example.test"), Address::new("carl@example.test")];
    let null = Address::new("");
    let inject = |raw: &'static [u8]| quarantine.sender().inject(raw, &null, &to, Purpose::Copy);
    inject(b"Subject: x\n\n.\nText without an end").await.unwrap();
    let taken = mta.taken().remove(0);
    assert_eq!(taken.commands[1], "MAIL FROM:<>");
    assert_eq!(taken.message(), b"Subject: x\r\n\r\n.\r\nText without an end\r\n", "{taken:?}");
    // What the client wants to be told of deliveries is asked of an MTA that can tell it; this one can't.
    let notices = Notices::new([&b"ENVID=1"[..]], [[&b"NOTIFY=SUCCESS"[..]]; 2]);
    let sender = quarantine.sender();
    sender.inject_with(b"\r\n", &null, &to, Purpose::Copy, &notices).await.unwrap();
    let commands = mta.taken().remove(1).commands.join("\n");
    assert!(commands.contains("RCPT TO:<carl@example.test>"), "{commands}");
    assert!(!commands.contains("NOTIFY") && !commands.contains("ENVID"), "{commands}");
    mta.is_now(Manner::RefusesRecipients);
    assert!(matches!(inject(b"\r\n").await, Err(SendError::Refused { .. })));
    let bad = [Address::new("x\r\nRCPT TO:<y@z>")];
    let sent = quarantine.sender().inject(b"\r\n", &null, &bad, Purpose::Copy).await;
    assert!(matches!(sent, Err(SendError::Address(_))));
}

#[tokio::test]
async fn a_link_leads_to_its_entry_until_it_is_released() {
    let mta = Mta::start(Manner::Takes).await;
    let place = Place::new();
    let quarantine = place.open(mta.config());
    let id = hold(&quarantine, RAW, &["bert@example.test"], NOW).await.unwrap().remove(0);
    let token = quarantine.release_token(&id, NOW + DAY);
    assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{token}");
    // Asking twice is no harm: only a release uses it up.
    for _ in 0..2 {
        assert_eq!(quarantine.redeem(&token, NOW).await.unwrap().id, id);
    }
    assert!(matches!(quarantine.redeem(&token, NOW + DAY + 1).await, Err(LinkError::Expired)));
    let other = hold(&quarantine, RAW, &["carl@example.test"], NOW).await.unwrap().remove(0);
    for forged in [token.replace(id.as_str(), other.as_str()), token[1..].to_owned(), String::new()]
    {
        assert!(
            matches!(quarantine.redeem(&forged, NOW).await, Err(LinkError::Forged)),
            "{forged}"
        );
    }
    quarantine.release(&id, "link", NOW).await.unwrap();
    let used = quarantine.redeem(&token, NOW).await;
    assert!(matches!(used, Err(LinkError::Read(ReadError::Gone(Done::Released)))), "{used:?}");
}
