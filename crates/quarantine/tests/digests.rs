//! Digests: who gets one, when, and how often.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

mod parts;

use parts::{DAY, Manner, Mta, NOW, Place, RAW, hold};
use tidegate_mail::{Bounds, Message};
use tidegate_quarantine::{Addressee, Config, DigestConfig, Digested};

/// One o'clock in the morning, UTC, of the day of `NOW`.
const NIGHT: u64 = NOW / DAY * DAY + 3_600;

fn bert(hour: u8) -> Addressee {
    let address = "bert@example.test".to_owned();
    Addressee { owner: address.clone(), address, hour }
}

fn config(mta: &Mta) -> Config {
    let digest = DigestConfig {
        enabled: true,
        from: Some("postmaster@example.test".to_owned()),
        public_url: Some("https://mail.example.test/".to_owned()),
    };
    Config { digest, ..mta.config() }
}

#[tokio::test]
async fn a_day_has_one_digest_at_its_hour_whoever_restarts() {
    let mta = Mta::start(Manner::Takes).await;
    let place = Place::new();
    let quarantine = place.open(config(&mta));
    hold(&quarantine, RAW, &["bert@example.test"], NIGHT).await.unwrap();
    hold(&quarantine, &RAW.replace("offer", "prize"), &["bert@example.test"], NIGHT).await.unwrap();
    hold(&quarantine, RAW, &["carl@example.test"], NIGHT).await.unwrap();
    let bert = bert(7);
    assert_eq!(quarantine.digest(&bert, NIGHT, 0).await.unwrap(), Digested::NotNow);
    // Clocks that are six hours ahead show seven already.
    assert_eq!(quarantine.digest(&bert, NIGHT, 6 * 3_600).await.unwrap(), Digested::Sent(2));
    assert_eq!(quarantine.digest(&bert, NIGHT + 60, 6 * 3_600).await.unwrap(), Digested::NotNow);
    drop(quarantine);
    let quarantine = place.open(config(&mta));
    assert_eq!(quarantine.digest(&bert, NIGHT + 120, 6 * 3_600).await.unwrap(), Digested::NotNow);
    // The next day tells what is new, though the machine was off at the hour.
    hold(&quarantine, &RAW.replace("offer", "loan"), &["bert@example.test"], NIGHT + 600)
        .await
        .unwrap();
    let late = NIGHT + DAY + 20 * 3_600;
    assert_eq!(quarantine.digest(&bert, late, 0).await.unwrap(), Digested::Sent(1));
    assert_eq!(quarantine.digest(&bert, late + DAY, 0).await.unwrap(), Digested::Nothing);

    let taken = mta.taken();
    assert_eq!(taken.len(), 2);
    let mail = Message::parse(taken[0].message(), &Bounds::default());
    assert_eq!(mail.subject(), Some("2 new messages in your quarantine"));
    assert!(mail.plain().contains("Great prize") && mail.plain().contains("Great offer"));
    assert!(!mail.plain().contains("carl"));
    let token = mail.plain().split("/q/release?token=").nth(1).unwrap().lines().next().unwrap();
    assert_eq!(quarantine.redeem(token, NIGHT).await.unwrap().owner, "bert@example.test");
    let text = String::from_utf8_lossy(taken[1].message()).into_owned();
    assert!(text.contains("loan") && !text.contains("prize"), "{text}");
}

#[tokio::test]
async fn a_digest_that_was_not_taken_is_sent_later_and_nothing_is_skipped() {
    let mta = Mta::start(Manner::RefusesContent).await;
    let place = Place::new();
    let quarantine = place.open(config(&mta));
    hold(&quarantine, RAW, &["bert@example.test"], NIGHT).await.unwrap();
    quarantine.digest(&bert(0), NIGHT, 0).await.unwrap_err();
    mta.is_now(Manner::Takes);
    assert_eq!(quarantine.digest(&bert(0), NIGHT + 60, 0).await.unwrap(), Digested::Sent(1));
    // Taken, and then the machine ends: the same list comes again under the same name.
    hold(&quarantine, &RAW.replace("offer", "loan"), &["bert@example.test"], NIGHT).await.unwrap();
    place.store.fail_after(0);
    quarantine.digest(&bert(0), NIGHT + DAY, 0).await.unwrap_err();
    place.store.mend();
    assert_eq!(quarantine.digest(&bert(0), NIGHT + DAY + 60, 0).await.unwrap(), Digested::Sent(1));
    let ids: Vec<String> = mta
        .taken()
        .iter()
        .map(|taken| {
            Message::parse(taken.message(), &Bounds::default()).message_id().unwrap().to_owned()
        })
        .collect();
    assert_eq!(ids.len(), 3);
    assert!(ids[1] == ids[2] && ids[0] != ids[1], "{ids:?}");
}
