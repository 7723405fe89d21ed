//! What an outgoing message says of its sender's correspondents.
//!
//! A message to an address at which programs take wishes tells which list its sender joins or leaves.
//!
//! Invariant: a message to many, one that a program answers with, and one whose sender may be another
//! than who logged in say nothing.

use tidegate_mail::{Address, Envelope, Message};

use super::wish::{Command, Wish};
use super::{Config, folded};

/// An outgoing message, as far as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Who sent it, as answers will be addressed.
    pub(super) user: String,
    /// To whom.
    pub(super) recipients: Vec<String>,
    /// Its Message-ID, which answers name.
    pub(super) message_id: Option<String>,
    /// The lists and organisations whose mail he asks for by it.
    pub(super) joins: Vec<String>,
    /// Those whose mail he wants no more.
    pub(super) leaves: Vec<String>,
}

impl Sent {
    /// Of a message that a user of this site sends; `None` when it is none, or says nothing.
    #[must_use]
    pub fn of(envelope: &Envelope, message: &Message<'_>, config: &Config) -> Option<Self> {
        let sender = envelope.sender.as_ref().filter(|sender| sender.domain().is_some())?;
        let wanted = config.enabled
            && config.is_outgoing(envelope)
            && is_believed(sender, envelope.authenticated.as_deref())
            && !is_automatic(message)
            && (1..=config.max_recipients).contains(&envelope.recipients.len());
        if !wanted {
            return None;
        }
        let user = folded(sender);
        let (mut recipients, mut joins, mut leaves) = (Vec::new(), Vec::new(), Vec::new());
        for recipient in &envelope.recipients {
            match Command::of(recipient, message.subject()) {
                // Whoever says so wants to hear nothing of it.
                Some(Command { wish: Wish::Leave, of }) => {
                    leaves.push(of);
                    continue;
                }
                Some(Command { wish: Wish::Join, of }) => joins.push(of),
                Some(Command { wish: Wish::Other, .. }) | None => {}
            }
            recipients.push(folded(recipient));
        }
        recipients.sort_unstable();
        recipients.dedup();
        recipients.retain(|recipient| *recipient != user);
        let message_id = message.message_id().map(str::to_owned).filter(|id| !id.is_empty());
        Some(Self { user, recipients, message_id, joins, leaves })
    }
}

/// Whether a login may speak for the sender. Many servers let users write any sender: one whose login
/// is an address of another domain may be writing in another user's name, to teach in it.
fn is_believed(sender: &Address, login: Option<&str>) -> bool {
    let login = login.map(Address::new);
    login.as_ref().and_then(Address::domain).is_none_or(|domain| sender.domain() == Some(domain))
}

/// Whether a program wrote it in answer to mail (RFC 3834, section 5): spam must not make its sender
/// known by being answered.
fn is_automatic(message: &Message<'_>) -> bool {
    message.field("Auto-Submitted").is_some_and(|field| {
        let text = field.text();
        let word = text.split([';', ' ', '(']).next().unwrap_or_default();
        !word.trim().eq_ignore_ascii_case("no")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_mail::Bounds;

    fn sent(login: Option<&str>, client: &str, recipients: usize, fields: &str) -> Option<Sent> {
        let config =
            Config { networks: vec!["192.0.2.0/24".parse().unwrap()], ..Config::default() };
        let to = (0..recipients).map(|n| Address::new(&format!("Bert+x{n}@Shop.example")));
        let envelope = Envelope {
            client: Some(client.parse().unwrap()),
            authenticated: login.map(str::to_owned),
            sender: Some(Address::new("Anna@site.example")),
            recipients: to.collect(),
            ..Envelope::default()
        };
        let raw = format!("Message-ID: <1@site.example>\r\n{fields}\r\nhello\r\n");
        Sent::of(&envelope, &Message::parse(raw.as_bytes(), &Bounds::default()), &config)
    }

    #[test]
    fn mail_of_a_user_tells_whom_he_writes_to() {
        for (login, client) in [(Some("anna"), "203.0.113.9"), (None, "192.0.2.7")] {
            let sent = sent(login, client, 3, "").unwrap();
            assert_eq!(sent.user, "anna@site.example");
            assert_eq!(sent.recipients, ["bert@shop.example"], "folded, and each once");
            assert_eq!(sent.message_id.as_deref(), Some("1@site.example"));
        }
    }

    #[test]
    fn mail_of_strangers_to_many_or_by_programs_tells_nothing() {
        assert_eq!(sent(None, "203.0.113.9", 1, ""), None);
        assert_eq!(sent(None, "10.0.0.1", 1, ""), None, "a private address is nobody's proof");
        assert!(sent(Some("anna"), "203.0.113.9", 50, "").is_some());
        assert_eq!(sent(Some("anna"), "203.0.113.9", 51, ""), None);
        assert_eq!(sent(Some("anna"), "203.0.113.9", 1, "Auto-Submitted: auto-replied\r\n"), None);
        assert!(sent(Some("anna"), "203.0.113.9", 1, "Auto-Submitted: no\r\n").is_some());
    }

    #[test]
    fn a_login_of_another_domain_does_not_teach_in_a_users_name() {
        assert!(sent(Some("office@site.example"), "203.0.113.9", 1, "").is_some());
        assert_eq!(sent(Some("mallory@other.example"), "203.0.113.9", 1, ""), None);
    }
}
