//! White space of HTML: squeezed into one blank, or kept but for the form of line ends.

use memchr::memchr;

/// Writes `text` behind `to`, white space of any length as one blank.
pub(super) fn push_squeezed(text: &str, to: &mut String) {
    let bytes = text.as_bytes();
    let mut at = spaces(bytes);
    if at > 0 && !to.is_empty() && !to.ends_with([' ', '\n']) {
        to.push(' ');
    }
    while at < bytes.len() {
        let end = at + squeezed(&bytes[at..]);
        to.push_str(&text[at..end]);
        at = end + spaces(&bytes[end..]);
        if at > end {
            to.push(' ');
        }
    }
}

/// The length of the words that `text` begins with, between which there is one blank already.
fn squeezed(text: &[u8]) -> usize {
    let mut end = 0;
    loop {
        end += text[end..].iter().take_while(|byte| !is_space(**byte)).count();
        match text.get(end..) {
            Some([b' ', next, ..]) if !is_space(*next) => end += 1,
            _ => return end,
        }
    }
}

/// Writes `text` behind `to`, its line ends as one line feed each.
pub(super) fn push_lines(text: &str, to: &mut String) {
    let mut rest = text;
    while let Some(at) = memchr(b'\r', rest.as_bytes()) {
        to.push_str(&rest[..at]);
        to.push('\n');
        rest = &rest[at + 1..];
        rest = rest.strip_prefix('\n').unwrap_or(rest);
    }
    to.push_str(rest);
}

/// How many blanks `text` begins with.
pub(super) fn spaces(text: &[u8]) -> usize {
    text.iter().take_while(|&&byte| is_space(byte)).count()
}

pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, text: &str, expect: &str) {
        let mut to = before.to_owned();
        push_squeezed(text, &mut to);
        assert_eq!(to, expect, "{before:?} {text:?}");
    }

    #[test]
    fn white_space_of_any_length_is_one_blank() {
        check("", " a  b\r\n\tc d ", "a b c d ");
        check("x", " a", "x a");
        check("x ", " a", "x a");
        check("x\n", "  ", "x\n");
        check("x", " \n ", "x ");
        check("x", "", "x");
        check("", "é  ü", "é ü");
    }

    #[test]
    fn line_ends_are_one_line_feed_each() {
        let mut to = String::from("x");
        push_lines("a\r\nb\rc\n\r\n", &mut to);
        assert_eq!(to, "xa\nb\nc\n\n");
    }
}
