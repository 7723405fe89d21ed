//! Disks that are full, processes that are killed, indexes that are lost: nothing is lost with them.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

mod parts;

use std::sync::atomic::Ordering::SeqCst;

use parts::{DAY, Flaky, Manner, Mta, NOW, Place, RAW, hold};
use tidegate_quarantine::{Config, HoldError, Recovered, UnansweredCopies};
use tidegate_store::{Batch, Space, Store, Written};

const BOTH: [&str; 2] = ["bert@example.test", "carl@example.test"];

#[tokio::test]
async fn a_message_that_cannot_be_stored_is_not_said_to_be_held() {
    let place = Place::new();
    let quarantine = place.open(Config::default());
    place.objects.is_full.store(true, SeqCst);
    assert!(matches!(hold(&quarantine, RAW, &BOTH, NOW).await, Err(HoldError::Objects(_))));
    place.objects.is_full.store(false, SeqCst);
    place.store.fail_after(0);
    assert!(matches!(hold(&quarantine, RAW, &BOTH, NOW).await, Err(HoldError::Store(_))));
    place.store.mend();
    // It was delivered instead: nothing of it stays, and there is room as before.
    assert_eq!(place.files(), [""; 0].map(std::path::PathBuf::from));
    let there_is = quarantine.counted();
    assert_eq!((there_is.entries, there_is.messages, there_is.bytes), (0, 0, 0));
    assert_eq!((there_is.held, there_is.failed_holds), (0, 2));
    hold(&quarantine, RAW, &BOTH, NOW).await.unwrap();
}

#[tokio::test]
async fn what_a_crash_left_between_object_and_index_comes_back() {
    let place = Place::new();
    let quarantine = place.open(Config::default());
    hold(&quarantine, RAW, &BOTH, NOW).await.unwrap();
    let object = place.files().remove(0);
    // The process ends before the index is written: as if the store had never seen it.
    let crashed = Place { store: Default::default(), ..place };
    let quarantine = crashed.open(Config::default());
    assert_eq!(quarantine.counted().entries, 0);
    let told = quarantine.recover().await.unwrap();
    assert_eq!(told, Recovered { messages: 1, ..Recovered::default() });
    let page = quarantine.list(&Default::default()).await.unwrap();
    assert!(page.entries[0].notes[0].contains("without an entry"), "{page:?}");
    // Its sender, who was told nothing, sends it again, over another host.
    let again = RAW.replace("mail.shop.example by", "mail2.shop.example by");
    let ids = hold(&quarantine, &again, &BOTH, NOW + 600).await.unwrap();
    let page = quarantine.list(&Default::default()).await.unwrap();
    let listed: Vec<_> = page.entries.iter().map(|entry| entry.id.clone()).collect();
    assert_eq!(listed.len(), 2, "{page:?}");
    assert!(ids.iter().all(|id| listed.contains(id)), "{page:?}");
    assert!(!object.exists() && crashed.files().len() == 1, "the first copy went");
    assert_eq!(quarantine.counted().messages, 1);
}

#[tokio::test]
async fn a_confirmed_message_is_not_replaced_by_one_that_is_sent_again() {
    let place = Place::new();
    let quarantine = place.open(Config::default());
    let first = hold(&quarantine, RAW, &BOTH, NOW).await.unwrap();
    let page = quarantine.list(&Default::default()).await.unwrap();
    assert!(page.entries[0].notes[0].contains("may be here or in the mailbox twice"), "{page:?}");
    quarantine.confirm(&first).await.unwrap();
    hold(&quarantine, RAW, &BOTH, NOW + 5).await.unwrap();
    let there_is = quarantine.counted();
    assert_eq!((there_is.entries, there_is.messages), (4, 2));
    let page = quarantine.list(&Default::default()).await.unwrap();
    assert_eq!(page.entries.iter().filter(|entry| entry.notes.is_empty()).count(), 2);
    // Another message of the same sender is another message.
    hold(&quarantine, &RAW.replace("Buy", "Sell"), &BOTH, NOW + 6).await.unwrap();
    assert_eq!(quarantine.counted().messages, 3);
}

