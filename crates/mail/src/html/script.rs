//! Where a script ends: not at `</script>` when it stands within `<!--` and another `<script>`, as
//! old pages have it (the HTML standard, sections 13.2.5.15 to 13.2.5.31).
//!
//! Invariant: one pass, and nothing is copied.

use memchr::{memchr, memchr2};

use super::element::Name;
use super::token::ends_name;

/// How far a script is commented out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escaped {
    No,
    /// Within `<!--`.
    Once,
    /// Within `<script>` within `<!--`.
    Twice,
}

/// The length of the script that `text` begins with, up to its end tag.
pub(super) fn length(text: &[u8], script: Name) -> usize {
    let mut escaped = Escaped::No;
    let mut from = 0;
    loop {
        let rest = &text[from..];
        let next = match escaped {
            Escaped::No => memchr(b'<', rest),
            Escaped::Once | Escaped::Twice => memchr2(b'<', b'>', rest),
        };
        let Some(found) = next else { return text.len() };
        let at = from + found;
        from = at + 1;
        let behind = &text[from..];
        if text[at] == b'>' {
            if text[..at].ends_with(b"--") {
                escaped = Escaped::No;
            }
        } else if escaped != Escaped::Twice && is_end_tag(&text[at..], script) {
            return at;
        } else if escaped == Escaped::No {
            if behind.starts_with(b"!--") {
                escaped = Escaped::Once;
                from += 3;
            }
        } else if escaped == Escaped::Once {
            if behind.first().is_some_and(u8::is_ascii_alphabetic) {
                from += change(behind, script, &mut escaped, Escaped::Twice);
            }
        } else if let Some(behind) = behind.strip_prefix(b"/") {
            from += 1 + change(behind, script, &mut escaped, Escaped::Once);
        }
    }
}

/// Reads a word; when it is the script's own name, what is behind is escaped as `then` says. The length of
/// what was read.
fn change(text: &[u8], script: Name, escaped: &mut Escaped, then: Escaped) -> usize {
    let letters = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    match text.get(letters) {
        Some(&byte) if ends_name(byte) => {
            if script.is(&text[..letters]) {
                *escaped = then;
            }
            letters + 1
        }
        _ => letters,
    }
}

/// Whether `text` begins with an end tag of `name`.
pub(super) fn is_end_tag(text: &[u8], name: Name) -> bool {
    let Some(behind) = text.strip_prefix(b"</") else { return false };
    let Some((written, [end, ..])) = behind.split_at_checked(name.len()) else { return false };
    ends_name(*end) && name.is(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(&text[..length(text.as_bytes(), Name::of("script"))], expect);
    }

    #[test]
    fn a_script_ends_at_its_end_tag() {
        check("a</script>b", "a");
        check("a</scripts></SCRIPT >b", "a</scripts>");
        check("a<b</script", "a<b</script");
        check("<!-- a</script>b", "<!-- a");
    }

    #[test]
    fn a_script_within_a_comment_within_a_script_ends_first() {
        check("<!--<script>a</script>b</script>c", "<!--<script>a</script>b");
        check("<!--<script>a-->b</script>c", "<!--<script>a-->b");
        check("<!--><script>a</script>b", "<!--><script>a");
        check("<!--<scripts>a</script>b", "<!--<scripts>a");
    }
}
