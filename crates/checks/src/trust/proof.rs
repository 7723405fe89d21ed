//! What a message has proved of who sent it, as far as a mark may rest on it.
//!
//! SPF proves the host that hands the message in. A DKIM signature proves the message, whoever hands
//! it in: a message that was sent once under a mark can be handed in again to a million others. So a
//! signature counts here only when the message came from a host that SPF allows for the signer or the
//! author, or when the signature covers To and each recipient is named in To or Cc. A forwarder
//! thereby costs a message its marks, never a point.
//!
//! Invariant: nothing is proved of a message with more than one author, nor by a signature that
//! leaves room for more text, nor by SPF that allows everybody.

use tidegate_mail::{Message, registered_domain};

use crate::Known;
use crate::authentication::{AuthResult, Authentication, Dkim};

/// A message as marks look at it.
pub struct Proof<'k> {
    /// The message.
    pub(super) message: &'k Message<'k>,
    /// What is known at [`Stage::Authenticated`](crate::Stage::Authenticated).
    pub(super) known: &'k Known<'k>,
    authentication: &'k Authentication,
    /// The domain of the only author.
    author: Option<&'k str>,
    /// Each recipient is named in To or Cc.
    named: bool,
}

impl<'k> Proof<'k> {
    /// Of a message whose authentication is known; of no other, and not of a user's of this site.
    #[must_use]
    pub fn of(known: &'k Known<'k>) -> Option<Self> {
        let (envelope, message) = (known.envelope, known.message?);
        let authentication = known.authentication?;
        if envelope.authenticated.is_some() {
            return None;
        }
        let author = match message.from() {
            [only] if message.count("From") == 1 => only.address.domain(),
            _ => None,
        };
        let addressed = message.to().iter().chain(message.cc()).map(|it| &it.address);
        let mut recipients = envelope.recipients.iter();
        let named = !envelope.recipients.is_empty()
            && recipients.all(|it| {
                addressed.clone().any(|to| to.as_str().eq_ignore_ascii_case(it.as_str()))
            });
        Some(Self { message, known, authentication, author, named })
    }

    /// The domain that SPF proves, of the envelope's sender.
    pub(super) fn by_spf(&self) -> Option<&'k str> {
        let spf = &self.authentication.spf;
        let passes = spf.result == AuthResult::Pass && !spf.allows_all && !spf.of_helo;
        passes.then_some(spf.domain.as_str())
    }

    /// The domain of the only author.
    pub(super) const fn author(&self) -> Option<&'k str> {
        self.author
    }

    /// Signatures that pass, of the whole message, and that this message was not copied with.
    pub(super) fn signatures(&self) -> impl Iterator<Item = &'k Dkim> {
        self.passing().filter(|signature| !self.is_replay(signature))
    }

    /// Signatures that pass, whoever hands the message in.
    fn passing(&self) -> impl Iterator<Item = &'k Dkim> + use<'k> {
        self.authentication.dkim.iter().filter(|signature| {
            signature.result == AuthResult::Pass
                && !signature.partial_body
                && covers(signature, "From")
        })
    }

    /// Whether nothing shows that a message with this signature was meant for its recipients.
    fn is_replay(&self, signature: &Dkim) -> bool {
        let direct = self.by_spf().is_some_and(|host| {
            aligned(host, &signature.domain) || self.author.is_some_and(|it| aligned(host, it))
        });
        !(direct || self.named && covers(signature, "To"))
    }

    /// Whether `domain` is of the author's organisation.
    pub(super) fn is_of_author(&self, domain: &str) -> bool {
        self.author.is_some_and(|author| aligned(author, domain))
    }

    /// Whether it is proved that the author's organisation sent the message.
    pub(super) fn proves_author(&self) -> bool {
        self.by_spf().is_some_and(|host| self.is_of_author(host))
            || self.signatures().any(|signature| self.is_of_author(&signature.domain))
    }

    /// The only List-Id, where a signature of that list's domain covers it.
    pub(super) fn proved_list(&self) -> Option<String> {
        let id = list_id(self.message)?;
        let of_list = |it: &Dkim| covers(it, "List-Id") && aligned(&it.domain, &id);
        self.signatures().any(of_list).then_some(id)
    }

    /// Whether a mark of `domain` is one of this message: of its author or, where it is mail of a
    /// list, of that list.
    pub(super) fn is_of_message(&self, domain: &str) -> bool {
        self.is_of_author(domain) || self.proved_list().is_some_and(|id| aligned(&id, domain))
    }

    /// Why a claim that is true is not proved, in words.
    pub(super) fn doubt(&self) -> &'static str {
        if self.author.is_none() {
            return "the message names no author, or several";
        }
        let mut passing = self.passing();
        if passing.any(|signature| self.is_replay(signature)) {
            return "it is signed, and came by another host for recipients whom it does not name";
        }
        "the message does not prove that it is of that sender"
    }
}

/// Whether `signature` covers the field `name`.
pub(super) fn covers(signature: &Dkim, name: &str) -> bool {
    signature.covers.iter().any(|field| field.eq_ignore_ascii_case(name))
}

/// Whether both are of one organisation, as DMARC aligns (RFC 7489, section 3.1).
pub(super) fn aligned(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
        || matches!(
            (registered_domain(a), registered_domain(b)),
            (Some(a), Some(b)) if a.eq_ignore_ascii_case(b)
        )
}

/// Whether `domain` is `parent` or below it.
pub(super) fn is_within(domain: &str, parent: &str) -> bool {
    domain.eq_ignore_ascii_case(parent)
        || domain.len() > parent.len()
            && domain.is_char_boundary(domain.len() - parent.len())
            && domain[domain.len() - parent.len()..].eq_ignore_ascii_case(parent)
            && domain[..domain.len() - parent.len()].ends_with('.')
}

/// The identifier of the only List-Id field (RFC 2919), in lower case.
pub(super) fn list_id(message: &Message<'_>) -> Option<String> {
    if message.count("List-Id") != 1 {
        return None;
    }
    let text = message.field("List-Id")?.text();
    let id = match text.rsplit_once('<') {
        Some((_, id)) => id.split('>').next().unwrap_or_default(),
        None => &text,
    };
    let id = id.trim().to_ascii_lowercase();
    (!id.is_empty() && id.len() <= 255).then_some(id)
}

/// The signers that a header section names and that are of the author's organisation, before anything
/// is verified; so many at the most.
pub(super) fn claimed_signers(known: &Known<'_>, most: usize) -> Vec<String> {
    let Some(message) = known.message else { return Vec::new() };
    let [author] = message.from() else { return Vec::new() };
    let Some(author) = author.address.domain() else { return Vec::new() };
    let mut signers: Vec<String> = Vec::new();
    for field in message.fields_named("DKIM-Signature").take(8 * most) {
        let value = String::from_utf8_lossy(field.value);
        let tag = value.split(';').find_map(|tag| tag.trim().strip_prefix("d"));
        let Some(domain) = tag.and_then(|rest| rest.trim_start().strip_prefix('=')) else {
            continue;
        };
        let domain = domain.trim().trim_end_matches('.').to_ascii_lowercase();
        if aligned(&domain, author) && !signers.contains(&domain) && signers.len() < most {
            signers.push(domain);
        }
    }
    signers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_within_itself_and_what_is_above_it() {
        assert!(
            is_within("a.shop.example", "Shop.example")
                && is_within("shop.example", "shop.example")
        );
        assert!(
            !is_within("myshop.example", "shop.example") && !is_within("example", "shop.example")
        );
    }
}