#[tokio::test]
async fn what_is_held_already_is_not_delivered_because_it_cannot_be_held_again() {
    let place = Place::new();
    let quarantine = place.open(Config::default());
    let first = hold(&quarantine, RAW, &BOTH, NOW).await.unwrap();
    // The MTA was not answered; when its sender tries again, the disk is full.
    place.objects.is_full.store(true, SeqCst);
    assert_eq!(hold(&quarantine, RAW, &BOTH, NOW + 600).await.unwrap(), first);
    assert_eq!(hold(&quarantine, RAW, &BOTH[1..], NOW + 600).await.unwrap(), first[1..]);
    quarantine.confirm(&first).await.unwrap();
    let there_is = quarantine.counted();
    assert_eq!((there_is.entries, there_is.messages, there_is.failed_holds), (2, 1, 0));
    // That one of them has dealt with it is as good; that it expired unseen is not.
    quarantine.delete(&first[0], NOW + 700).await.unwrap();
    hold(&quarantine, RAW, &BOTH, NOW + 800).await.unwrap();
    quarantine.expire(NOW + 31 * DAY).await.unwrap();
    hold(&quarantine, RAW, &BOTH, NOW + 900).await.unwrap_err();
    // Another message, or one to somebody else as well, is not held.
    let other = RAW.replace("Buy", "Sell");
    hold(&quarantine, &other, &BOTH, NOW + 600).await.unwrap_err();
    let more = [BOTH[0], BOTH[1], "dora@example.test"];
    hold(&quarantine, RAW, &more, NOW + 600).await.unwrap_err();
}

#[tokio::test]
async fn copies_that_may_come_twice_are_known() {
    let place = Place::new();
    let quarantine = place.open(Config::default());
    let copies = |reference: &str| UnansweredCopies {
        reference: reference.to_owned(),
        recipients: 3,
        since: NOW,
    };
    let sender = "anna@shop.example";
    let note = quarantine.note_copies(RAW.as_bytes(), sender, copies("4A")).await.unwrap();
    assert_eq!(note.1, None);
    // A crash; its sender tries again over another host.
    let quarantine = place.open(Config::default());
    assert_eq!(quarantine.unanswered_copies().await.unwrap(), [copies("4A")]);
    let again = RAW.replace("mail.shop.example by", "mail2.shop.example by");
    let (note, before) =
        quarantine.note_copies(again.as_bytes(), sender, copies("4B")).await.unwrap();
    assert_eq!(before, Some(copies("4A")));
    let other = quarantine.note_copies(RAW.as_bytes(), "", copies("4C")).await.unwrap();
    assert_eq!(other.1, None, "of another sender it is another message");
    quarantine.forget_copies(&[note, other.0]).await.unwrap();
    assert_eq!(quarantine.unanswered_copies().await.unwrap(), []);
}

#[tokio::test]
async fn an_index_that_was_lost_is_made_anew_of_the_objects() {
    let place = Place::new();
    let quarantine = place.open(Config::default());
    for nth in 0..20 {
        let raw = RAW.replace("Great offer", &format!("Offer {nth}"));
        hold(&quarantine, &raw, &BOTH, NOW + nth).await.unwrap();
    }
    let before = quarantine.list(&Default::default()).await.unwrap();
    let there_was = quarantine.counted();
    std::fs::write(place.dir.path().join("notes.txt"), "not ours").unwrap();
    std::fs::create_dir_all(place.dir.path().join("zz")).unwrap();
    std::fs::write(place.dir.path().join("zz/zzz.held"), "damaged").unwrap();

    let place = Place { store: Default::default(), ..place };
    let quarantine = place.open(Config::default());
    let told = quarantine.recover().await.unwrap();
    assert_eq!(told, Recovered { messages: 20, removed: 0, unreadable: 1 });
    let after = quarantine.list(&Default::default()).await.unwrap();
    let bare = |page: tidegate_quarantine::Page| -> Vec<_> {
        let bare = |mut entry: tidegate_quarantine::Summary| {
            entry.notes.clear();
            entry
        };
        page.entries.into_iter().map(bare).collect()
    };
    assert_eq!(bare(after), bare(before));
    let there_is = quarantine.counted();
    assert_eq!(
        (there_is.entries, there_is.messages, there_is.bytes),
        (there_was.entries, there_was.messages, there_was.bytes)
    );
    // Doing it again finds nothing to do.
    assert_eq!(quarantine.recover().await.unwrap().messages, 0);
    // The totals are those that a start counts.
    assert_eq!(place.open(Config::default()).counted(), quarantine.counted());
}

