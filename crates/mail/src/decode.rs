//! Transfer encodings and character sets: from the bytes of a part to text.
//!
//! Mail programs differ in how they read broken encodings, and attackers know it: what can be read
//! is read, as most programs do, and what is broken is told.
//!
//! Invariant: nothing is copied that is readable as it stands, and no more than asked for is decoded.

use std::borrow::Cow;

use encoding_rs::{Encoding as Charset, UTF_8, WINDOWS_1252};
use mail_parser::decoders::charsets::map::charset_decoder;
use memchr::{memchr, memrchr};

use crate::defects::{Defect, Defects};
use crate::mime::Encoding;

/// Undoes a transfer encoding (RFC 2045, section 6), of at most `most` decoded bytes.
pub(crate) fn transfer<'m>(
    body: &'m [u8],
    encoding: Encoding,
    most: usize,
    defects: &mut Defects,
) -> Cow<'m, [u8]> {
    match encoding {
        Encoding::Base64 => Cow::Owned(base64(body, most, defects)),
        Encoding::QuotedPrintable if memchr(b'=', body).is_some() => {
            Cow::Owned(quoted_printable(body, most, defects))
        }
        _ => Cow::Borrowed(cut(body, most, defects)),
    }
}

/// The last decoded bytes, about `most` of them and no more, for a body of more than that.
pub(crate) fn transfer_end(body: &[u8], encoding: Encoding, most: usize) -> Cow<'_, [u8]> {
    let begin = match encoding {
        // Four letters are three bytes, and the first group is made whole.
        Encoding::Base64 => base64_group(body, (most / 3).saturating_sub(1) * 4),
        _ => body.len().saturating_sub(most),
    };
    transfer(&body[begin..], encoding, most, &mut Defects::default())
}

/// Where the group begins that holds the first of the last `letters`. Groups are counted from the
/// beginning and from padding, as [`base64`] counts them.
fn base64_group(body: &[u8], letters: usize) -> usize {
    let is_letter = |at: &usize| ALPHABET[usize::from(body[*at])] < PADDING;
    let before =
        |end: usize, letters| (0..end).rev().filter(is_letter).take(letters).last().unwrap_or(end);
    let begin = before(body.len(), letters);
    let padding = memrchr(b'=', &body[..begin]).unwrap_or(0);
    before(begin, (padding..begin).filter(is_letter).count() % 4)
}

fn cut<'m>(body: &'m [u8], most: usize, defects: &mut Defects) -> &'m [u8] {
    if body.len() > most {
        defects.note(Defect::TextCut);
    }
    body.get(..most).unwrap_or(body)
}

/// Values of the alphabet (RFC 4648, section 4); what isn't in it is skipped, as RFC 2045 asks.
const fn alphabet() -> [u8; 256] {
    let mut values = [SKIPPED; 256];
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut at = 0;
    while at < letters.len() {
        values[letters[at] as usize] = at as u8;
        at += 1;
    }
    values[b'=' as usize] = PADDING;
    values
}
const SKIPPED: u8 = 0xff;
const PADDING: u8 = 0xfe;
static ALPHABET: [u8; 256] = alphabet();

fn base64(body: &[u8], most: usize, defects: &mut Defects) -> Vec<u8> {
    let mut decoded = Vec::with_capacity((body.len() / 4 * 3 + 3).min(most + 3));
    let (mut group, mut letters, mut strange, mut padded) = (0u32, 0u32, 0usize, false);
    for &byte in body {
        match ALPHABET[usize::from(byte)] {
            PADDING => {
                flush(group, letters, &mut decoded);
                (group, letters, padded) = (0, 0, true);
            }
            SKIPPED => strange += usize::from(!byte.is_ascii_whitespace()),
            value => {
                // Behind the padding another text may begin: some programs read on.
                if padded {
                    defects.note(Defect::Base64Broken);
                    padded = false;
                }
                group = group << 6 | u32::from(value);
                letters += 1;
                if letters == 4 {
                    let [_, octets @ ..] = group.to_be_bytes();
                    decoded.extend_from_slice(&octets);
                    (group, letters) = (0, 0);
                }
            }
        }
        if decoded.len() > most {
            decoded.truncate(most);
            defects.note(Defect::TextCut);
            return decoded;
        }
    }
    flush(group, letters, &mut decoded);
    if decoded.len() > most {
        decoded.truncate(most);
        defects.note(Defect::TextCut);
    }
    // Footers that lists append are plain text behind base64; a little is forgiven.
    if letters == 1 || strange > 4 && strange > body.len() / 50 {
        defects.note(Defect::Base64Broken);
    }
    decoded
}

