//! URLs as a browser or a mail program would follow them (the WHATWG URL standard, as far as it is
//! needed to know where a link leads).
//!
//! Invariant: what comes out has no white space and no control character in its scheme and host.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use memchr::memchr3;

use crate::decode::hex;

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    /// `scheme://user@host:port/path`, the scheme and host as a program reads them.
    pub(crate) text: String,
    /// In lower case, without a final dot; of the schemes that have one.
    pub(crate) host: Option<String>,
    pub(crate) user_info: bool,
    pub(crate) port: Option<u16>,
    /// The host is written so that people and filters don't recognise it.
    pub(crate) odd_host: bool,
}

/// Bytes of a URL that are kept.
const LONGEST: usize = 2_048;
/// The longest host name (RFC 1035, section 2.3.4), and room for its percent signs.
const LONGEST_HOST: usize = 253 * 3;

impl Url {
    /// Reads a reference as it stands in an attribute, relative to `base`. `None` for what leads
    /// nowhere else: a fragment, or a relative reference without a base.
    pub(crate) fn parse(reference: &str, base: Option<&str>) -> Option<Self> {
        let reference = reference.trim_matches(|c: char| c <= ' ');
        let reference: Cow<'_, str> = match memchr3(b'\t', b'\n', b'\r', reference.as_bytes()) {
            Some(_) => reference.chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect(),
            None => reference.into(),
        };
        if reference.is_empty() || reference.starts_with('#') {
            return None;
        }
        if let Some((scheme, rest)) = split_scheme(&reference) {
            return Some(match scheme {
                "http" | "https" | "ftp" => Self::special(scheme, rest),
                _ => Self::opaque(scheme, rest),
            });
        }
        let is_absolute = |text: &str| text.starts_with("//") || text.starts_with("\\\\");
        if is_absolute(&reference) || starts_with_www(&reference) {
            return Some(Self::special("http", &reference));
        }
        // Joined plainly: only the host matters here.
        let base = base?;
        Self::parse(
            &format!("{}/{}", base.trim_end_matches('/'), reference.trim_start_matches('/')),
            None,
        )
    }

    /// Of a scheme in which `\` is as good as `/`, and any number of them may stand before the host.
    pub(crate) fn special(scheme: &str, rest: &str) -> Self {
        let rest = rest.trim_start_matches(['/', '\\']);
        let ends = |byte: &u8| matches!(byte, b'/' | b'\\' | b'?' | b'#');
        let end = rest.as_bytes().iter().position(ends).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let (host, port) = split_port(host);
        let (host, odd_host) = read_host(host);
        let mut text = String::with_capacity(scheme.len() + 3 + rest.len());
        text.push_str(scheme);
        text.push_str("://");
        if let Some(user) = user {
            text.push_str(user);
            text.push('@');
        }
        text.push_str(&host);
        if let Some(port) = port {
            text.push_str(&format!(":{port}"));
        }
        text.push_str(path);
        Self {
            text: cut(text),
            host: Some(host).filter(|host| !host.is_empty()),
            user_info: user.is_some(),
            port,
            odd_host,
        }
    }

    fn opaque(scheme: &str, rest: &str) -> Self {
        let rest = rest.get(..rest.floor_char_boundary(LONGEST)).unwrap_or_default();
        Self {
            text: cut(format!("{scheme}:{rest}")),
            host: None,
            user_info: false,
            port: None,
            odd_host: false,
        }
    }
}

fn cut(mut text: String) -> String {
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
    }
    text
}

pub(crate) fn starts_with_www(text: &str) -> bool {
    text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www."))
}

/// The scheme in lower case, when it is one that is followed, and what stands behind its colon.
fn split_scheme(reference: &str) -> Option<(&'static str, &str)> {
    const SCHEMES: [&str; 12] = [
        "https",
        "http",
        "mailto",
        "ftp",
        "data",
        "javascript",
        "tel",
        "cid",
        "file",
        "vbscript",
        "sms",
        "about",
    ];
    let (scheme, rest) = reference.split_once(':')?;
    let known = SCHEMES.iter().find(|known| scheme.eq_ignore_ascii_case(known))?;
    Some((known, rest))
}

/// A port, when one is written behind the host.
fn split_port(host: &str) -> (&str, Option<u16>) {
    match host.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().ok())
        }
        _ => (host, None),
    }
}

