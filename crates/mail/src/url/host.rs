//! Hosts as browsers ask for them (WHATWG URL, section 3.5; UTS 46), and whether they were written so
//! that people and filters don't recognise them.
//!
//! What a browser refuses is read all the same, as far as it goes: other programs are less strict.
//!
//! Invariant: a host has no white space and no control character, and no more than
//! [`LONGEST_HOST`] bytes.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use idna::AsciiDenyList;
use idna::uts46::{Hyphens, Uts46};

use crate::decode::hex;
use crate::unseen::is_unseen;

/// The longest host name (RFC 1035, section 2.3.4), in the widest letters.
const LONGEST_HOST: usize = 253 * 4;

/// The host that a browser asks for where this one is written: in lower case, each letter as the one that it stands for
/// (UTS 46); what names can't have is left out or stays.
///
/// ```
/// assert_eq!(tidegate_mail::asked_host("ⓔxample。org"), "example.org");
/// ```
#[must_use]
pub fn asked_host(written: &str) -> String {
    read_host(written).0
}

/// The host in lower case as it is looked up, and whether it was written oddly.
pub(super) fn read_host(written: &str) -> (String, bool) {
    let front = &written[..written.floor_char_boundary(LONGEST_HOST)];
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if front.bytes().all(is_plain) {
        return in_usual_form(front.to_ascii_lowercase(), false);
    }
    let (written, mut odd) = seen_letters(written);
    let mut host = String::with_capacity(written.len());
    for (at, label) in written.split('.').enumerate() {
        if at > 0 {
            host.push('.');
        }
        odd |= push_label(label, &mut host);
    }
    // One letter may stand for eighteen.
    host.truncate(host.floor_char_boundary(LONGEST_HOST));
    in_usual_form(host, odd)
}

/// What a host is made of; whether it was escaped, or other letters or full stops were in it.
///
/// Those that join letters are left: they are a part of some names (RFC 5892, appendix A.1).
fn seen_letters(written: &str) -> (String, bool) {
    let is_escaped = written.contains('%');
    let decoded: Cow<'_, str> =
        if is_escaped { percent_decoded(written).into() } else { written.into() };
    let (mut seen, mut odd) = (String::with_capacity(decoded.len().min(LONGEST_HOST)), is_escaped);
    for c in decoded.chars() {
        if seen.len() + c.len_utf8() > LONGEST_HOST {
            break;
        }
        if is_unseen(c) && !is_joiner(c) || c.is_whitespace() || c.is_control() {
            odd = true;
        } else if is_odd_stop(c) {
            odd = true;
            seen.push('.');
        } else {
            seen.push(c);
        }
    }
    (seen, odd)
}

/// Ideographic ones part labels (RFC 3490, section 3.1). The others do in what maps names by NFKC alone;
/// browsers refuse them.
fn is_odd_stop(c: char) -> bool {
    matches!(c, '\u{3002}' | '\u{ff0e}' | '\u{ff61}' | '\u{2024}' | '\u{fe52}')
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Reads what stands between two full stops; whether it was written oddly.
fn push_label(label: &str, host: &mut String) -> bool {
    if label.is_ascii() {
        host.extend(label.chars().map(|c| c.to_ascii_lowercase()));
        return false;
    }
    match mapped(label) {
        Some(mapped) => {
            host.push_str(&mapped);
            !is_usual(label, &mapped)
        }
        None => push_refused(label, host),
    }
}

/// What a browser makes of a label; `None` when it refuses it.
fn mapped(label: &str) -> Option<Cow<'_, str>> {
    let (mapped, outcome) =
        Uts46::new().to_unicode(label.as_bytes(), AsciiDenyList::URL, Hyphens::Allow);
    outcome.is_ok().then_some(mapped)
}

/// Reads a label that no browser takes.
fn push_refused(label: &str, host: &mut String) -> bool {
    let mut odd = false;
    for c in label.chars() {
        match c {
            '\u{ff01}'..='\u{ff5e}' => {
                odd = true;
                let narrow = char::from_u32(c as u32 - 0xfee0).unwrap_or(c);
                host.push(narrow.to_ascii_lowercase());
            }
            _ if is_joiner(c) => odd = true,
            _ => host.extend(c.to_lowercase()),
        }
    }
    odd
}

