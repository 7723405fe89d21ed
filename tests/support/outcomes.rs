//! What becomes of mail behind any MTA: accepted, tagged, rejected.

use std::path::PathBuf;

use super::daemon::Daemon;
use super::mail;
use super::postfix::{Postfix, fields};
use super::sendmail::Sendmail;
use super::smtp::Mail;

/// An MTA with one milter.
pub trait Mta {
    /// Sends one mail; the reply that decided on it.
    fn send(&self, mail: &Mail<'_>) -> String;
    /// Waits for one delivered message, and takes it.
    fn delivered(&self) -> String;
    /// What was delivered and not taken.
    fn mailbox(&self) -> Vec<PathBuf>;
}

macro_rules! mta {
    ($name:ident) => {
        impl Mta for $name {
            fn send(&self, mail: &Mail<'_>) -> String {
                Self::send(self, mail)
            }
            fn delivered(&self) -> String {
                Self::delivered(self)
            }
            fn mailbox(&self) -> Vec<PathBuf> {
                Self::mailbox(self)
            }
        }
    };
}

mta!(Postfix);
mta!(Sendmail);

/// What each MTA says and hands over in its own way.
pub struct Told {
    /// The reply to the mail that is accepted.
    pub accepted: String,
    /// That mail, as it was delivered.
    pub clean: String,
    /// The reply to the mail that is rejected.
    pub rejected: String,
}

/// The three outcomes.
pub fn the_three_outcomes(daemon: &Daemon, mta: &impl Mta) -> Told {
    let accepted = mta.send(&Mail::new(&mail("clean.eml")));
    assert!(accepted.starts_with("250 2.0.0 "), "{accepted}\n{}", daemon.log());
    let clean = mta.delivered();
    assert_eq!(fields(&clean, "X-Spam-Flag"), [""; 0], "{clean}");
    let [status] = &fields(&clean, "X-Spam-Status")[..] else { panic!("{clean}") };
    assert!(status.starts_with("No, score="), "{status}");
    has_our_results(&clean);

    let phishing = mail("phishing.eml");
    let reply = mta.send(&Mail { from: "bounce@account-notice.example", ..Mail::new(&phishing) });
    assert!(reply.starts_with("250"), "{reply}");
    let tagged = mta.delivered();
    assert_eq!(fields(&tagged, "X-Spam-Flag"), ["YES"], "{tagged}");
    has_our_results(&tagged);

    let rejected = mta.send(&Mail::new(&mail("gtube.eml")));
    assert!(rejected.lines().last().unwrap().starts_with("550 5.7.1 "), "{rejected}");
    assert!(mta.mailbox().is_empty());
    Told { accepted, clean, rejected }
}

fn has_our_results(delivered: &str) {
    let results = fields(delivered, "Authentication-Results");
    assert!(results[0].starts_with("mx.example.test;"), "{results:?}");
}