/// The octets of a group that ended early.
fn flush(group: u32, letters: u32, decoded: &mut Vec<u8>) {
    if letters >= 2 {
        let [_, octets @ ..] = (group << (6 * (4 - letters))).to_be_bytes();
        decoded.extend_from_slice(&octets[..letters as usize - 1]);
    }
}

fn quoted_printable(body: &[u8], most: usize, defects: &mut Defects) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(body.len().min(most));
    let mut rest = body;
    while let Some(at) = memchr(b'=', rest) {
        decoded.extend_from_slice(&rest[..at]);
        if decoded.len() > most {
            break;
        }
        let after = &rest[at + 1..];
        rest = if let [high, low, ..] = after
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            decoded.push(high << 4 | low);
            &after[2..]
        } else if let Some(used) = soft_break(after) {
            &after[used..]
        } else {
            // As it stands: so do other programs.
            decoded.push(b'=');
            defects.note(Defect::QuotedPrintableBroken);
            after
        };
    }
    decoded.extend_from_slice(&rest[..rest.len().min(most.saturating_sub(decoded.len()) + 1)]);
    if decoded.len() > most {
        decoded.truncate(most);
        defects.note(Defect::TextCut);
    }
    decoded
}

/// The length of white space and a line end, or of what is left of the text.
fn soft_break(after: &[u8]) -> Option<usize> {
    let blanks = after.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    match after.get(blanks..)? {
        [] => Some(blanks),
        [b'\n', ..] => Some(blanks + 1),
        [b'\r', b'\n', ..] => Some(blanks + 2),
        _ => None,
    }
}

/// The value of a hexadecimal digit, either case.
pub(crate) const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Bytes of no declared character set as text: UTF-8 when they are, else Windows-1252, in which
/// everything is something.
pub(crate) fn readable(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

/// Bytes in the character set `label` as text.
pub(crate) fn charset<'m>(
    bytes: Cow<'m, [u8]>,
    label: Option<&str>,
    defects: &mut Defects,
) -> Cow<'m, str> {
    let bytes = match bytes {
        Cow::Borrowed(bytes) => bytes,
        Cow::Owned(bytes) => return owned(bytes, label, defects),
    };
    match label.map(known) {
        None => readable(bytes),
        Some(Known::Utf8) => readable(without_bom(bytes)),
        Some(Known::Charset(charset)) => charset.decode(bytes).0,
        Some(Known::Utf7(decode)) => Cow::Owned(decode(bytes)),
        Some(Known::Nothing) => {
            defects.note(Defect::CharsetUnknown);
            readable(bytes)
        }
    }
}

/// The same, without another copy where the bytes are UTF-8 already.
fn owned(bytes: Vec<u8>, label: Option<&str>, defects: &mut Defects) -> Cow<'static, str> {
    let is_utf8 = label.is_none_or(|label| matches!(known(label), Known::Utf8));
    let bytes = match (is_utf8, String::from_utf8(bytes)) {
        (true, Ok(text)) => return Cow::Owned(text),
        (_, Ok(text)) => text.into_bytes(),
        (_, Err(error)) => error.into_bytes(),
    };
    Cow::Owned(charset(Cow::Borrowed(&bytes), label, defects).into_owned())
}

enum Known {
    Utf8,
    Charset(&'static Charset),
    /// Which the web has given up, but mail has not.
    Utf7(fn(&[u8]) -> String),
    Nothing,
}

fn known(label: &str) -> Known {
    let label = label.trim_matches(['"', '\'', ' ', ';']);
    // Programs write `us-ascii` for what isn't: the web's reading of it as Windows-1252 would spoil
    // UTF-8, so it counts as not declared.
    if label.is_empty()
        || ["us-ascii", "ascii", "unknown-8bit", "8bit", "default", "_autodetect"]
            .iter()
            .any(|vague| label.eq_ignore_ascii_case(vague))
    {
        return Known::Utf8;
    }
    if let Some(charset) = Charset::for_label(label.as_bytes()) {
        return if charset == UTF_8 { Known::Utf8 } else { Known::Charset(charset) };
    }
    match charset_decoder(label.as_bytes()) {
        Some(decode) => Known::Utf7(decode),
        None => Known::Nothing,
    }
}

fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(encoding: Encoding, body: &str, expect: &str, defect: Option<Defect>) {
        let mut defects = Defects::default();
        let decoded = transfer(body.as_bytes(), encoding, 100, &mut defects);
        assert_eq!(String::from_utf8_lossy(&decoded), expect, "{body:?}");
        assert_eq!(defects.as_slice(), defect.as_slice(), "{body:?}");
    }

