//! What a domain publishes of its brand: the assertion record, and where it stands in DNS
//! (draft-brand-indicators-for-message-identification, sections 4 and 7.2).
//!
//! Invariant: what is handed on as a location is an https URI in printable ASCII, of bounded length.

use tidegate_dns::{Answer, Name};
use tidegate_mail::Message;

/// The selector of a message that names none.
pub const DEFAULT_SELECTOR: &str = "default";
/// Bytes of a record that are worth reading; those published have two locations of some 100 bytes.
const LONGEST_RECORD: usize = 4_096;
/// Bytes of a location.
const LONGEST_LOCATION: usize = 1_000;
/// Bytes of a selector, dots included.
const LONGEST_SELECTOR: usize = 128;

/// What a name in DNS says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// No record, or several, which are as good as none.
    Nothing,
    /// No answer yet, or none that could be read.
    Unknown,
    /// A record that breaks the rules, and how.
    Malformed(&'static str),
    /// The owner wants no indicator.
    Declined,
    /// A brand is claimed.
    Claim(Claim),
}

/// The claim of a brand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Where the indicator is (`l=`).
    pub indicator: Option<String>,
    /// Where the mark certificate is (`a=`).
    pub authority: Option<String>,
}

/// Reads the answer to a question for a record.
#[must_use]
pub fn read(answer: &Answer) -> Published {
    if answer.is_unknown() {
        return Published::Unknown;
    }
    let mut records = answer.txt().iter().filter(|text| has_version(text));
    let (Some(record), None) = (records.next(), records.next()) else { return Published::Nothing };
    parse(record).unwrap_or_else(Published::Malformed)
}

/// Whether the first tag is `v=BIMI1`. Other texts of the name are somebody else's.
fn has_version(text: &[u8]) -> bool {
    let first = text.split(|byte| *byte == b';').next().unwrap_or_default();
    let Some(at) = first.iter().position(|byte| *byte == b'=') else { return false };
    first[..at].trim_ascii().eq_ignore_ascii_case(b"v") && first[at + 1..].trim_ascii() == b"BIMI1"
}

fn parse(text: &[u8]) -> Result<Published, &'static str> {
    if text.len() > LONGEST_RECORD {
        return Err("the record is too long");
    }
    let text = std::str::from_utf8(text).map_err(|_| "the record is no text")?;
    let (mut indicator, mut authority) = (None, None);
    for tag in text.split(';').skip(1).map(str::trim).filter(|tag| !tag.is_empty()) {
        let (name, value) = tag.split_once('=').ok_or("a tag has no value")?;
        let place = match name.trim().to_ascii_lowercase().as_str() {
            "l" => &mut indicator,
            "a" => &mut authority,
            // avp= says whether a picture of the brand or of the person is to be shown, and none is shown
            // here. lps= gives mailboxes of the domain indicators of their own: it changes nothing about whose
            // they are, and following it would tell resolvers the mailbox, in a second question. What later
            // versions add is passed over too.
            _ => continue,
        };
        if place.replace(location(value.trim())?).is_some() {
            return Err("a tag stands twice");
        }
    }
    match (indicator, authority) {
        (None, None) => Err("neither l= nor a= is there"),
        (indicator, authority) => match (indicator.flatten(), authority.flatten()) {
            (None, None) => Ok(Published::Declined),
            (indicator, authority) => Ok(Published::Claim(Claim { indicator, authority })),
        },
    }
}

/// Empty is none.
fn location(value: &str) -> Result<Option<String>, &'static str> {
    if value.is_empty() {
        return Ok(None);
    }
    let secure = value.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
    let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'\\' | b'`');
    if !secure || value.len() == 8 {
        return Err("a location is not at https");
    }
    if value.len() > LONGEST_LOCATION || !value.bytes().all(plain) {
        return Err("a location is no URI");
    }
    Ok(Some(value.to_owned()))
}

/// The selector that a message names (`BIMI-Selector: v=BIMI1; s=…`), in lower case. Counts only where
/// a signature of the author's domain covers the field.
#[must_use]
pub fn named_selector(message: &Message<'_>) -> Option<String> {
    let mut fields = message.fields_named("BIMI-Selector");
    let (Some(field), None) = (fields.next(), fields.next()) else { return None };
    if field.value.len() > LONGEST_RECORD || !has_version(field.value) {
        return None;
    }
    let text = field.raw_text();
    let tags = text.split(';').filter_map(|tag| tag.split_once('='));
    let mut selectors = tags.filter(|(name, _)| name.trim().eq_ignore_ascii_case("s"));
    let (_, selector) = selectors.next()?;
    let selector = selector.trim().to_ascii_lowercase();
    is_selector(&selector).then_some(selector)
}