/// Whether nothing was undone but what people write: capital letters, and accents beside theirs.
fn is_usual(label: &str, mapped: &str) -> bool {
    // The Kelvin sign is a `K` to look at, and a `k` in lower case.
    if !label.contains('\u{212a}') && label.chars().flat_map(char::to_lowercase).eq(mapped.chars())
    {
        return true;
    }
    label.chars().all(|c| c.is_ascii() || is_usual_letter(c))
}

fn is_usual_letter(c: char) -> bool {
    match c {
        '\u{212a}' => return false,
        // Of Armenian, of scripts from India to Tibet, of old Greek: keyboards have letters in one
        // that names have in two.
        '\u{587}' | '\u{900}'..='\u{fff}' | '\u{1f00}'..='\u{1fff}' => return true,
        _ if is_accent(c) => return true,
        _ => {}
    }
    let is_same = |mapped: &str| {
        let it = mapped.chars();
        it.clone().eq([c]) || it.clone().eq(c.to_lowercase()) || it.eq(c.to_uppercase())
    };
    let behind_a_letter = format!("q{c}");
    match mapped(&behind_a_letter[1..]) {
        Some(mapped) => is_same(&mapped),
        // What stands on a letter, as accents do, does not stand alone: none is joined to a `q`.
        None => mapped(&behind_a_letter)
            .is_none_or(|mapped| mapped.strip_prefix('q').is_some_and(is_same)),
    }
}

/// The marks that are common, known without a question.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// Whether a host may be written with this letter: with what is none of a name, as a comma, it ends
/// in text.
pub(crate) fn may_stand_in_host(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    }
    if c.is_alphanumeric() || is_accent(c) || is_unseen(c) || is_odd_stop(c) {
        return true;
    }
    let behind_a_letter = format!("q{c}");
    match mapped(&behind_a_letter[1..]) {
        Some(mapped) => matches!(&*mapped, "-" | "_"),
        None => mapped(&behind_a_letter).is_some(),
    }
}

