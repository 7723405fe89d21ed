//! Links whose text names another host than the one they lead to.
//!
//! Senders that count clicks send them through a host of their own, and leave the text as it was:
//! where the text names the sender, or its provider leads on, that is no lie.
//!
//! Invariant: only a text that is nothing but a host or a URL is a claim.

use tidegate_dns::Answers;
use tidegate_mail::{Link, LinkKind, Message, asked_host, registered_domain};
use tidegate_signal::{Family, SignalDef, Signals};

use super::brands::brand_of;
use super::owner::{has_form_of_host, is_host, same_owner};
use crate::authentication::{AuthResult, Authentication};
use crate::bulk::precedence::of_a_list;
use crate::{Check, Known, Stage};

/// The text names a host, the link leads to another.
pub static LINK_TEXT_LIES: SignalDef = SignalDef::new(
    "LINK_TEXT_LIES",
    Family::Links,
    0.6,
    "A link says that it leads to one host, and leads to another",
);
/// The text names a well-known brand.
pub static LINK_TEXT_POSES_AS_BRAND: SignalDef = SignalDef::new(
    "LINK_TEXT_POSES_AS_BRAND",
    Family::Links,
    2.5,
    "A link says that it leads to a well-known name, and leads elsewhere",
);
/// The link leads to an address without a name.
pub static LINK_TEXT_HIDES_NUMBER: SignalDef = SignalDef::new(
    "LINK_TEXT_HIDES_NUMBER",
    Family::Links,
    2.5,
    "A link says that it leads to a host, and leads to a bare address",
);
/// The sender's own host in the text, a counter's in the link.
pub static LINK_TEXT_COUNTED: SignalDef = SignalDef::new(
    "LINK_TEXT_COUNTED",
    Family::Links,
    0.0,
    "Clicks on a link to the sender go through another host, which counts them",
);

/// Compares what links say with where they lead.
#[derive(Default)]
pub struct Text;

/// More links than this are not compared.
const MOST_LINKS: usize = 500;

/// Services that rewrite links on their way, for the reader's protection.
const REWRITERS: [&str; 14] = [
    "outlook.com",
    "urldefense.com",
    "proofpoint.com",
    "barracudanetworks.com",
    "cudasvc.com",
    "mimecast.com",
    "mimecastprotect.com",
    "fireeye.com",
    "trendmicro.com",
    "sophos.com",
    "ppe-hosted.com",
    "cisco.com",
    "avanan.click",
    "symantec.com",
];

impl Check for Text {
    const KEY: &'static str = "links.text";
    const STAGE: Stage = Stage::Authenticated;
    const RAISES: &'static [&'static SignalDef] =
        &[&LINK_TEXT_LIES, &LINK_TEXT_POSES_AS_BRAND, &LINK_TEXT_HIDES_NUMBER, &LINK_TEXT_COUNTED];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(message) = known.message else { return };
        if of_a_list(message) {
            return;
        }
        for link in message.links().iter().filter(|l| l.kind == LinkKind::Href).take(MOST_LINKS) {
            let Some(claim) = link.text.as_deref().and_then(claimed_host) else { continue };
            if let Some((def, points)) = lie(link, &claim, message, known.authentication) {
                let host = link.host.as_deref().unwrap_or_default();
                signals.raise_with(def, points, format!("{claim} leads to {host}"));
            }
        }
    }
}

/// Points where the sender leads through its own host to what it says is a brand's: newsletters do
/// so with the pages that they have at one, and thieves with a domain of their own.
const BRAND_COUNTED: f32 = 1.0;