/// Labels of letters, digits and hyphens.
fn is_selector(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= LONGEST_SELECTOR && text.split('.').all(is_label)
}

/// Where the record of `selector` stands for `domain`.
#[must_use]
pub fn name(selector: &str, domain: &str) -> Option<Name> {
    Name::try_from(format!("{selector}._bimi.{domain}").as_str()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tidegate_dns::{Records, Why};
    use tidegate_mail::Bounds;

    use super::*;

    fn of(texts: &[&str]) -> Published {
        let texts: Vec<Box<[u8]>> = texts.iter().map(|text| text.as_bytes().into()).collect();
        read(&Answer::Found(Records::Txt(texts.into())))
    }

    fn claim(indicator: Option<&str>, authority: Option<&str>) -> Published {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Published::Claim(Claim { indicator: owned(indicator), authority: owned(authority) })
    }

    #[test]
    fn records_are_read_and_junk_is_told_from_them() {
        let (l, a) = (Some("https://b.example/l.svg"), Some("https://b.example/v.pem"));
        let both = "v=BIMI1; l=https://b.example/l.svg; a=https://b.example/v.pem";
        assert_eq!(of(&[both]), claim(l, a));
        assert_eq!(of(&["v=spf1 -all", both]), claim(l, a));
        assert_eq!(
            of(&[" V = BIMI1 ;lps=true;A=https://b.example/v.pem;avp=brand; x=y;"]),
            claim(None, a)
        );
        assert_eq!(
            of(&["v=BIMI1; l=HTTPS://b.example/l.svg"]),
            claim(Some("HTTPS://b.example/l.svg"), None)
        );
        assert_eq!(of(&["v=BIMI1; l=; a=;"]), Published::Declined);
        assert_eq!(of(&["v=BIMI1; l=;"]), Published::Declined);
        for nothing in [&[][..], &["hello"], &["v=BIMI2; l=;"], &["v=bimi1; l=;"], &[both, both]] {
            assert_eq!(of(nothing), Published::Nothing, "{nothing:?}");
        }
        for broken in [
            "v=BIMI1",
            "v=BIMI1; l",
            "v=BIMI1; l=http://b.example/l.svg",
            "v=BIMI1; l=https://",
            "v=BIMI1; l=https://b.example/a b",
            "v=BIMI1; l=https://b.example/é",
            "v=BIMI1; l=;l=",
            "v=BIMI1; l=; a=file:///etc/passwd",
        ] {
            let read = of(&[broken]);
            assert!(matches!(read, Published::Malformed(_)), "{broken}: {read:?}");
        }
        let long = format!("v=BIMI1; l=https://b.example/{}", "x".repeat(LONGEST_LOCATION));
        assert!(matches!(of(&[&long]), Published::Malformed(_)));
        assert_eq!(read(&Answer::Unknown(Why::Late)), Published::Unknown);
        assert_eq!(read(&Answer::NoSuchName), Published::Nothing);
    }

    #[test]
    fn a_message_names_one_selector_or_none() {
        let of = |fields: &str| {
            let raw = format!("{fields}\r\n\r\n");
            named_selector(&Message::parse(raw.as_bytes(), &Bounds::default()))
        };
        assert_eq!(of("BIMI-Selector: v=BIMI1; s=Brand.2026;"), Some("brand.2026".to_owned()));
        assert_eq!(of("BIMI-Selector: v=BIMI1;\r\n s=brand"), Some("brand".to_owned()));
        for none in [
            "Subject: x",
            "BIMI-Selector: s=brand",
            "BIMI-Selector: v=BIMI1",
            "BIMI-Selector: v=BIMI1; s=",
            "BIMI-Selector: v=BIMI1; s=a..b",
            "BIMI-Selector: v=BIMI1; s=evil._bimi.bank.example",
            "BIMI-Selector: v=BIMI1; s=a\r\nBIMI-Selector: v=BIMI1; s=b",
        ] {
            assert_eq!(of(none), None, "{none}");
        }
        assert_eq!(name("default", "Shop.example").unwrap().as_str(), "default._bimi.shop.example");
        assert_eq!(name("default", "a..b"), None);
    }

    proptest! {
        #[test]
        fn any_record_is_read(text in prop::collection::vec(any::<u8>(), 0..200)) {
            for text in [text.clone(), [b"v=BIMI1; l=https://", &text[..]].concat()] {
                let read = read(&Answer::Found(Records::Txt([text.into()].into())));
                if let Published::Claim(claim) = read {
                    for location in [claim.indicator, claim.authority].into_iter().flatten() {
                        prop_assert!(location.is_ascii() && location.len() <= LONGEST_LOCATION);
                    }
                }
            }
        }
    }
}
