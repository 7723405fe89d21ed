//! Domains that so many messages name that looking them up tells nothing.
//!
//! Invariant: sorted, so that the search is binary; only domains that no list can sensibly hold.
//! Shorteners, free hosts and stores of files are not here: they are abused, and lists know it.

/// Whether `domain`, registered and in lower case, need not be looked up.
pub(super) fn is_well_known(domain: &str) -> bool {
    DOMAINS.binary_search(&domain).is_ok()
}

const DOMAINS: [&str; 56] = [
    "adobe.com",
    "akamai.net",
    "amazon.co.uk",
    "amazon.com",
    "amazon.de",
    "aol.com",
    "apache.org",
    "apple.com",
    "bbc.co.uk",
    "cloudflare.com",
    "cnn.com",
    "debian.org",
    "dhl.com",
    "ebay.com",
    "facebook.com",
    "fedex.com",
    "github.com",
    "gitlab.com",
    "gmail.com",
    "gmx.de",
    "gmx.net",
    "google.com",
    "gstatic.com",
    "hotmail.com",
    "ibm.com",
    "icloud.com",
    "ietf.org",
    "instagram.com",
    "kernel.org",
    "linkedin.com",
    "live.com",
    "mac.com",
    "me.com",
    "microsoft.com",
    "mozilla.org",
    "msn.com",
    "netflix.com",
    "nytimes.com",
    "office.com",
    "oracle.com",
    "outlook.com",
    "paypal.com",
    "redhat.com",
    "reuters.com",
    "t-online.de",
    "tiktok.com",
    "twitter.com",
    "ups.com",
    "w3.org",
    "web.de",
    "whatsapp.com",
    "wikipedia.org",
    "x.com",
    "yahoo.com",
    "youtu.be",
    "youtube.com",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(DOMAINS.is_sorted());
        assert!(is_well_known("gmail.com") && !is_well_known("gmail.com.evil.example"));
    }
}
