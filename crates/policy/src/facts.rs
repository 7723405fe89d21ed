//! What recipients' policies ask of a message: who it is from and whether that is proved, whether it is
//! bulk mail, of which list, in which language.
//!
//! Invariant: a sender or a list counts as proved only by SPF or a DKIM signature of its own domain
//! that passes; an answer that is missing proves nothing, and is told apart from one that denies.

use std::cell::OnceCell;

use tidegate_checks::authentication::{AuthResult, Authentication, Dkim};
use tidegate_checks::bulk::probability::{BULK_CERTAIN, BULK_LIKELY};
use tidegate_checks::bulk::three_rules::{BULK_CONSENT_VOUCHED, BULK_KEEPS_RULES};
use tidegate_mail::{Address, Envelope, Message, registered_domain};
use tidegate_signal::Signals;

use crate::Language;
use crate::layer::list_id;

/// A message as policies look at it. What takes time is found out when it is first asked for.
pub struct Facts<'m> {
    envelope: &'m Envelope,
    message: &'m Message<'m>,
    authentication: &'m Authentication,
    /// What was said of it, whoever receives it.
    signals: &'m Signals,
    /// Answers of the network are missing.
    partial: bool,
    language: OnceCell<Option<Language>>,
}

/// How sure it is who a message is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Proof {
    /// Nothing speaks for it.
    None,
    /// What could speak for it did not come in time.
    Missing,
    /// It is proved.
    Given,
}

impl<'m> Facts<'m> {
    /// Of a message whose authentication is done. `partial`: answers are missing.
    #[must_use]
    pub const fn new(
        envelope: &'m Envelope,
        message: &'m Message<'m>,
        authentication: &'m Authentication,
        signals: &'m Signals,
        partial: bool,
    ) -> Self {
        Self { envelope, message, authentication, signals, partial, language: OnceCell::new() }
    }

    /// Everybody whom the message claims to be from: the envelope's sender and the authors.
    pub(crate) fn senders(&self) -> impl Iterator<Item = &Address> {
        let authors = self.message.from().iter().map(|mailbox| &mailbox.address);
        self.envelope.sender.iter().chain(authors).filter(|sender| !sender.is_null())
    }

    /// Those of them who can be proved: where there are several authors, none of them is the author.
    pub(crate) fn provable(&self) -> impl Iterator<Item = &Address> {
        let author = match self.message.from() {
            [only] if self.message.count("From") == 1 => Some(&only.address),
            _ => None,
        };
        self.envelope.sender.iter().chain(author).filter(|sender| !sender.is_null())
    }

    /// Whether `sender` is proved. The author's domain by SPF or by a signature, aligned as DMARC
    /// aligns (RFC 7489, section 3.1).
    pub(crate) fn proof(&self, sender: &Address) -> Proof {
        let Some(domain) = sender.domain() else { return Proof::None };
        let spf = &self.authentication.spf;
        let by_spf =
            spf.result == AuthResult::Pass && !spf.allows_all && aligned(&spf.domain, domain);
        let signs =
            |signature: &Dkim| signature_holds(signature) && aligned(&signature.domain, domain);
        if by_spf || self.authentication.dkim.iter().any(signs) {
            return Proof::Given;
        }
        let late = spf.result == AuthResult::TempError
            || self.authentication.dkim.iter().any(|it| it.result == AuthResult::TempError);
        if late && self.partial { Proof::Missing } else { Proof::None }
    }

    /// The list that the message is of, and whether a signature of the list's domain says so too.
    pub(crate) fn list(&self) -> Option<(String, Proof)> {
        let id = list_of(self.message)?;
        let of_list = |signature: &&Dkim| is_over(signature, "List-Id", &id);
        let mut signatures = self.authentication.dkim.iter().filter(of_list);
        let best = signatures.clone().find(|signature| signature_holds(signature));
        let late = signatures.any(|signature| signature.result == AuthResult::TempError);
        let proof = match best {
            Some(_) => Proof::Given,
            None if late && self.partial => Proof::Missing,
            None => Proof::None,
        };
        Some((id, proof))
    }

    /// Whether it is one of many, and not from a list on which members write to each other.
    pub(crate) fn is_bulk(&self) -> bool {
        let of_form = [&BULK_LIKELY, &BULK_CERTAIN].iter().any(|def| self.signals.has(&def.name));
        of_form && self.message.field("List-Post").is_none()
    }

    /// Whether answers are missing, which could have spoken for the message.
    pub(crate) const fn is_partial(&self) -> bool {
        self.partial
    }

    /// Whether bulk mail keeps the rules that can be told without its recipient.
    pub(crate) fn keeps_bulk_rules(&self) -> bool {
        self.signals.has(&BULK_KEEPS_RULES.name)
    }

    /// Whether a certifier vouches that its recipients have asked for it.
    pub(crate) fn has_vouched_consent(&self) -> bool {
        self.signals.has(&BULK_CONSENT_VOUCHED.name)
    }

    /// The language it is written in, where that can be told.
    pub(crate) fn language(&self) -> Option<Language> {
        *self.language.get_or_init(|| Language::of(self.message.text()))
    }
}

/// The identifier of the list that a message claims to be of (RFC 2919); of two, none.
pub(crate) fn list_of(message: &Message<'_>) -> Option<String> {
    if message.count("List-Id") != 1 {
        return None;
    }
    let text = message.field("List-Id")?.text();
    Some(match text.rsplit_once('<') {
        Some((_, id)) => list_id(id.split('>').next().unwrap_or_default()),
        None => list_id(&text),
    })
}

/// Whether it says something of the whole message, and of its author.
pub(crate) fn signature_holds(signature: &Dkim) -> bool {
    signature.result == AuthResult::Pass && !signature.partial_body && covers(signature, "From")
}

/// Whether it is a signature of `domain`'s organisation over `field`, whatever it proved.
pub(crate) fn is_over(signature: &Dkim, field: &str, domain: &str) -> bool {
    aligned(&signature.domain, domain) && covers(signature, field)
}

fn covers(signature: &Dkim, field: &str) -> bool {
    signature.covers.iter().any(|name| name.eq_ignore_ascii_case(field))
}

/// Whether both are of one organisation.
pub(crate) fn aligned(proved: &str, claimed: &str) -> bool {
    proved.eq_ignore_ascii_case(claimed)
        || matches!(
            (registered_domain(proved), registered_domain(claimed)),
            (Some(a), Some(b)) if a.eq_ignore_ascii_case(b)
        )
}
