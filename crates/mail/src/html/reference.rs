//! Character references: `&eacute;`, `&#233;`, `&#xe9;` (the HTML standard, section 13.2.5.72 on).
//!
//! Invariant: a reference is at most so long as its longest name, or as its digits are; what is none
//! is text as it stands.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memchr3;

/// What a reference means: one character, or one with a second that combines with it.
pub(super) type Meaning = (char, Option<char>);

/// Where a reference stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Text,
    /// Where `&copy=1` is part of a query and no copyright sign.
    Attribute,
}

/// The names of the standard, with their semicolons and without where that is allowed, in order.
static NAMES: LazyLock<Vec<(&str, Meaning)>> = LazyLock::new(|| {
    let character = |digits| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
    let read = |line: &'static str| {
        let mut words = line.split(' ');
        let (name, first) = (words.next()?, words.next().and_then(character)?);
        Some((name, (first, words.next().and_then(character))))
    };
    include_str!("references.txt").lines().filter_map(read).collect()
});
const LONGEST_NAME: usize = 32;
/// The longest of those that need no semicolon.
const LONGEST_BARE: usize = 6;

/// The reference whose `&` stands before `after`, and its length without that.
pub(super) fn read(after: &str, place: Place) -> Option<(Meaning, usize)> {
    match after.as_bytes().first()? {
        b'#' => numbered(after),
        first if first.is_ascii_alphanumeric() => named(after, place),
        _ => None,
    }
}

fn named(after: &str, place: Place) -> Option<(Meaning, usize)> {
    let bytes = after.as_bytes();
    let letters = bytes.iter().take(LONGEST_NAME).take_while(|byte| byte.is_ascii_alphanumeric());
    let end = letters.count();
    if bytes.get(end) == Some(&b';')
        && let Some(meaning) = meaning_of(&after[..=end])
    {
        return Some((meaning, end + 1));
    }
    match place {
        // A name that goes on, or is given a value, is one of a query's.
        Place::Attribute if bytes.get(end) == Some(&b'=') || end > LONGEST_BARE => None,
        Place::Attribute => meaning_of(&after[..end]).map(|meaning| (meaning, end)),
        Place::Text => (2..=end.min(LONGEST_BARE))
            .rev()
            .find_map(|end| meaning_of(&after[..end]).map(|meaning| (meaning, end))),
    }
}

fn meaning_of(name: &str) -> Option<Meaning> {
    match name {
        "nbsp;" => Some(('\u{a0}', None)),
        "amp;" => Some(('&', None)),
        "quot;" => Some(('"', None)),
        "lt;" => Some(('<', None)),
        "gt;" => Some(('>', None)),
        _ => {
            let at = NAMES.binary_search_by_key(&name, |(name, _)| name).ok()?;
            Some(NAMES[at].1)
        }
    }
}

/// `#233;`, `#xe9`: the semicolon may be missing.
fn numbered(after: &str) -> Option<(Meaning, usize)> {
    let (begin, radix) = match after.as_bytes() {
        [b'#', b'x' | b'X', ..] => (2, 16),
        _ => (1, 10),
    };
    let mut number = 0u32;
    let mut end = begin;
    while let Some(digit) = after.as_bytes().get(end).and_then(|&it| char::from(it).to_digit(radix))
    {
        number = number.saturating_mul(radix).saturating_add(digit);
        end += 1;
    }
    if end == begin {
        return None;
    }
    end += usize::from(after.as_bytes().get(end) == Some(&b';'));
    let character = match number {
        0 => None,
        0x80..=0x9f => Some(windows_1252(number)),
        _ => char::from_u32(number),
    };
    Some(((character.unwrap_or(char::REPLACEMENT_CHARACTER), None), end))
}

/// Programs wrote the numbers of Windows-1252 so often that they became the standard.
fn windows_1252(number: u32) -> char {
    const MEANT: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    MEANT[number as usize & 31]
}

