//! The edges of words, as literals have them.
//!
//! Most literals of patterns are whole words; `list` is in `enlisted` too, where the pattern does
//! not match. An edge is written as a byte that no text of UTF-8 has, first or last in a literal.
//!
//! Invariant: where an edge of a literal is not in a text, the pattern doesn't match there.

use regex_syntax::hir::Look;

/// Stands in a literal for an edge of a word.
pub(crate) const EDGE: u8 = 0xfe;

/// Whether `look` holds beside a letter only where no other one is on its other side.
pub(crate) fn is_edge(look: Look) -> bool {
    !matches!(
        look,
        Look::Start
            | Look::End
            | Look::StartLF
            | Look::EndLF
            | Look::StartCRLF
            | Look::EndCRLF
            | Look::WordAsciiNegate
            | Look::WordUnicodeNegate
    )
}

/// Letters, digits and the underscore, of ASCII; of others, nothing is said.
pub(crate) fn is_word(byte: u8) -> bool {
    const WORD: [bool; 256] = {
        let (mut all, mut byte) = ([false; 256], 0_u8);
        while byte < 0x80 {
            all[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'_';
            byte += 1;
        }
        all
    };
    WORD[usize::from(byte)]
}

/// A literal without its edges, and whether it has the first and the last one.
pub(crate) fn without_edges(literal: &[u8]) -> (&[u8], bool, bool) {
    let behind = literal.strip_prefix(&[EDGE]);
    let before = behind.unwrap_or(literal).strip_suffix(&[EDGE]);
    let bare = before.or(behind).unwrap_or(literal);
    (bare, behind.is_some(), before.is_some())
}

/// Leaves in `literal` the edges of its own first and last letter, and at most `longest` bytes
/// between them.
pub(crate) fn settle(literal: &mut Vec<u8>, longest: usize) {
    let opens = literal.first() == Some(&EDGE);
    let mut closes = literal.last() == Some(&EDGE);
    literal.retain(|&byte| byte != EDGE);
    closes &= literal.len() <= longest;
    literal.truncate(longest);
    if closes && literal.last().is_some_and(|&last| is_word(last)) {
        literal.push(EDGE);
    }
    if opens && literal.first().is_some_and(|&first| is_word(first)) {
        literal.insert(0, EDGE);
    }
}
