//! What the daemon remembers of the mail that goes through it.

use tidegate_mail::Address as MailAddress;
use tidegate_policy::correspondents::Memory;
use tidegate_policy::guard::{Correction, Corrections, Said};
use tidegate_signal::Damped;
use tidegate_store::Store;

use super::*;

/// Holds what says "offer" against mail, and tags it.
const OFFER: &str = "family = 'content'\n[rules.TEST_OFFER]\nsays = 'An offer'\nscore = 6\n\
                     in = 'subject'\nwords = ['offer']\n";

/// A daemon over `store`, that knows the rule above.
fn over(store: &Arc<dyn Store>) -> Arc<Daemon> {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("offer.toml"), OFFER).unwrap();
    let offer = dir.path().join("offer.toml");
    let settings = format!("rules.files = ['{}']\nstatistics.enabled = false", offer.display());
    let file = dir.path().join("tidegate.toml");
    fs::write(&file, format!("rules.builtin = false\nserver.id = 'mx.example'\n{settings}"))
        .unwrap();
    let options = config::Options { file: Some(file), offline: true, ..Default::default() };
    let mut loaded = config::load(&options).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let remembered = Remembered::open(Arc::clone(store), &loaded.settings).unwrap();
    loaded.parts.scores = loaded.parts.scores.damping(remembered.damped().clone());
    let lessons = crate::knowledge::alone(&loaded.settings).unwrap();
    Daemon::new(running(loaded), Metrics::new().unwrap(), lessons, remembered, None, None, None)
}

/// Sends one message; `login` is who has logged in.
async fn send(mta: &mut Mta, login: Option<&str>, subject: &str) -> Vec<String> {
    let args = Strings::default();
    let pairs = format!("i\x004XYZ\x00{{auth_authen}}\x00{}\x00", login.unwrap_or_default());
    let subject = format!(" {subject}");
    mta.send(&[
        Command::Macros {
            stage: tidegate_milter::Stage::Mail,
            pairs: Strings::new(pairs.as_bytes()).unwrap(),
        },
        Command::Mail { path: b"<anna@site.example>", args },
        Command::Rcpt { path: b"<bert@shop.example>", args },
        Command::Header { name: b"Message-ID", value: b" <1@site.example>" },
        Command::Header { name: b"From", value: b" anna@site.example" },
        Command::Header { name: b"Date", value: b" Tue, 24 Nov 2026 10:00:00 +0000" },
        Command::Header { name: b"Subject", value: subject.as_bytes() },
        Command::EndOfHeader,
        Command::EndOfMessage(b"Hello\r\n"),
    ])
    .await;
    mta.replies().await
}

#[tokio::test]
async fn mail_of_a_user_is_noted_beside_the_answer_and_mail_of_strangers_is_not() {
    let store: Arc<dyn Store> = Arc::new(tidegate_store::Memory::new());
    let daemon = over(&store);
    let memory = Memory::open(Arc::clone(&store)).unwrap();
    let held = || memory.held_on(&MailAddress::new("anna@site.example")).unwrap();
    let mut mta = Mta::connect(&daemon).await;
    send(&mut mta, None, "lunch").await;
    // What is tagged may be sent in a user's name by somebody else.
    let told = send(&mut mta, Some("anna"), "an offer").await;
    assert!(told.iter().any(|words| words.contains("X-Spam-Flag: YES")), "{told:?}");
    daemon.remembered.write();
    assert_eq!(held(), (0, 0));
    send(&mut mta, Some("anna"), "lunch").await;
    let began = std::time::Instant::now();
    while held() != (1, 1) {
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", held());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_users_keep_correcting_counts_for_nothing_until_it_is_cleared() {
    let store: Arc<dyn Store> = Arc::new(tidegate_store::Memory::new());
    let daemon = over(&store);
    let mut mta = Mta::connect(&daemon).await;
    let told = send(&mut mta, None, "an offer").await;
    let status = told.iter().find(|words| words.contains("X-Spam-Status")).unwrap();
    let (_, status) = status.split_once("X-Spam-Status:").unwrap();
    assert!(status.contains("Yes") && status.contains("TEST_OFFER(6.00)"), "{status}");

    // What each of them got, given back as wanted.
    for user in ["a@s", "b@s", "c@s", "d@s", "e@s", "f@s"] {
        let raw = format!("X-Spam-Status:{status}\r\nSubject: an offer\r\n\r\n{user}\r\n");
        let raw = raw.replace("\n\t", "\r\n\t").replace("\r\r", "\r");
        let engine = Arc::clone(&daemon.running().engine);
        let ham = Some(tidegate_bayes::Class::Ham);
        daemon.remembered.correct(&engine, raw.as_bytes(), ham, Some(user)).unwrap();
    }
    let told = send(&mut mta, None, "an offer").await;
    assert!(told.iter().any(|words| words.contains("TEST_OFFER(damped)")), "{told:?}");
    let page = || daemon.metrics_page(&Counted::default()).unwrap();
    assert!(page().contains("tidegate_signals_damped{signal=\"TEST_OFFER\"} 1"), "{}", page());

    // The admin's way in is another value on the same store; the daemon's own is what counts.
    let corrections = Corrections::open(Arc::clone(&store), daemon.remembered.damped().clone());
    corrections.unwrap().clear("TEST_OFFER", "root", 1).unwrap().unwrap();
    let told = send(&mut mta, None, "an offer").await;
    assert!(told.iter().any(|words| words.contains("TEST_OFFER(6.00)")), "{told:?}");
    assert!(!page().contains("damped{signal=\"TEST_OFFER\"}"), "{}", page());
}

#[tokio::test]
async fn what_the_operator_has_decided_is_not_damped() {
    let store: Arc<dyn Store> = Arc::new(tidegate_store::Memory::new());
    let corrections = Corrections::open(Arc::clone(&store), Damped::default()).unwrap();
    for message in 0..9_u8 {
        // As if a release named it all the same.
        let signals = [("TEST_UNWANTED".to_owned(), 100.0)];
        let correction = Correction {
            message: &[message],
            user: None,
            said: Said::Wanted,
            signals: &signals,
            now: crate::knowledge::seconds(),
        };
        corrections.correct(&correction, &Default::default()).unwrap();
    }
    let mut loaded = load("");
    let remembered = Remembered::open(store, &loaded.settings).unwrap();
    assert!(remembered.damped().now().contains("TEST_UNWANTED"));
    loaded.parts.scores = loaded.parts.scores.damping(remembered.damped().clone());
    let daemon = of(loaded);
    let told = Mta::connect(&daemon).await.message(&[("Subject", " unwanted")]).await;
    assert!(told[0].starts_with("550-5.7.1 "), "{told:?}");
}
