//! Size and age: what goes, when, and what never does.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

mod parts;

use std::sync::atomic::Ordering::SeqCst;

use parts::{DAY, NOW, Place, RAW, hold};
use tidegate_quarantine::{Config, Done, HoldError, ReadError};

#[tokio::test]
async fn what_is_kept_no_longer_goes() {
    let place = Place::new();
    let quarantine = place.open(Config::default());
    for nth in 0..520 {
        let raw = RAW.replace("Great offer", &format!("Offer {nth}"));
        hold(&quarantine, &raw, &["bert@example.test"], NOW + nth).await.unwrap();
    }
    assert_eq!(quarantine.expire(NOW + 30 * DAY - 1).await.unwrap(), 0);
    assert_eq!(quarantine.expire(NOW + 30 * DAY + 509).await.unwrap(), 510);
    let there_is = quarantine.counted();
    assert_eq!((there_is.entries, there_is.expired), (10, 510));
    assert_eq!(place.files().len(), 10);
}

#[tokio::test]
async fn the_oldest_make_room_and_the_young_never_do() {
    let place = Place::new();
    let config = Config { max_messages: 3, keep_at_least_hours: 24, ..Config::default() };
    let quarantine = place.open(config);
    let to = ["bert@example.test", "carl@example.test"];
    let mut ids = Vec::new();
    for nth in 0..3 {
        let raw = RAW.replace("Great offer", &format!("Offer {nth}"));
        ids.push(hold(&quarantine, &raw, &to, NOW + nth).await.unwrap());
    }
    let another = |now, which: &str| {
        let (quarantine, raw) = (&quarantine, RAW.replace("Great", which));
        async move { hold(quarantine, &raw, &to, now).await }
    };
    assert!(matches!(another(NOW + DAY - 1, "One").await, Err(HoldError::Full)));
    assert_eq!(quarantine.counted().entries, 6, "nothing went for nothing");
    another(NOW + DAY, "Another").await.unwrap();
    for id in &ids[0] {
        assert!(matches!(quarantine.show(id).await, Err(ReadError::Gone(Done::Expired))));
    }
    quarantine.show(&ids[1][0]).await.unwrap();
    assert!(matches!(another(NOW + DAY, "A third").await, Err(HoldError::Full)));
    assert_eq!(quarantine.counted().messages, 3);
}

#[tokio::test]
async fn a_bound_that_is_lowered_takes_few_writes() {
    let place = Place::new();
    let quarantine = place.open(Config::default());
    let to = ["bert@example.test", "carl@example.test"];
    for nth in 0..400 {
        let raw = RAW.replace("Great offer", &format!("Offer {nth}"));
        hold(&quarantine, &raw, &to, NOW + nth).await.unwrap();
    }
    let bytes = quarantine.counted().bytes;
    let bounds = [
        Config { max_messages: 100, ..Config::default() },
        Config { max_bytes: bytes / 8, ..Config::default() },
    ];
    for config in bounds {
        let quarantine = place.open(config.clone());
        place.store.fail_after(20);
        quarantine.expire(NOW + 2 * DAY).await.unwrap();
        assert!(place.store.writes_left.load(SeqCst) > 0, "hundreds of messages in a few writes");
        place.store.mend();
        let there_is = quarantine.counted();
        assert!(there_is.messages <= config.max_messages && there_is.bytes <= config.max_bytes);
        // One message less than there may be, at the most.
        let one = bytes / 400;
        let is_full = there_is.messages + 1 > config.max_messages
            || there_is.bytes + 2 * one > config.max_bytes;
        assert!(is_full, "{there_is:?} of {config:?}");
        assert_eq!(there_is.entries, 2 * there_is.messages);
    }
    // The youngest stay.
    let newest = quarantine.list(&Default::default()).await.unwrap().entries.remove(0);
    assert_eq!(newest.subject, "Offer 399");
}

#[tokio::test]
async fn bytes_are_bounded_too() {
    let place = Place::new();
    let config = Config { max_bytes: 10_000, keep_at_least_hours: 0, ..Config::default() };
    let quarantine = place.open(config.clone());
    for nth in 0..30 {
        let raw = format!("{}{nth}{}", RAW, "x".repeat(1_000));
        hold(&quarantine, &raw, &["bert@example.test"], NOW + nth).await.unwrap();
        assert!(quarantine.counted().bytes <= 10_000);
    }
    let huge = format!("{RAW}{}", "x".repeat(10_000));
    let held = hold(&quarantine, &huge, &["bert@example.test"], NOW).await;
    assert!(matches!(held, Err(HoldError::TooLarge)));
    let files: u64 = place.files().iter().map(|file| file.metadata().unwrap().len()).sum();
    assert_eq!(files, quarantine.counted().bytes);
    // A bound that is lowered is kept to at the next expiry.
    drop(quarantine);
    let quarantine = place.open(Config { max_bytes: 5_000, ..config });
    quarantine.expire(NOW + 100).await.unwrap();
    assert!(quarantine.counted().bytes <= 5_000);
}
