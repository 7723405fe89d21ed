//! Links written out in text: what they are found by, and where they end.
//!
//! Programs that make links of text end them where no more of a host or a path can stand.
//!
//! Invariant: no more is read than is left to be read, and text is gone through once for each of
//! [`FINDERS`].

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::LinkKind;
use crate::domain::registered_domain;
use crate::unseen::is_unseen;
use crate::url::{Url, may_stand_in_host};

/// What links are found by, and how they are read from there.
pub(super) struct Beginning {
    finder: Finder<'static>,
    /// What stands in front of that, in any case.
    before: &'static [u8],
    pub(super) read: Reader,
}

type Reader = fn(&str, usize, &mut usize) -> Option<(Url, LinkKind)>;

/// Of `www.` two letters are found, so that two passes are enough for any case.
pub(super) static FINDERS: LazyLock<[Beginning; 4]> = LazyLock::new(|| {
    let readers: [(&str, &str, Reader); 4] = [
        ("", "://", with_scheme),
        ("ww", "w.", with_www),
        ("ww", "W.", with_www),
        ("", "[.]", with_brackets),
    ];
    readers.map(|(before, found_by, read)| Beginning {
        finder: Finder::new(found_by),
        before: before.as_bytes(),
        read,
    })
});

impl Beginning {
    /// Where they stand in `text`.
    pub(super) fn beginnings(&self, text: &str) -> impl Iterator<Item = usize> {
        let bytes = text.as_bytes();
        self.finder.find_iter(bytes).filter_map(move |found| {
            let at = found.checked_sub(self.before.len())?;
            bytes[at..found].eq_ignore_ascii_case(self.before).then_some(at)
        })
    }
}

/// `at`: of `://`.
fn with_scheme(text: &str, at: usize, left: &mut usize) -> Option<(Url, LinkKind)> {
    let before = &text.as_bytes()[..at];
    let letters =
        before.iter().rev().take(8).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let written = text.get(at - letters..at)?;
    let ends = |scheme: &str| {
        let from = written.len().checked_sub(scheme.len())?;
        written.get(from..).filter(|end| end.eq_ignore_ascii_case(scheme))
    };
    let (scheme, kind) = if ends("https").is_some() {
        ("https", LinkKind::Plain)
    } else if ends("http").is_some() {
        ("http", LinkKind::Plain)
    } else if ends("ftp").is_some() {
        ("ftp", LinkKind::Plain)
    } else if ends("hxxps").is_some() || ends("hxxp").is_some() {
        ("http", LinkKind::Obfuscated)
    } else {
        return None;
    };
    let rest = written_url(&text[at + 3..], left)?;
    let plain: Cow<'_, str> = match rest.contains(['[', '(']) {
        true => rest.replace("[.]", ".").replace("(.)", ".").into(),
        false => rest.into(),
    };
    let kind = if plain == rest { kind } else { LinkKind::Obfuscated };
    read_url(scheme, &plain).map(|url| (url, kind))
}

fn with_www(text: &str, at: usize, left: &mut usize) -> Option<(Url, LinkKind)> {
    let before = text[..at].chars().next_back();
    if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '/' | '.' | '@' | '-' | '_')) {
        return None;
    }
    let url = read_url("http", written_url(&text[at..], left)?)?;
    let dots = url.host.as_deref().map_or(0, |host| host.matches('.').count());
    (dots >= 2).then_some((url, LinkKind::Plain))
}

/// `evil[.]example/path`, the way in which people warn of links, and in which some spam is written.
fn with_brackets(text: &str, at: usize, left: &mut usize) -> Option<(Url, LinkKind)> {
    let before = &text.as_bytes()[..at];
    let is_part =
        |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(**byte, b'-' | b'.' | b'[' | b']');
    let letters = before.iter().rev().take(100).take_while(is_part).count();
    let begin = at - letters;
    // Behind a scheme it is found by that.
    if letters == 0 || text[..begin].ends_with("://") {
        return None;
    }
    let plain = written_url(text.get(begin..)?, left)?.replace("[.]", ".");
    let url = Url::parse(&format!("http://{plain}"), None)?;
    let domain = url.host.as_deref().filter(|host| is_host(host)).and_then(registered_domain);
    domain.is_some().then_some((url, LinkKind::Obfuscated))
}

