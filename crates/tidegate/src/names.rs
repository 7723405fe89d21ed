//! How addresses are told in the log: as names, in part, in full, or not.
//!
//! Whoever logs an address on purpose asks [`Names::address`]. Every line goes through [`Names::text`] in
//! addition, since errors quote what an MTA said, and that quotes addresses.
//!
//! Invariant: where addresses are not to be told in full, no line has the part before an `@`.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use tidegate_mail::Address;
use tidegate_store::{Store, StoreError};

use crate::config::{Addresses, Log};
use crate::knowledge::seconds;
use crate::pseudonym::Pseudonyms;

/// What is told of addresses, by the configuration at work.
pub(crate) struct Names {
    how: ArcSwap<How>,
    store: OnceLock<Arc<dyn Store>>,
}

struct How {
    log: Log,
    pseudonyms: Pseudonyms,
}

impl Names {
    /// By `log`; without a store, names last as long as the process.
    pub(crate) fn new(log: &Log, store: Option<Arc<dyn Store>>) -> Arc<Self> {
        let pseudonyms = Pseudonyms::new(store.clone(), log.pseudonym_days);
        let names = Self {
            how: ArcSwap::from_pointee(How { log: *log, pseudonyms }),
            store: store.map_or_else(OnceLock::new, OnceLock::from),
        };
        Arc::new(names)
    }

    /// Keeps the keys of names in `store` from now on.
    pub(crate) fn keep_in(&self, store: Arc<dyn Store>) {
        if self.store.set(store).is_ok() {
            self.configure(&self.how.load().log);
        }
    }

    /// Goes on by another configuration.
    pub(crate) fn configure(&self, log: &Log) {
        let pseudonyms = Pseudonyms::new(self.store.get().cloned(), log.pseudonym_days);
        self.how.store(Arc::new(How { log: *log, pseudonyms }));
    }

    /// An address as it is logged; none and the null sender are told apart.
    pub(crate) fn address(&self, address: Option<&Address>) -> String {
        let how = self.how.load();
        match (how.log.addresses, address) {
            (Addresses::None, _) | (_, None) => String::new(),
            (_, Some(address)) if address.is_null() => "<>".to_owned(),
            (Addresses::Domain, Some(address)) => address.domain().unwrap_or_default().to_owned(),
            (Addresses::Hashed, Some(address)) => how.pseudonyms.name(address.as_str(), seconds()),
            (Addresses::Full, Some(address)) => address.as_str().to_owned(),
        }
    }

    /// The network address of a client as it is logged.
    pub(crate) fn client(&self, client: Option<IpAddr>) -> String {
        let told = client.filter(|_| self.how.load().log.clients);
        told.map(|client| client.to_string()).unwrap_or_default()
    }

    /// The names that an address has had and that can still be told, each with its first day, in seconds
    /// since 1970.
    ///
    /// # Errors
    /// When the store can't be read.
    pub(crate) fn told_of(&self, address: &str) -> Result<Vec<(u64, String)>, StoreError> {
        self.how.load().pseudonyms.names(address, seconds())
    }

    /// A line of the log with the addresses in it as they are logged.
    pub(crate) fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !text.contains('@') {
            return Cow::Borrowed(text);
        }
        let how = self.how.load();
        if how.log.addresses == Addresses::Full {
            return Cow::Borrowed(text);
        }
        let (mut told, mut rest) = (String::with_capacity(text.len()), text);
        while let Some(at) = rest.find('@') {
            let begin = begin_of_local(&rest[..at]);
            let domain = &rest[at + 1..];
            let end = domain.find(|c: char| !is_of_domain(c)).unwrap_or(domain.len());
            if begin == at || end == 0 {
                told.push_str(&rest[..=at]);
                rest = domain;
                continue;
            }
            told.push_str(&rest[..begin]);
            let domain = domain[..end].trim_end_matches('.');
            let end = at + 1 + domain.len();
            match how.log.addresses {
                Addresses::Hashed => {
                    told.push_str(&how.pseudonyms.name(&rest[begin..end], seconds()));
                }
                Addresses::Domain => {
                    told.push('@');
                    told.push_str(domain);
                }
                Addresses::None | Addresses::Full => told.push('…'),
            }
            rest = &rest[end..];
        }
        told.push_str(rest);
        Cow::Owned(told)
    }
}

