//! Judging one raw message by one check, for the tests beside each check.
//!
//! Invariant: the clock stands still at the Date that the tests' messages have.

use tidegate_dns::Answers;
use tidegate_mail::{Address, Bounds, Envelope, Message};
use tidegate_signal::{Signal, Signals};

use crate::authentication::{AuthResult, Authentication, Dkim};
use crate::bulk::probability::Bulk;
use crate::{Check, Known, Site};

/// Tue, 24 Nov 2026 09:15:00 +0000.
pub(crate) const NOW: i64 = 1_795_511_700;

/// What is known beside the message itself.
#[derive(Default)]
pub(crate) struct Case {
    envelope: Envelope,
    authentication: Authentication,
}

impl Case {
    /// Delivered to `address`.
    pub(crate) fn to(address: &str) -> Self {
        let recipients = vec![Address::new(address)];
        Self { envelope: Envelope { recipients, ..Envelope::default() }, ..Self::default() }
    }

    /// With a DKIM signature of `domain` that passes and covers the fields `covers`.
    pub(crate) fn signed(domain: &str, covers: &[&str]) -> Self {
        let signature = Dkim {
            result: AuthResult::Pass,
            domain: domain.to_owned(),
            covers: covers.iter().map(|&name| name.to_owned()).collect(),
            ..Dkim::default()
        };
        let authentication = Authentication { dkim: vec![signature], ..Authentication::default() };
        Self { authentication, ..Self::default() }
    }

    /// Names of the signals that `C` raises, in their order.
    pub(crate) fn judge<C: Check + Default>(&self, raw: &[u8]) -> Vec<String> {
        let message = Message::parse(raw, &Bounds::default());
        let site = Site::default();
        let known = Known {
            envelope: &self.envelope,
            message: Some(&message),
            authentication: Some(&self.authentication),
            trust: None,
            bulk: Some(&Bulk::of(&message, &self.envelope)),
            site: &site,
            now: NOW,
        };
        let mut signals = Signals::new();
        Check::judge(&C::default(), &known, &Answers::default(), &mut signals);
        signals.iter().map(Signal::name).map(str::to_owned).collect()
    }
}

/// Names of the signals that `C` raises for a message of which nothing else is known.
pub(crate) fn raised<C: Check + Default>(raw: &str) -> Vec<String> {
    Case::default().judge::<C>(raw.replace('\n', "\r\n").as_bytes())
}