/// As far as a program would take it for the link; what is read for that is taken off `left`.
fn written_url<'t>(text: &'t str, left: &mut usize) -> Option<&'t str> {
    const LONGEST: usize = 2_048;
    let text = &text[..text.floor_char_boundary(LONGEST)];
    let ends = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '<' | '>' | '"' | '`' | '{' | '}' | '|' | '^')
    };
    let text = &text[..text.find(ends).unwrap_or(text.len())];
    *left = left.saturating_sub(text.len());
    // A bracket that was opened before the link ends it.
    let text = text.trim_end_matches(stands_behind);
    let text = match text.strip_suffix([')', ']']) {
        Some(inside) if !inside.contains(['(', '[']) => inside,
        _ => text,
    };
    (!text.is_empty()).then_some(text)
}

/// Marks of the sentence, and those that end a turn of direction.
fn stands_behind(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '’' | '”' | '»')
        || is_unseen(c)
}

/// Where `written` leads, with what comes directly behind its host or without.
fn read_url(scheme: &str, written: &str) -> Option<Url> {
    let leading = |written: &str| {
        Some(Url::special(scheme, written)).filter(|url| url.host.as_deref().is_some_and(is_host))
    };
    let near = up_to_host(written);
    leading(near).or_else(|| leading(written).filter(|_| near.len() < written.len()))
}

/// Without what stands behind its host, when that is no part of a link: between words of Chinese there
/// is no space.
fn up_to_host(written: &str) -> &str {
    let end = written.find(['/', '\\', '?', '#']).unwrap_or(written.len());
    let authority = &written[..end];
    let words = authority.char_indices().find(|&(at, c)| begins_words(c, &authority[at..]));
    let near = &authority[..words.map_or(end, |(at, _)| at)];
    // Before an `@` stands nearly everything, and an address in brackets has its own letters.
    let host = near.rfind('@').map_or(0, |at| at + 1);
    let is_mark = |c: char| c.is_ascii() && !may_stand_in_host(c) && !matches!(c, ':' | '%');
    let is_name = !near[host..].starts_with('[');
    let name =
        near[host..].find(|c: char| is_name && is_mark(c)).map_or(near.len(), |at| host + at);
    if name < end { near[..name].trim_end_matches(stands_behind) } else { written }
}

/// Whether `first`, with which `text` begins, ends a host. An ideographic full stop ends a sentence,
/// unless a name in ASCII goes on behind it.
fn begins_words(first: char, text: &str) -> bool {
    match first {
        '\u{3002}' | '\u{ff61}' | '\u{ff0e}' => {
            let mut behind = text.chars().skip(1).skip_while(|c| is_unseen(*c));
            !behind.next().is_some_and(|c| c.is_ascii_alphanumeric())
        }
        _ => !first.is_ascii() && !may_stand_in_host(first),
    }
}