#[tokio::test]
async fn what_a_damaged_store_has_lost_of_a_message_comes_back() {
    let place = Place::new();
    let quarantine = place.open(Config::default());
    let ids = hold(&quarantine, RAW, &BOTH, NOW).await.unwrap();
    hold(&quarantine, &RAW.replace("Buy", "Sell"), &BOTH, NOW).await.unwrap();
    let mut lost = Batch::new();
    let key = [BOTH[0].as_bytes(), &[0], ids[0].as_str().as_bytes()].concat();
    lost.remove(Space::new("quarantine.entry"), &key);
    lost.remove(Space::new("quarantine.id"), ids[0].as_str().as_bytes());
    assert_eq!(place.store.write(&lost).unwrap(), Written::Done);
    quarantine.show(&ids[0]).await.unwrap_err();
    let told = quarantine.recover().await.unwrap();
    assert_eq!(told, Recovered { messages: 1, ..Recovered::default() });
    let shown = quarantine.show(&ids[0]).await.unwrap();
    assert_eq!(shown.summary.recipient, BOTH[0]);
    assert!(shown.summary.notes[0].contains("without an entry"), "{:?}", shown.summary.notes);
    // What is left of a lost one keeps nothing else from expiring.
    assert_eq!(place.store.write(&lost).unwrap(), Written::Done);
    assert_eq!(quarantine.expire(NOW + 31 * DAY).await.unwrap(), 3);
}

#[tokio::test]
async fn an_object_whose_removal_failed_goes_at_the_next_start_and_does_not_come_back() {
    let place = Place::new();
    let quarantine = place.open(Config::default());
    let id = hold(&quarantine, RAW, &["bert@example.test"], NOW).await.unwrap().remove(0);
    let object = place.files().remove(0);
    let copy = std::fs::read(&object).unwrap();
    // One write for the index; none to forget the object, as if the process had ended before.
    place.store.fail_after(1);
    quarantine.delete(&id, NOW).await.unwrap();
    std::fs::write(&object, copy).unwrap();
    place.store.mend();
    let quarantine = place.open(Config::default());
    let told = quarantine.recover().await.unwrap();
    assert_eq!(told, Recovered { removed: 1, ..Recovered::default() });
    assert!(!object.exists());
    assert_eq!(quarantine.counted().entries, 0);
}

#[tokio::test]
async fn a_release_that_a_crash_cut_short_is_known_as_such() {
    let mta = Mta::start(Manner::Takes).await;
    let place = Place::new();
    let quarantine = place.open(mta.config());
    let id = hold(&quarantine, RAW, &["bert@example.test"], NOW).await.unwrap().remove(0);
    // That it begins is written; that it ended is not.
    place.store.fail_after(1);
    quarantine.release(&id, "test", NOW).await.unwrap();
    assert_eq!(mta.taken().len(), 1);
    place.store.mend();
    let quarantine = place.open(mta.config());
    let notes = quarantine.show(&id).await.unwrap().summary.notes;
    assert!(notes.iter().any(|note| note.contains("delivered twice")), "{notes:?}");
    // Before it begins, it can't be written that it does: nothing is given to the MTA.
    place.store.fail_after(0);
    quarantine.release(&id, "test", NOW).await.unwrap_err();
    assert_eq!(mta.taken().len(), 1);
    place.store.mend();
    assert!(quarantine.release(&id, "test", NOW).await.unwrap().twice);
}

