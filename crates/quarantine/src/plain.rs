//! Text of strangers, made safe to show: on a terminal, in a page, in a mail.
//!
//! Invariant: what [`plain`] returns moves no cursor, turns no writing direction and hides nothing.

/// `text` without control characters and marks of writing direction, cut at `most` bytes. Line ends and
/// tabs stay.
#[must_use]
pub fn plain(text: &str, most: usize) -> String {
    let cut = &text[..text.floor_char_boundary(most)];
    let mut shown = String::with_capacity(cut.len());
    for c in cut.chars() {
        match c {
            '\n' | '\t' => shown.push(c),
            '\r' => {}
            _ if c.is_control() || is_of_direction(c) => shown.push('\u{fffd}'),
            _ => shown.push(c),
        }
    }
    if cut.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// As [`plain`], on one line.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    plain(text, most).replace(['\n', '\t'], " ").trim().to_owned()
}

/// Unicode's marks, embeddings, overrides and isolates (UAX #9), and invisible fillers.
const fn is_of_direction(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_turned_writing_end_here() {
        assert_eq!(
            plain("a\u{1b}[2Jb\r\nc\u{202e}d\u{9b}e", 100),
            "a\u{fffd}[2Jb\nc\u{fffd}d\u{fffd}e"
        );
        assert_eq!(one_line(" a\r\n\tb ", 100), "a  b");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(plain("ää", 3), "ä…");
    }
}