fn in_usual_form(mut host: String, odd: bool) -> (String, bool) {
    while host.ends_with('.') {
        host.pop();
    }
    if let Some(address) = odd_address(&host) {
        return (address.to_string(), true);
    }
    (host, odd)
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if let (b'%', [high, low, behind @ ..]) = (first, after)
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            bytes.push(high << 4 | low);
            rest = behind;
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An IPv4 address in one of the forms that browsers read and nobody writes: one number, octal,
/// hexadecimal. `None` for names and for four decimal numbers.
fn odd_address(host: &str) -> Option<Ipv4Addr> {
    if !host.starts_with(|c: char| c.is_ascii_digit())
        || !host.ends_with(|c: char| c.is_ascii_hexdigit())
        || host.parse::<Ipv4Addr>().is_ok()
    {
        return None;
    }
    let mut numbers = Vec::with_capacity(4);
    for part in host.split('.') {
        if numbers.len() == 4 {
            return None;
        }
        numbers.push(whatwg_number(part)?);
    }
    let (last, front) = numbers.split_last()?;
    let mut address = 0u32;
    for (at, number) in front.iter().enumerate() {
        address |= u32::from(u8::try_from(*number).ok()?) << (24 - 8 * at);
    }
    let room = 32 - 8 * front.len();
    if u64::from(*last) >= 1 << room {
        return None;
    }
    Some(Ipv4Addr::from(address | last))
}

fn whatwg_number(part: &str) -> Option<u32> {
    if let Some(digits) = part.strip_prefix("0x") {
        return if digits.is_empty() { Some(0) } else { u32::from_str_radix(digits, 16).ok() };
    }
    if !part.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let octal = part.len() > 1 && part.starts_with('0');
    u32::from_str_radix(part, if octal { 8 } else { 10 }).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(written: &str, host: &str, odd: bool) {
        assert_eq!(read_host(written), (host.to_owned(), odd), "{written:?}");
    }

    #[test]
    fn a_host_is_read_as_a_browser_asks_for_it() {
        for written in [
            "evil\u{2024}com",
            "evil\u{fe52}com",
            "ⓔⓥⓘⓛ\u{2024}com",
            "evil\u{3002}com",
            "evil\u{ff61}com\u{3002}",
            "ⓔⓥⓘⓛ.com",
            "ⓔⓥⓘⓛ。ⓒⓞⓜ",
            "𝐞𝘷𝓲𝗹.com",
            "ｅvil．com",
            "eviℓ.ᶜom",
            "evil\u{fe0f}.com",
            "e\u{34f}vil.com",
            "ev\u{180b}il.com",
            "evi\u{e0100}l.com",
            "evil.c\u{ad}o\u{200b}m",
        ] {
            check(written, "evil.com", true);
        }
        check("①②⑦.0.0.1", "127.0.0.1", true);
        check("\u{212a}.example", "k.example", true);
        check("ſhop.example", "shop.example", true);
        check("xn--bcher-kva.ⓔxample", "xn--bcher-kva.example", true);
    }

    #[test]
    fn honest_names_are_not_odd() {
        for (written, host) in [
            ("BÜCHER.example", "bücher.example"),
            ("bu\u{308}cher.Example", "bücher.example"),
            ("BU\u{308}CHER.example", "bücher.example"),
            ("STRAẞE.example", "straße.example"),
            ("ΣΊΣΥΦΟΣ.example", "σίσυφοσ.example"),
            ("İSTANBUL.example", "i̇stanbul.example"),
            ("ПОЧТА.рф", "почта.рф"),
            ("例え.テスト", "例え.テスト"),
            ("हिन्दी.भारत", "हिन्दी.भारत"),
            ("\u{958}लम.भारत", "\u{915}\u{93c}लम.भारत"),
            ("ค\u{e33}.ไทย", "ค\u{e4d}\u{e32}.ไทย"),
            ("երևան.հայ", "երեւան.հայ"),
            ("ᏣᎳᎩ.example", "ᏣᎳᎩ.example"),
            ("\u{1112}\u{1161}\u{11ab}.example", "\u{d55c}.example"),
            ("نامه\u{200c}ای.example", "نامه\u{200c}ای.example"),
            ("💩.example", "💩.example"),
            ("xn--BCHER-kva.ünique.example", "xn--bcher-kva.ünique.example"),
        ] {
            check(written, host, false);
        }
    }

    #[test]
    fn what_a_browser_refuses_is_read_as_far_as_it_goes() {
        check("ev\u{200c}il.com", "evil.com", true);
        check("ev\u{202e}il\u{e0041}.c\u{2066}om", "evil.com", true);
        check("ev\u{a0}il\u{3000}.com", "evil.com", true);
        check("Ｅvil\u{200d}。com", "evil.com", true);
        check("Ü\u{fffd}.example", "ü\u{fffd}.example", false);
        check("ⓔvil.Ü[.com", "evil.ü[.com", true);
    }

    #[test]
    fn no_padding_pushes_a_host_over_its_bound() {
        check(&format!("e{}vil.com", "\u{200b}".repeat(2_000)), "evil.com", true);
        check(&format!("{}evil.com", "%E2%80%8B".repeat(2_000)), "evil.com", true);
        for letter in ["\u{fdfa}", "a", "ü", "\u{958}", "e\u{301}", "%41", "。"] {
            let (host, _) = read_host(&letter.repeat(10_000));
            assert!(host.len() <= LONGEST_HOST, "{letter}");
        }
    }

    #[test]
    fn letters_of_names_are_told_from_marks_of_text() {
        for c in "aZ9.-_é例\u{301}\u{94d}\u{fe0f}\u{200b}ⓔ\u{2024}。．－".chars() {
            assert!(may_stand_in_host(c), "{c:?}");
        }
        for c in ", /:@[]」，、！；：（’…™🔥\u{a0}\u{fffd}".chars() {
            assert!(!may_stand_in_host(c), "{c:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_host_has_white_space_or_controls(written in any::<Vec<char>>()) {
            let written: String = written.into_iter().collect();
            let (host, _) = read_host(&written);
            prop_assert!(host.len() <= LONGEST_HOST);
            prop_assert!(!host.contains(|c: char| c.is_whitespace() || c.is_control()), "{:?}", host);
        }
    }
}