/// An attribute's value as it is meant, its references and line ends read; at most `most` bytes.
pub(super) fn value(written: &str, most: usize) -> Cow<'_, str> {
    if memchr3(b'&', b'\r', b'\0', written.as_bytes()).is_none() {
        return Cow::Borrowed(&written[..written.floor_char_boundary(most)]);
    }
    let mut value = String::with_capacity(written.len().min(most));
    let mut rest = written;
    while let Some(at) = memchr3(b'&', b'\r', b'\0', rest.as_bytes()) {
        value.push_str(&rest[..at]);
        let special = rest.as_bytes()[at];
        rest = &rest[at + 1..];
        match (special, read_if(special == b'&', rest)) {
            (_, Some((meaning, used))) => {
                value.push(meaning.0);
                value.extend(meaning.1);
                rest = &rest[used..];
            }
            (b'&', None) => value.push('&'),
            (b'\r', None) => {
                value.push('\n');
                rest = rest.strip_prefix('\n').unwrap_or(rest);
            }
            _ => value.push(char::REPLACEMENT_CHARACTER),
        }
        if value.len() >= most {
            break;
        }
    }
    value.push_str(rest);
    value.truncate(value.floor_char_boundary(most));
    Cow::Owned(value)
}

fn read_if(is_reference: bool, after: &str) -> Option<(Meaning, usize)> {
    is_reference.then(|| read(after, Place::Attribute)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(after: &str, place: Place, expect: Option<(char, usize)>) {
        let found = read(after, place).map(|((first, _), used)| (first, used));
        assert_eq!(found, expect, "&{after}");
    }

    #[test]
    fn names_stand_in_order_and_within_their_bounds() {
        assert_eq!(NAMES.len(), 2_231);
        assert!(NAMES.is_sorted_by_key(|(name, _)| name));
        assert!(NAMES.iter().all(|(name, _)| name.len() <= LONGEST_NAME));
        let bare = NAMES.iter().filter(|(name, _)| !name.ends_with(';'));
        assert_eq!(bare.map(|(name, _)| name.len()).max(), Some(LONGEST_BARE));
    }

    #[test]
    fn the_longest_name_counts_and_a_semicolon_may_be_missing() {
        check("eacute; x", Place::Text, Some(('é', 7)));
        check("notin;", Place::Text, Some(('∉', 6)));
        check("notit;", Place::Text, Some(('¬', 3)));
        check("ampx", Place::Text, Some(('&', 3)));
        check("nosuch;", Place::Text, None);
        check(" ", Place::Text, None);
        check("", Place::Text, None);
        assert_eq!(read("NotEqualTilde;", Place::Text), Some((('≂', Some('\u{338}')), 14)));
    }

    #[test]
    fn what_could_be_part_of_a_query_is_no_reference_in_an_attribute() {
        check("copy=1", Place::Attribute, None);
        check("copyright", Place::Attribute, None);
        check("copy&x", Place::Attribute, Some(('©', 4)));
        check("copy;=1", Place::Attribute, Some(('©', 5)));
        check("notit;", Place::Attribute, None);
        check("#65=", Place::Attribute, Some(('A', 3)));
    }

    #[test]
    fn numbers_are_read_as_browsers_read_them() {
        check("#233;", Place::Text, Some(('é', 5)));
        check("#xE9", Place::Text, Some(('é', 4)));
        check("#146;", Place::Text, Some(('’', 5)));
        check("#0;", Place::Text, Some(('\u{fffd}', 3)));
        check("#xd800;", Place::Text, Some(('\u{fffd}', 7)));
        check("#99999999999;", Place::Text, Some(('\u{fffd}', 13)));
        check("#;", Place::Text, None);
        check("#x;", Place::Text, None);
    }

    #[test]
    fn a_value_is_borrowed_where_it_stands_as_it_is_meant() {
        assert!(matches!(value("http://a.example/?b=c", 100), Cow::Borrowed(_)));
        assert_eq!(value("?a&amp;b&copy=c\r\nd\0", 100), "?a&b&copy=c\nd\u{fffd}");
        assert_eq!(value("éé", 3), "é");
        assert_eq!(value(&"&amp;".repeat(10), 5), "&&&&&");
    }
}
