//! Names that are imitated, and how a host imitates them: look-alike letters (Unicode Technical
//! Standard 39), digits for letters.
//!
//! Invariant: a brand's own host, under whatever top-level domain, is no imitation.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::content::script::latin_twin;

/// First labels of the registered domains of names that phishing lives on.
const BRANDS: [&str; 72] = [
    "adobe",
    "airbnb",
    "aliexpress",
    "amazon",
    "americanexpress",
    "apple",
    "bankofamerica",
    "barclays",
    "binance",
    "blockchain",
    "booking",
    "capitalone",
    "chase",
    "citibank",
    "coinbase",
    "commerzbank",
    "correos",
    "costco",
    "dhl",
    "discord",
    "docusign",
    "dropbox",
    "ebay",
    "facebook",
    "fedex",
    "github",
    "gmail",
    "google",
    "halifax",
    "hotmail",
    "hsbc",
    "icloud",
    "instagram",
    "itunes",
    "laposte",
    "linkedin",
    "live",
    "lloydsbank",
    "mastercard",
    "metamask",
    "microsoft",
    "natwest",
    "netflix",
    "norton",
    "office",
    "outlook",
    "paypal",
    "postbank",
    "rakuten",
    "regions",
    "revolut",
    "roblox",
    "santander",
    "sparkasse",
    "spotify",
    "steamcommunity",
    "steampowered",
    "suntrust",
    "swisscom",
    "telegram",
    "tiktok",
    "twitter",
    "usbank",
    "usps",
    "verizon",
    "walmart",
    "washingtonmutual",
    "wellsfargo",
    "westernunion",
    "whatsapp",
    "yahoo",
    "youtube",
];

/// Shorter names are too near to honest ones once digits are read as letters.
const SHORTEST_IN_ASCII: usize = 6;

/// Brands by what they look like at a glance.
static FOLDED: LazyLock<HashMap<String, &'static str>> =
    LazyLock::new(|| BRANDS.iter().map(|brand| (fold(brand), *brand)).collect());

/// The brand whose name is the first label of a registered domain.
pub(crate) fn brand_of(registered: &str) -> Option<&'static str> {
    let label = registered.split('.').next()?;
    BRANDS.binary_search(&label).ok().and_then(|at| BRANDS.get(at)).copied()
}

/// The brand that a registered domain, with its labels decoded to Unicode, can be mistaken for.
pub(crate) fn imitated_by(registered: &str) -> Option<&'static str> {
    let label = registered.split('.').next()?;
    if BRANDS.binary_search(&label).is_ok() {
        return None;
    }
    let brand = *FOLDED.get(fold(label).as_str())?;
    (!label.is_ascii() || brand.len() >= SHORTEST_IN_ASCII).then_some(brand)
}

/// What a label looks like at a glance; only to be compared with what it gives for another.
fn fold(label: &str) -> String {
    let mut folded = String::with_capacity(label.len());
    for c in label.chars() {
        let c = latin_twin(c).or_else(|| without_marks(c)).unwrap_or(c);
        match c {
            '0' => folded.push('o'),
            '1' | 'i' | '|' => folded.push('l'),
            '3' => folded.push('e'),
            '4' => folded.push('a'),
            '5' => folded.push('s'),
            'n' if folded.ends_with('r') => {
                folded.pop();
                folded.push('m');
            }
            'v' if folded.ends_with('v') => {
                folded.pop();
                folded.push('w');
            }
            c => folded.push(c),
        }
    }
    folded
}

/// Latin letters without their accents, as far as IDN imitations use them.
const fn without_marks(c: char) -> Option<char> {
    Some(match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ạ' | 'ả' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ď' | 'đ' | 'ḍ' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'ẹ' | 'ẻ' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ĥ' | 'ħ' | 'ḥ' => 'h',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ị' => 'i',
        'ķ' | 'ḳ' => 'k',
        'ĺ' | 'ļ' | 'ľ' | 'ł' | 'ḷ' => 'l',
        'ṃ' => 'm',
        'ñ' | 'ń' | 'ņ' | 'ň' | 'ṇ' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'ọ' | 'ỏ' => 'o',
        'ŕ' | 'ŗ' | 'ř' | 'ṛ' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' | 'ṣ' => 's',
        'ţ' | 'ť' | 'ț' | 'ṭ' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'ụ' => 'u',
        'ŵ' | 'ẁ' | 'ẃ' | 'ẅ' | 'ẉ' => 'w',
        'ý' | 'ÿ' | 'ŷ' | 'ỵ' => 'y',
        'ź' | 'ż' | 'ž' | 'ẓ' => 'z',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brands_are_in_order_for_the_search() {
        assert!(BRANDS.is_sorted());
    }

    #[test]
    fn imitations_are_told_from_the_names_themselves() {
        let check = |domain: &str, expect| assert_eq!(imitated_by(domain), expect, "{domain}");
        check("paypal.com", None);
        check("paypal.co.uk", None);
        check("example.org", None);
        check("paypa1.com", Some("paypal"));
        check("rnicrosoft.com", Some("microsoft"));
        check("pаypаl.com", Some("paypal"));
        check("ápplé.com", Some("apple"));
        check("dhi.com", None);
        check("münchen.de", None);
    }
}