/// The host in lower case as it is looked up, and whether it was written oddly.
fn read_host(written: &str) -> (String, bool) {
    let written = &written[..written.floor_char_boundary(LONGEST_HOST)];
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if written.bytes().all(is_plain) {
        return in_usual_form(written.to_ascii_lowercase(), false);
    }
    let mut odd = false;
    let decoded: Cow<'_, str> = if written.contains('%') {
        odd = true;
        percent_decoded(written).into()
    } else {
        written.into()
    };
    let mut host = String::with_capacity(decoded.len());
    for c in decoded.chars() {
        match c {
            // Labels may be parted by ideographic stops (RFC 3490, section 3.1).
            '\u{3002}' | '\u{ff0e}' | '\u{ff61}' => {
                odd = true;
                host.push('.');
            }
            '\u{ff01}'..='\u{ff5e}' => {
                odd = true;
                let narrow = char::from_u32(c as u32 - 0xfee0).unwrap_or(c);
                host.push(narrow.to_ascii_lowercase());
            }
            // Left out by IDNA.
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => odd = true,
            _ if c == ' ' || c.is_control() => odd = true,
            _ if c.is_ascii() => host.push(c.to_ascii_lowercase()),
            _ => host.extend(c.to_lowercase()),
        }
    }
    in_usual_form(host, odd)
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
    fn check(reference: &str, text: &str, host: Option<&str>) -> Url {
        let url = Url::parse(reference, None).unwrap();
        assert_eq!((url.text.as_str(), url.host.as_deref()), (text, host), "{reference}");
        url
    }

    #[test]
    fn a_link_leads_where_a_browser_would_go() {
        check("http://Example.ORG/Path?q#f", "http://example.org/Path?q#f", Some("example.org"));
        check(" HTTPS:\\\\a.example\\b ", "https://a.example\\b", Some("a.example"));
        check("http:/a.example", "http://a.example", Some("a.example"));
        check("http:///a.example.", "http://a.example", Some("a.example"));
        check("//a.example/x", "http://a.example/x", Some("a.example"));
        check("www.a.example/x", "http://www.a.example/x", Some("www.a.example"));
        check("ht\ntp://a.exa\tmple", "http://a.example", Some("a.example"));
        check("mailto:a@b.example", "mailto:a@b.example", None);
        check("javascript:alert(1)", "javascript:alert(1)", None);
        check("http://[2001:db8::1]:8080/", "http://[2001:db8::1]:8080/", Some("[2001:db8::1]"));
        assert_eq!(Url::parse("#top", None), None);
        assert_eq!(Url::parse("page.html", None), None);
        assert_eq!(Url::parse("", None), None);
        let based = Url::parse("/page", Some("http://a.example/")).unwrap();
        assert_eq!(based.text, "http://a.example/page");
    }

    #[test]
    fn tricks_with_the_host_are_undone_and_told() {
        for (reference, host) in [
            ("http://3221225994/", "192.0.2.10"),
            ("http://0xC0.0.2.012/", "192.0.2.10"),
            ("http://192.0.522/", "192.0.2.10"),
            ("http://%65vil.example/", "evil.example"),
            ("http://evil\u{3002}example/", "evil.example"),
            ("http://ｅvil.example/", "evil.example"),
            ("http://ev\u{ad}il.example/", "evil.example"),
            ("http://e%00v\u{81}i%c2%9fl.ex ample/", "evil.example"),
        ] {
            let url = Url::parse(reference, None).unwrap();
            assert_eq!(url.host.as_deref(), Some(host), "{reference}");
            assert!(url.odd_host, "{reference}");
        }
        for plain in
            ["http://192.0.2.10/", "http://a.example/", "http://fade.cafe/", "http://1and1.face/"]
        {
            assert!(!Url::parse(plain, None).unwrap().odd_host, "{plain}");
        }
    }

    #[test]
    fn user_and_port_are_told() {
        let url = check(
            "http://www.bank.example@evil.example:8443/x",
            "http://www.bank.example@evil.example:8443/x",
            Some("evil.example"),
        );
        assert!(url.user_info && url.port == Some(8443));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_reference_makes_it_fail(reference in "\\PC{0,80}") {
            let _ = Url::parse(&format!("http://{reference}"), Some("http://x/"));
            let _ = Url::parse(&reference, Some("http://x/"));
        }
    }
}