    #[test]
    fn base64_is_read_as_far_as_it_goes() {
        check(Encoding::Base64, "SGVsbG8gd29ybGQ=", "Hello world", None);
        check(Encoding::Base64, "SGVs\r\nbG8g\r\nd29ybGQ", "Hello world", None);
        check(Encoding::Base64, "SGVsbG8=IHdvcmxk", "Hello world", Some(Defect::Base64Broken));
        check(Encoding::Base64, "S", "", Some(Defect::Base64Broken));
        check(Encoding::Base64, "(?!) SGVs <.> bG8 ***", "Hello", Some(Defect::Base64Broken));
        check(Encoding::Base64, "", "", None);
    }

    #[test]
    fn quoted_printable_keeps_what_is_no_code() {
        check(Encoding::QuotedPrintable, "a=3Db=\r\nc=  \nd=", "a=bcd", None);
        check(Encoding::QuotedPrintable, "gr=c3=bc=C3=9Fe", "grüße", None);
        check(
            Encoding::QuotedPrintable,
            "1+1=2, x=y",
            "1+1=2, x=y",
            Some(Defect::QuotedPrintableBroken),
        );
    }

    #[test]
    fn no_more_is_decoded_than_asked_for() {
        check(Encoding::SevenBit, &"a".repeat(101), &"a".repeat(100), Some(Defect::TextCut));
        check(
            Encoding::QuotedPrintable,
            &"=61".repeat(101),
            &"a".repeat(100),
            Some(Defect::TextCut),
        );
        check(Encoding::Base64, &"YWFh".repeat(50), &"a".repeat(100), Some(Defect::TextCut));
    }

    #[test]
    fn the_end_is_decoded_as_it_is_in_the_whole() {
        for (encoding, body, expect) in [
            (Encoding::Base64, "MDEy\r\nMzQ1\r\nNjc4OTo=\r\n", "3456789:"),
            (Encoding::Base64, "MDEyMzQ1Njc4OTo7", "6789:;"),
            (Encoding::Base64, "MDE=MjM0NTY3ODk=", "23456789"),
            (Encoding::Base64, "MDEy", "012"),
            (Encoding::Base64, "", ""),
            (Encoding::QuotedPrintable, "=3D01234=3D56", "1234=56"),
            (Encoding::SevenBit, "0123456789", "123456789"),
        ] {
            let end = transfer_end(body.as_bytes(), encoding, 9);
            assert_eq!(String::from_utf8_lossy(&end), expect, "{body:?}");
        }
    }

    #[test]
    fn character_sets_are_known_by_their_labels() {
        for (bytes, label, expect) in [
            (&b"gr\xfc\xdfe"[..], "iso-8859-1", "grüße"),
            (b"gr\xc3\xbc\xc3\x9fe", "us-ascii", "grüße"),
            (b"gr\xfc\xdfe", "us-ascii", "grüße"),
            (b"gr\xfc\xdfe", "utf-8", "grüße"),
            (b"\xed\xcf", "koi8-r", "Мо"),
            (b"\xc4\xe3\xba\xc3", "GB2312", "你好"),
            (b"gr+APwA3w-e", "utf-7", "grüße"),
            (b"abc", "x-nobody-knows", "abc"),
        ] {
            let mut defects = Defects::default();
            assert_eq!(charset(Cow::Borrowed(bytes), Some(label), &mut defects), expect, "{label}");
            let unknown = defects.as_slice().contains(&Defect::CharsetUnknown);
            assert_eq!(unknown, label.starts_with("x-"));
            let mut defects = Defects::default();
            assert_eq!(charset(Cow::Owned(bytes.to_vec()), Some(label), &mut defects), expect);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_survive_quoted_printable(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let written: String = bytes.iter().map(|byte| format!("={byte:02X}")).collect();
            let mut defects = Defects::default();
            let read = transfer(written.as_bytes(), Encoding::QuotedPrintable, 1_000, &mut defects);
            prop_assert_eq!(&*read, &bytes[..]);
            prop_assert!(defects.as_slice().is_empty());
        }

        #[test]
        fn no_bytes_make_decoding_fail(bytes in proptest::collection::vec(any::<u8>(), 0..300), most in 0usize..200) {
            for encoding in [Encoding::Base64, Encoding::QuotedPrintable, Encoding::EightBit] {
                let mut defects = Defects::default();
                let decoded = transfer(&bytes, encoding, most, &mut defects);
                prop_assert!(decoded.len() <= most);
                let _ = charset(decoded, Some("iso-2022-jp"), &mut defects);
                let end = transfer_end(&bytes, encoding, most);
                prop_assert!(end.len() <= most);
                let whole = transfer(&bytes, encoding, usize::MAX / 2, &mut defects);
                // Within a code, or within a group, it begins with something else.
                let is_whole = encoding != Encoding::QuotedPrintable && most >= 3;
                prop_assert!(!is_whole || whole.ends_with(&end));
            }
        }
    }
}
