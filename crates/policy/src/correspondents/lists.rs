//! What a list goes by: the addresses that a message names as its list's own.
//!
//! Invariant: a name counts only at a domain that the message proves: that of the envelope's sender by
//! SPF, or one that signed the very field. So nobody gains by naming a list that others have joined. Users of
//! one mail provider may name each other, which is why nothing that rests on this takes points off.

use tidegate_checks::authentication::{AuthResult, Authentication};
use tidegate_mail::{Address, Envelope, Message, in_angle_brackets};

use super::folded;
use super::wish::{Command, Wish, organisation};
use crate::ListAddress;
use crate::facts::{aligned, is_over, list_of, signature_holds};

/// Names of one message that are looked up.
const MOST: usize = 8;
/// Addresses that are read of one field.
const MOST_OF_FIELD: usize = 3;

/// A name of the list, or of who sends to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListName {
    /// Where the message has it from.
    pub(super) at: ListAddress,
    /// As a user may have written to it; `None`: it is no address to write to.
    pub(super) address: Option<String>,
    /// As a wish to join it is remembered.
    pub(super) joined: String,
}

/// The names that a message proves.
pub(super) fn names(
    envelope: &Envelope,
    message: &Message<'_>,
    authentication: &Authentication,
) -> Vec<ListName> {
    let mut proved = Proved { authentication, found: Vec::new() };
    if let Some(id) = list_of(message)
        && let Some((local, domain)) = id.split_once('.')
    {
        // By custom a list is at its identifier, with the first dot for the at sign.
        proved.add(ListAddress::Id, "List-Id", &Address::new(&format!("{local}@{domain}")));
    }
    for (at, field) in [
        (ListAddress::Post, "List-Post"),
        (ListAddress::Subscribe, "List-Subscribe"),
        (ListAddress::Unsubscribe, "List-Unsubscribe"),
    ] {
        for address in mail_addresses(message, field) {
            proved.add(at, field, &address);
        }
    }
    for mailbox in message.reply_to().iter().take(MOST_OF_FIELD) {
        proved.add(ListAddress::ReplyTo, "Reply-To", &mailbox.address);
    }
    // Bounces go to an address of the list's.
    if let Some(sender) = &envelope.sender {
        proved.add(ListAddress::Sender, "", sender);
    }
    let author = authentication.proved_author(message).and_then(Address::domain);
    let of_list = list_of(message).filter(|id| proved.is("List-Id", id));
    for domain in author.into_iter().chain(of_list.as_deref()) {
        if let Some(joined) = organisation(domain) {
            proved.put(ListName { at: ListAddress::Organisation, address: None, joined });
        }
    }
    proved.found
}

struct Proved<'a> {
    authentication: &'a Authentication,
    found: Vec<ListName>,
}

impl Proved<'_> {
    /// Whether what `field` says of `domain` is that domain's own word. What SPF proves may say of itself
    /// whatever it likes.
    fn is(&self, field: &str, domain: &str) -> bool {
        let spf = &self.authentication.spf;
        let by_spf = spf.result == AuthResult::Pass
            && !spf.allows_all
            && !spf.of_helo
            && aligned(&spf.domain, domain);
        let mut signatures = self.authentication.dkim.iter();
        by_spf || signatures.any(|it| signature_holds(it) && is_over(it, field, domain))
    }

    fn add(&mut self, at: ListAddress, field: &str, address: &Address) {
        let Some(domain) = address.domain() else { return };
        if !self.is(field, domain) {
            return;
        }
        let command = Command::of(address, None);
        // Whoever has written to a way out has not asked for more; nor is a bounce address written to.
        let is_written_to = !matches!(at, ListAddress::Unsubscribe | ListAddress::Sender)
            && command.as_ref().is_none_or(|command| command.wish != Wish::Leave);
        let joined = command.map_or_else(|| folded(address), |command| command.of);
        let address = is_written_to.then(|| folded(address));
        // The organisation comes by itself.
        if !joined.starts_with('@') {
            self.put(ListName { at, address, joined });
        }
    }

    fn put(&mut self, name: ListName) {
        let same = |known: &ListName| known.joined == name.joined && known.address == name.address;
        if self.found.len() < MOST && !self.found.iter().any(same) {
            self.found.push(name);
        }
    }
}

/// The `mailto:` addresses of a field (RFC 2369, section 2).
fn mail_addresses(message: &Message<'_>, field: &str) -> Vec<Address> {
    let Some(field) = message.field(field) else { return Vec::new() };
    let text = field.text();
    let mail = in_angle_brackets(&text).filter_map(|uri| {
        let scheme = uri.get(..7)?.eq_ignore_ascii_case("mailto:");
        scheme.then(|| Address::new(uri[7..].split('?').next().unwrap_or_default()))
    });
    mail.take(MOST_OF_FIELD).collect()
}
