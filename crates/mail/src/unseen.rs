//! Letters that take no room and that nobody sees: joiners, soft hyphens, selectors of a form, tags,
//! marks of direction.
//!
//! Invariant: text in ASCII is borrowed.

use std::borrow::Cow;

/// Unicode's `Default_Ignorable_Code_Point` (UAX 44, DerivedCoreProperties.txt).
pub(crate) fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// What is seen of `text`, from its first letter; at most `most` bytes of that.
pub(crate) fn seen(text: &str, most: usize) -> Cow<'_, str> {
    let text = text.trim_start();
    let front = &text[..text.floor_char_boundary(most)];
    if front.is_ascii() {
        return front.into();
    }
    // Left out before it is cut: else they would push what is seen over the end.
    let letters = text.chars().filter(|c| !is_unseen(*c)).skip_while(|c| c.is_whitespace());
    let mut seen = String::with_capacity(front.len());
    for c in letters {
        if seen.len() + c.len_utf8() > most {
            break;
        }
        seen.push(c);
    }
    seen.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_left_out_before_the_text_is_cut() {
        let padded = format!("{}www.bank.example", "\u{200b}\u{a0}\u{e0041}".repeat(70));
        for (text, expect) in [
            ("www.bank.example", "www.bank"),
            (" \u{a0} www.bank.example", "www.bank"),
            ("w\u{ad}ww.p\u{200b}ay\u{fe0f}\u{e0101}pal\u{2069}", "www.payp"),
            ("\u{200b}", ""),
            ("größer", "größer"),
            ("größte", "größte"),
            (&padded, "www.bank"),
        ] {
            assert_eq!(seen(text, 8), expect, "{text:?}");
        }
    }

    #[test]
    fn text_in_ascii_is_borrowed() {
        assert!(matches!(seen(" www.bank.example", 8), Cow::Borrowed("www.bank")));
    }
}