#[tokio::test]
async fn a_caller_who_goes_away_in_the_middle_leaves_all_or_nothing() {
    let place = Place::new();
    let quarantine = place.open(Config::default());
    for polls in 0..12 {
        let raw = RAW.replace("Great offer", &format!("Offer {polls}"));
        let mut holding = Box::pin(hold(&quarantine, &raw, &BOTH, NOW + polls));
        for _ in 0..polls {
            let step = std::time::Duration::from_micros(200);
            if tokio::time::timeout(step, &mut holding).await.is_ok() {
                break;
            }
        }
        drop(holding);
    }
    // What threads had begun ends.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let held_by_the_index = quarantine.counted();
    let quarantine = place.open(Config::default());
    quarantine.recover().await.unwrap();
    let there_is = quarantine.counted();
    assert_eq!(there_is.messages as usize, place.files().len());
    assert_eq!(there_is.entries, 2 * there_is.messages);
    assert!(there_is.messages >= held_by_the_index.entries / 2);
    let page = quarantine.list(&Default::default()).await.unwrap();
    for entry in page.entries {
        quarantine.show(&entry.id).await.unwrap();
    }
}

#[tokio::test]
async fn an_object_that_is_missing_is_told() {
    let place = Place::new();
    let quarantine = place.open(Config::default());
    let id = hold(&quarantine, RAW, &["bert@example.test"], NOW).await.unwrap().remove(0);
    std::fs::remove_file(place.files().remove(0)).unwrap();
    let error = quarantine.show(&id).await.unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
    quarantine.delete(&id, NOW).await.unwrap();
}

#[tokio::test]
async fn an_index_that_contradicts_itself_ends_every_call() {
    let place = Place::new();
    let quarantine = place.open(Config::default());
    let ids = hold(&quarantine, RAW, &BOTH, NOW).await.unwrap();
    let (entry, owner) = (Space::new("quarantine.entry"), Space::new("quarantine.id"));
    let key = [BOTH[0].as_bytes(), &[0], ids[0].as_str().as_bytes()].concat();
    let value = place.store.get(entry, &key).unwrap().unwrap();
    let other = String::from_utf8(value).unwrap().replace(BOTH[0], "beat@example.test");
    let mut damage = Batch::new();
    // One says that it is another's, and whose the second is was lost.
    damage.put(entry, &key, other.into_bytes());
    damage.remove(owner, ids[1].as_str().as_bytes());
    assert_eq!(place.store.write(&damage).unwrap(), Written::Done);

    quarantine.delete(&ids[0], NOW).await.unwrap_err();
    quarantine.confirm(&ids[..1]).await.unwrap_err();
    quarantine.recover().await.unwrap();
    let shown = quarantine.show(&ids[1]).await.unwrap();
    assert_eq!(shown.summary.recipient, BOTH[1]);
    assert_eq!(quarantine.expire(NOW + 40 * DAY).await.unwrap(), 1);
}

#[tokio::test]
async fn an_object_whose_record_says_that_it_was_held_at_the_end_of_time_is_entered() {
    let place = Place::new();
    hold(&place.open(Config::default()), RAW, &BOTH, NOW).await.unwrap();
    let file = place.files().remove(0);
    let mut object = std::fs::read(&file).unwrap();
    let at = object.windows(9).position(|nine| nine == b"\"held_at\"").unwrap();
    let held_at = format!("\"held_at\":{NOW}");
    assert!(object[at..].starts_with(held_at.as_bytes()));
    let end = u64::MAX.to_string();
    object.splice(at + 10..at + held_at.len(), end.bytes());
    // The record has become longer by so much.
    let text = String::from_utf8(object).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    let (magic, length) = first.rsplit_once(' ').unwrap();
    let length = length.parse::<usize>().unwrap() + end.len() - NOW.to_string().len();
    std::fs::write(&file, format!("{magic} {length}\n{rest}")).unwrap();
    let place = Place { store: Default::default(), ..place };
    assert_eq!(place.open(Config::default()).recover().await.unwrap().messages, 1);
}

#[test]
fn the_store_of_these_tests_fails_when_told_to() {
    let store = Flaky::default();
    let mut batch = Batch::new();
    batch.put(Space::new("test"), b"a", vec![1]);
    store.fail_after(1);
    assert!(store.write(&batch).is_ok());
    assert!(store.write(&batch).is_err());
}
