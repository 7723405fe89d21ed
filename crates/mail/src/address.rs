//! Addresses as SMTP and header fields write them.

use memchr::memchr;

/// An address, `local@domain`; the null sender is the empty one.
///
/// Invariant: the domain is in lower case and has no final dot; the local part is as it was written
/// (RFC 5321, section 2.4).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Address {
    text: String,
    /// Where the `@` before the domain stands.
    at: Option<usize>,
}

impl Address {
    /// Takes `text` for an address, whatever it is. Angle brackets around it and a source route
    /// (RFC 5321, appendix C) are taken off.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let text = text.trim();
        let text = text.strip_prefix('<').unwrap_or(text);
        let text = text.strip_suffix('>').unwrap_or(text);
        let text = match text.split_once(':') {
            Some((route, mailbox)) if route.starts_with('@') => mailbox,
            _ => text,
        };
        let Some(at) = text.rfind('@') else { return Self { text: text.to_owned(), at: None } };
        let (local, domain) = (&text[..at], &text[at + 1..]);
        let domain = domain.strip_suffix('.').unwrap_or(domain);
        let mut text = String::with_capacity(text.len());
        text.push_str(local);
        text.push('@');
        if domain.is_ascii() {
            text.push_str(domain);
            text[at + 1..].make_ascii_lowercase();
        } else {
            text.push_str(&domain.to_lowercase());
        }
        Self { text, at: Some(at) }
    }

    /// An address again, of what [`as_str`](Self::as_str) gave: nothing more is taken off.
    #[must_use]
    pub fn restored(text: String) -> Self {
        let at = text.rfind('@');
        Self { text, at }
    }

    /// All of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands behind the last `@`, in lower case; `None` when nothing does.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        self.at.map(|at| &self.text[at + 1..]).filter(|domain| !domain.is_empty())
    }

    /// What stands before the last `@`; all of it when there is none.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.text[..self.at.unwrap_or(self.text.len())]
    }

    /// Whether this is the null sender, of which bounces come (RFC 5321, section 4.5.5).
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.text.is_empty()
    }
}

/// One mailbox of an address field (RFC 5322, section 3.4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name, decoded and without its quotes; empty when there is none.
    pub display: String,
    /// The address; empty when only a name was written.
    pub address: Address,
}

impl Mailbox {
    /// Reads `Anna Smith <anna@example.org>`, with or without quotes around the name, or an address
    /// alone; `None` for what only a parser can read.
    pub(crate) fn plain(text: &str) -> Option<Self> {
        let text = text.trim_matches(' ');
        let (display, address) = match text.strip_suffix('>') {
            Some(text) => text.split_once('<')?,
            None => ("", text),
        };
        let display = display.trim_end_matches(' ');
        let display = match display.strip_prefix('"') {
            Some(quoted) => quoted.strip_suffix('"')?,
            None => display,
        };
        let named = |byte: u8| byte.is_ascii_alphanumeric() || b" .'-_&".contains(&byte);
        let addressed = |byte: u8| byte.is_ascii_alphanumeric() || b"@.-_+=".contains(&byte);
        let is_plain = display.bytes().all(named)
            && address.bytes().all(addressed)
            && memchr(b'@', address.as_bytes()).is_some();
        is_plain
            .then(|| Self { display: display.trim().to_owned(), address: Address::new(address) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nearly_all_write_takes_no_parser() {
        for (text, display) in [
            ("anna@a.example", ""),
            (" <anna@a.example>", ""),
            ("Anna B. Smith <anna@a.example>", "Anna B. Smith"),
            ("\"Anna Smith\" <anna@a.example>", "Anna Smith"),
        ] {
            let address = Address::new("anna@a.example");
            let expect = Mailbox { display: display.to_owned(), address };
            assert_eq!(Mailbox::plain(text), Some(expect), "{text}");
        }
        for text in
            ["", "Anna", "Anna <>", "anna@a.example (Anna)", "=?utf-8?q?A?= <a@b>", "\"A <a@b>"]
        {
            assert_eq!(Mailbox::plain(text), None, "{text}");
        }
    }

    #[track_caller]
    fn check(text: &str, all: &str, local: &str, domain: Option<&str>) {
        let address = Address::new(text);
        assert_eq!((address.as_str(), address.local(), address.domain()), (all, local, domain));
    }

    #[test]
    fn an_address_is_split_at_its_last_at() {
        check("Anna@Example.ORG", "Anna@example.org", "Anna", Some("example.org"));
        check("<a@b.example.>", "a@b.example", "a", Some("b.example"));
        check("<@relay.example,@b.example:a@c.example>", "a@c.example", "a", Some("c.example"));
        check("\"a@b\"@c.example", "\"a@b\"@c.example", "\"a@b\"", Some("c.example"));
        check("anna@BÜCHER.example", "anna@bücher.example", "anna", Some("bücher.example"));
        check("postmaster", "postmaster", "postmaster", None);
        check("a@", "a@", "a", None);
        check("<>", "", "", None);
        assert!(Address::new("<>").is_null());
    }

    #[test]
    fn an_address_is_restored_as_it_was() {
        for text in
            ["Anna@Example.ORG", "<<a@b>>", "<@r.example:\"x@y\"@c.example.>", "postmaster", ""]
        {
            let address = Address::new(text);
            assert_eq!(Address::restored(address.as_str().to_owned()), address, "{text}");
        }
    }
}