/// Where the local part begins that `text` ends with; its length where there is none. What JSON and quotes
/// put before it stays outside.
fn begin_of_local(text: &str) -> usize {
    if let Some(quoted) = text.strip_suffix('"') {
        // A quoted local part (RFC 5321, section 4.1.2), whose quotes may be escaped once more.
        let quoted = quoted.strip_suffix('\\').unwrap_or(quoted);
        let begin = quoted.rfind('"').unwrap_or(quoted.len());
        return quoted[..begin].trim_end_matches('\\').len();
    }
    let begin = text
        .rfind(|c: char| !is_of_local(c))
        .map_or(0, |before| before + text[before..].chars().next().map_or(0, char::len_utf8));
    let local = &text[begin..];
    if text[..begin].ends_with('\\') {
        // The letter of an escape, or the digits of one, are no part of it.
        let escape = if local.starts_with('u') { 5 } else { 1 };
        return begin + local.char_indices().nth(escape).map_or(local.len(), |(at, _)| at);
    }
    begin + (local.len() - local.trim_start_matches(['\'', '`']).len())
}

/// Letters of a local part that is not quoted (RFC 5321, section 4.1.2; RFC 6531, section 3.3).
fn is_of_local(c: char) -> bool {
    !c.is_ascii() || c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c)
}

fn is_of_domain(c: char) -> bool {
    !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, '-' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(addresses: Addresses) -> Arc<Names> {
        Names::new(&Log { addresses, ..Log::default() }, None)
    }

    #[test]
    fn of_an_address_only_what_is_allowed_is_told() {
        let anna = Address::new("anna@example.org");
        let told = |addresses| names(addresses).address(Some(&anna));
        assert_eq!(told(Addresses::Domain), "example.org");
        assert_eq!(told(Addresses::Full), "anna@example.org");
        assert_eq!(told(Addresses::None), "");
        let hashed = told(Addresses::Hashed);
        assert!(hashed.starts_with('~') && hashed.len() == 13, "{hashed}");
        assert_eq!(names(Addresses::Hashed).address(Some(&Address::new(""))), "<>");
        assert_eq!(names(Addresses::Hashed).address(None), "");
    }

    #[test]
    fn no_line_has_what_stands_before_an_at() {
        let names = names(Addresses::Hashed);
        let name = |address: &str| names.address(Some(&Address::new(address)));
        let anna = name("anna@example.org");
        for (line, expect) in [
            ("550 <anna@example.org>: no such user", format!("550 <{anna}>: no such user")),
            ("by=\"Anna@Example.org\" id=7", format!("by=\"{anna}\" id=7")),
            ("user 'anna@example.org'.", format!("user '{anna}'.")),
            ("of anna@example.org. And", format!("of {anna}. And")),
            (r#""\nanna@example.org""#, format!(r#""\n{anna}""#)),
            (r#""\u001banna@example.org""#, format!(r#""\u001b{anna}""#)),
            ("a @ b, @example.org, x@", "a @ b, @example.org, x@".to_owned()),
            ("nothing", "nothing".to_owned()),
        ] {
            assert_eq!(names.text(line), expect);
        }
        for line in [
            "\"anna smith\"@example.org",
            r#""\"anna smith\"@example.org""#,
            "anna+x=y@a.b@example.org",
            "änna@bücher.example",
        ] {
            let told = names.text(line);
            assert!(!told.contains("nna") && !told.contains("smith"), "{told}");
        }
        let line = r#"{"by":"\"anna smith\"@example.org"}"#;
        let told = names.text(line);
        assert!(serde_json::from_str::<serde_json::Value>(&told).is_ok(), "{told}");
    }

    #[test]
    fn in_a_line_addresses_are_told_as_configured() {
        let line = "<anna@example.org>";
        assert_eq!(names(Addresses::Domain).text(line), "<@example.org>");
        assert_eq!(names(Addresses::None).text(line), "<…>");
        assert_eq!(names(Addresses::Full).text(line), line);
    }

    #[test]
    fn clients_are_told_unless_switched_off() {
        let client = Some(IpAddr::from([192, 0, 2, 1]));
        assert_eq!(names(Addresses::None).client(client), "192.0.2.1");
        let silent = Names::new(&Log { clients: false, ..Log::default() }, None);
        assert_eq!(silent.client(client), "");
    }
}
