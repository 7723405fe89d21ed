//! What is done with a judged message beside the answer to it: the journal keeps it, and a second
//! configuration judges it.
//!
//! Invariant: nothing here delays an answer or changes it; what can't be taken is dropped and counted.
//! With both switched off, nothing is copied.

use std::sync::Arc;

use tidegate_dns::Resolver;
use tidegate_engine::Judged;
use tidegate_mail::Address;

use crate::journal::{Journal, Keep, Versions};
use crate::shadow::Shadow;

/// A message, and what came of it.
pub(crate) struct Seen {
    pub(crate) judged: Judged,
    /// The message, when somebody needs it.
    pub(crate) raw: Option<Vec<u8>>,
    /// Bytes of the message as it came.
    pub(crate) octets: u64,
    /// What the MTA calls it.
    pub(crate) reference: String,
    /// The clock by which it was judged, in seconds since 1970, UTC.
    pub(crate) now: i64,
    /// Recipients for whose sake nothing may be kept.
    pub(crate) left_out: Vec<Address>,
    /// What judged.
    pub(crate) versions: Arc<Versions>,
    /// Who knows how long answers hold.
    pub(crate) resolver: Resolver,
}

impl Seen {
    /// About the memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        let features = self.judged.learnable.as_ref().map_or(0, |it| it.features.len() * 8);
        1_024 + features + self.raw.as_ref().map_or(0, Vec::len)
    }
}

/// Who is told of judged messages.
#[derive(Clone)]
pub(crate) struct Beside {
    pub(crate) journal: Option<Arc<Journal>>,
    pub(crate) shadow: Option<Arc<Shadow>>,
    pub(crate) versions: Arc<Versions>,
    pub(crate) resolver: Resolver,
}

impl Beside {
    /// Whether anybody is.
    pub(crate) const fn is_wanted(&self) -> bool {
        self.journal.is_some() || self.shadow.is_some()
    }

    /// Tells of a message that was judged. `left_out`: recipients who are not filtered, of whom nothing
    /// is kept; when it is all of them, nothing is done.
    pub(crate) fn tell(
        &self,
        judged: Judged,
        raw: &[u8],
        octets: u64,
        reference: &str,
        now: i64,
        left_out: Vec<Address>,
    ) {
        let recipients = &judged.envelope.recipients;
        if !recipients.is_empty() && recipients.iter().all(|it| left_out.contains(it)) {
            return;
        }
        let shadow = self.shadow.as_ref().filter(|shadow| shadow.samples(reference));
        let kept = self.journal.as_ref().is_some_and(|journal| journal.keep() == Keep::Message);
        let seen = Arc::new(Seen {
            judged,
            raw: (kept || shadow.is_some()).then(|| raw.to_vec()),
            octets,
            reference: reference.to_owned(),
            now,
            left_out,
            versions: Arc::clone(&self.versions),
            resolver: self.resolver.clone(),
        });
        if let Some(journal) = &self.journal {
            journal.keep_record(Arc::clone(&seen));
        }
        if let Some(shadow) = shadow {
            shadow.judge(seen);
        }
    }

    /// Waits until all that was told is written down. Blocks.
    pub(crate) fn end(&self) {
        if let Some(journal) = &self.journal {
            journal.end();
        }
        if let Some(shadow) = &self.shadow {
            shadow.end();
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use tidegate_mail::Envelope;

    use super::*;
    use crate::config::{self, Options};
    use tidegate_engine::Engine;

    /// A judged message of so many bytes to `recipients`, which arrived at `now`.
    pub(crate) async fn seen(
        bytes: usize,
        now: i64,
        recipients: &[&str],
        left_out: &[&str],
    ) -> Seen {
        let addresses =
            |all: &[&str]| -> Vec<Address> { all.iter().map(|it| Address::new(it)).collect() };
        let environment = vec![("TIDEGATE__RULES__BUILTIN".to_owned(), "false".to_owned())];
        let options = Options { offline: true, environment, ..Options::default() };
        let mut parts =
            config::load(&options).unwrap_or_else(|mistakes| panic!("{mistakes:?}")).parts;
        parts.records = true;
        let resolver = parts.resolver.clone();
        // Nothing of it can be deflated away.
        let mut state = 1_u64;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            b'!' + (state >> 58) as u8
        });
        let raw =
            b"Subject: noise\r\n\r\n".iter().copied().chain(noise.take(bytes)).collect::<Vec<u8>>();
        let envelope = Envelope {
            client: Some("203.0.113.9".parse().unwrap()),
            sender: Some(Address::new("anna@shop.example")),
            recipients: addresses(recipients),
            ..Envelope::default()
        };
        Seen {
            judged: Arc::new(Engine::new(parts)).judge(envelope, &raw, now).await,
            octets: raw.len() as u64,
            raw: Some(raw),
            reference: format!("Q{now}"),
            now,
            left_out: addresses(left_out),
            versions: Arc::new(Versions {
                program: "0".to_owned(),
                configuration: String::new(),
                rules: String::new(),
                model: String::new(),
            }),
            resolver,
        }
    }
    #[tokio::test]
    async fn what_was_damped_is_damped_when_the_message_is_judged_again() {
        let mut parts = config::load(&Options { offline: true, ..Options::default() })
            .unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
            .parts;
        let damped = tidegate_signal::Damped::default();
        damped.set(["MISSING_DATE".to_owned()].into());
        parts.scores = parts.scores.damping(damped.clone());
        parts.records = true;
        let (engine, raw) = (Arc::new(Engine::new(parts)), b"Subject: no date\r\n\r\n");
        let judged = engine.judge(Envelope::default(), raw, 7).await;
        assert!(judged.signals.get("MISSING_DATE").unwrap().is_damped());
        damped.set(std::collections::BTreeSet::new());
        let again = tidegate_engine::Again::exactly(judged.recording.clone().unwrap());
        let again = engine.judge_again(Envelope::default(), raw, 7, again).await;
        assert_eq!(
            crate::json::verdict("x", &again).unwrap(),
            crate::json::verdict("x", &judged).unwrap()
        );
    }
}