fn lie(
    link: &Link,
    claim: &str,
    message: &Message<'_>,
    authentication: Option<&Authentication>,
) -> Option<(&'static SignalDef, f32)> {
    let host = link.host.as_deref()?;
    let claimed = registered_domain(claim)?;
    let Some(target) = link.domain.as_deref() else {
        return Some((&LINK_TEXT_HIDES_NUMBER, LINK_TEXT_HIDES_NUMBER.score));
    };
    if same_owner(claimed, target) || host == claim || REWRITERS.contains(&target) {
        return None;
    }
    let of_author = |domain: &str| {
        message
            .from()
            .iter()
            .filter_map(|from| from.address.domain())
            .any(|d| same_owner(d, domain))
    };
    let signed = |domain: &str| {
        authentication.is_some_and(|found| {
            let mut passed = found.dkim.iter().filter(|d| d.result == AuthResult::Pass);
            passed.any(|d| registered_domain(&d.domain) == Some(domain))
        })
    };
    let forged = authentication.is_some_and(|found| found.dmarc.result == AuthResult::Fail);
    let brand = brand_of(claimed).is_some();
    let def = if brand { &LINK_TEXT_POSES_AS_BRAND } else { &LINK_TEXT_LIES };
    // The sender speaks of itself.
    if signed(claimed) || of_author(claimed) && !forged {
        return Some((&LINK_TEXT_COUNTED, 0.0));
    }
    // The sender leads through its own host, or one that answers for it.
    if signed(target) || of_author(target) && !forged {
        return Some(if brand { (def, BRAND_COUNTED) } else { (&LINK_TEXT_COUNTED, 0.0) });
    }
    Some((def, def.score))
}

/// The host that a text is, in lower case, when it is nothing but a host or a URL.
fn claimed_host(text: &str) -> Option<String> {
    let text = text.trim().trim_matches(['<', '>', '"', '(', ')', '[', ']']);
    if text.len() > 2000 || !text.contains('.') || text.contains(char::is_whitespace) {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let (rest, explicit) = match lower.split_once("://") {
        Some(("http" | "https", rest)) => (rest, true),
        Some(_) => return None,
        None => (lower.as_str(), lower.starts_with("www.")),
    };
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    // `name@host` is an address of mail.
    if authority.contains('@') {
        return None;
    }
    let host = authority.split(':').next()?.trim_end_matches(['.', ',', ';', '!', '\u{2026}']);
    // A reader takes letters in circles, or of mathematics, for what they look like.
    let host = if host.is_ascii() { host.to_owned() } else { asked_host(host) };
    // With `http://` or `www.`, whatever stands there is meant as a host.
    let is_claim = if explicit { has_form_of_host(&host) } else { is_host(&host) };
    is_claim.then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::{Case, raised};

    fn mail(href: &str, text: &str) -> String {
        format!(
            "From: Shop <news@mail.shop.com>\nContent-Type: text/html\n\n\
             <p>Hello, see <a href=\"{href}\">{text}</a></p>\n"
        )
    }

    #[track_caller]
    fn check(href: &str, text: &str, expect: &[&str]) {
        assert_eq!(raised::<Text>(&mail(href, text)), expect, "{text} -> {href}");
    }

    #[test]
    fn honest_links_raise_nothing() {
        check("https://www.example.net/a", "www.example.net", &[]);
        check("https://www.example.net/a", "our page", &[]);
        check("https://www.amazon.de/a", "amazon.com", &[]);
        check("https://github.com/a/README.md", "README.md", &[]);
        check("https://news.example.net/a", "https://example.net/long/path...", &[]);
        check("mailto:me@example.net", "me@example.net", &[]);
        check("https://eur01.safelinks.protection.outlook.com/?url=x", "www.example.net", &[]);
    }

    #[test]
    fn a_lie_is_told() {
        check(
            "https://evil.example.net/",
            "http://www.bank-of-somewhere.com/",
            &["LINK_TEXT_LIES"],
        );
        check("https://evil.example.net/", "www.paypal.com", &["LINK_TEXT_POSES_AS_BRAND"]);
        check("http://192.0.2.7/", "www.paypal.com", &["LINK_TEXT_HIDES_NUMBER"]);
        let disguised = "www.\u{24df}ay\u{200b}\u{1d429}al.com";
        check("https://evil.example.net/", disguised, &["LINK_TEXT_POSES_AS_BRAND"]);
    }

    #[test]
    fn a_counter_of_clicks_is_not_a_lie() {
        check("https://click.counter.net/1", "www.shop.com", &["LINK_TEXT_COUNTED"]);
        let raw = mail("https://click.counter.net/1", "www.partner.org").replace('\n', "\r\n");
        let names = Case::signed("counter.net", &["from"]).judge::<Text>(raw.as_bytes());
        assert_eq!(names, ["LINK_TEXT_COUNTED"]);
    }
}