/// Whether it can be looked up: a name with a dot, or an address.
fn is_host(host: &str) -> bool {
    host.starts_with('[')
        || host.contains('.') && !host.contains("..") && host.chars().all(may_stand_in_host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defects::Defects;
    use crate::links::Links;

    #[track_caller]
    fn check(text: &str, expect: &[(&str, LinkKind)]) {
        let (mut links, mut defects) = (Links::new(20), Defects::default());
        links.in_text(text, &mut defects);
        let found: Vec<_> = links.all.iter().map(|link| (link.url.as_str(), link.kind)).collect();
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn links_in_text_end_where_a_program_would_end_them() {
        use LinkKind::{Obfuscated, Plain};
        check("See http://a.example/x. Then", &[("http://a.example/x", Plain)]);
        check("(https://a.example/x)", &[("https://a.example/x", Plain)]);
        check("<HTTP://A.example>", &[("http://a.example", Plain)]);
        check("http://a.example/w_(x)", &[("http://a.example/w_(x)", Plain)]);
        check("visit www.a.example, now", &[("http://www.a.example", Plain)]);
        check("http://www.a.example/", &[("http://www.a.example/", Plain)]);
        check("hxxp://a.example/x", &[("http://a.example/x", Obfuscated)]);
        check("hxxps://evil[.]example/x", &[("http://evil.example/x", Obfuscated)]);
        check("evil[.]example/x", &[("http://evil.example/x", Obfuscated)]);
        check("a[0][.]b is code, www. is not", &[]);
        check("git://a.example foo://x http://x http://", &[]);
        check("http://a.example http://a.example", &[("http://a.example", Plain)]);
    }

    #[test]
    fn a_host_in_text_ends_where_words_go_on() {
        use LinkKind::{Obfuscated, Plain};
        for behind in [
            "，谢谢",
            "」",
            "。谢谢",
            "。",
            "．谢谢",
            ",x",
            ";",
            "\u{2069}，谢谢",
            "…",
            "🔥",
            "’s",
            "(x)",
        ] {
            check(&format!("http://evil.com{behind}"), &[("http://evil.com", Plain)]);
            check(&format!("www.evil.com{behind}"), &[("http://www.evil.com", Plain)]);
        }
        check("「http://evil.com:8080」和", &[("http://evil.com:8080", Plain)]);
        check("http://a@evil.com，b@c.example", &[("http://a@evil.com", Plain)]);
        check("http://a,b🔥@evil.com", &[("http://a,b🔥@evil.com", Plain)]);
        check("http://[2001:db8::1]，谢谢", &[("http://[2001:db8::1]", Plain)]);
        check("http://हिन्दी.भारत/", &[("http://हिन्दी.भारत/", Plain)]);
        check("http://evil。com/", &[("http://evil.com/", Obfuscated)]);
        check("http://例え。テスト", &[("http://例え.テスト", Obfuscated)]);
        check("http://%65vil.com/", &[("http://evil.com/", Obfuscated)]);
        check("http://evil.com/，谢谢", &[("http://evil.com/，谢谢", Plain)]);
    }

    #[test]
    fn letters_that_nobody_sees_hide_no_link() {
        use LinkKind::{Obfuscated, Plain};
        check("\u{2068}http://evil.com\u{2069}", &[("http://evil.com", Plain)]);
        check("\u{2068}http://evil.com/x\u{2069}.", &[("http://evil.com/x", Plain)]);
        check("\u{2068}www.evil.com\u{2069}", &[("http://www.evil.com", Plain)]);
        for within in
            ["\u{fe0f}", "\u{200b}", "\u{ad}", "\u{34f}", "\u{180b}", "\u{e0100}", "\u{e0041}"]
        {
            check(&format!("http://ev{within}il.com/"), &[("http://evil.com/", Obfuscated)]);
            check(&format!("http://evil{within}.com/"), &[("http://evil.com/", Obfuscated)]);
            check(&format!("http://evil.com{within}/"), &[("http://evil.com/", Obfuscated)]);
        }
        check("http://evil․com", &[("http://evil.com", Obfuscated)]);
        check("http://ⓔⓥⓘⓛ.com", &[("http://evil.com", Obfuscated)]);
    }

    #[test]
    fn www_is_found_in_any_case() {
        use LinkKind::Plain;
        for www in ["www", "WWW", "Www", "wWw", "wwW", "WwW"] {
            let expect = [("http://www.evil.com", Plain)];
            check(&format!("{www}.evil.com ({www}.evil.com)"), &expect);
        }
        check("now. W. w.a.example ww.a.example wwww.a.example éw.a.example", &[]);
    }
}
