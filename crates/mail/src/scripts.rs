//! Whether a page or a drawing runs something when it is opened.
//!
//! Invariant: a few passes over its bytes, whatever they are.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

/// Whether `page` has a script. In any letter case, as browsers have it, and of any name space, as XML has it
/// (`<s:script xmlns:s="http://www.w3.org/2000/svg">`). A drawing has no reason to run one by other means either;
/// pages are full of them.
pub(crate) fn has_script(page: &[u8], is_drawing: bool) -> bool {
    // In UTF-16 every other byte of such a tag is 0.
    let page = match memchr(0, page) {
        Some(_) => Cow::Owned(page.iter().copied().filter(|byte| *byte != 0).collect()),
        None => Cow::Borrowed(page),
    };
    let has_element = memchr_iter(b'<', &page).any(|at| {
        let ends = |byte: &u8| matches!(byte, b'<' | b'>' | b'/') || byte.is_ascii_whitespace();
        let name = page[at + 1..].split(ends).next().unwrap_or_default();
        let local = name.split(|byte| *byte == b':').next_back().unwrap_or_default();
        local.get(..6).is_some_and(|start| start.eq_ignore_ascii_case(b"script"))
    });
    has_element || is_drawing && runs_by_attribute(&page)
}

/// `onload="…"`, or `href="javascript:…"`.
fn runs_by_attribute(page: &[u8]) -> bool {
    let is_scheme = |at: usize| {
        let from = at.saturating_sub("javascript".len());
        page[from..at].eq_ignore_ascii_case(b"javascript")
    };
    let is_handler = |at: usize| {
        let name = page[..at].trim_ascii_end();
        let letters = name.iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let (before, name) = name.split_at(name.len() - letters);
        let stands_apart =
            |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'/');
        letters > 3
            && name[..2].eq_ignore_ascii_case(b"on")
            && before.last().is_some_and(stands_apart)
            && matches!(page[at + 1..].trim_ascii_start(), [b'"' | b'\'', ..])
    };
    memchr_iter(b':', page).any(is_scheme) || memchr_iter(b'=', page).any(is_handler)
}
