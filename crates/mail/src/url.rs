//! URLs as a browser or a mail program would follow them (the WHATWG URL standard, as far as it is
//! needed to know where a link leads).
//!
//! Invariant: what comes out has no white space and no control character in its scheme and host.

mod host;

use std::borrow::Cow;

use memchr::memchr3;

pub use self::host::asked_host;
pub(crate) use self::host::may_stand_in_host;
use self::host::read_host;

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
        // Either of them twice ("special authority slashes state").
        let is_absolute = matches!(reference.as_bytes(), [b'/' | b'\\', b'/' | b'\\', ..]);
        if is_absolute || starts_with_www(&reference) {
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

fn starts_with_www(text: &str) -> bool {
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
        for slashes in ["//", "\\\\", "/\\", "\\/"] {
            let reference = format!("{slashes}a.example/x");
            check(&reference, "http://a.example/x", Some("a.example"));
        }
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
