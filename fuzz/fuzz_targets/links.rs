//! Any reference is a link within its bounds or none, in a page and written out.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_mail::{Bounds, Message};

// A line: the base; then the reference.
fuzz_target!(|input: &str| {
    let (base, reference) = input.split_once('\n').unwrap_or_default();
    let quoted = |text: &str| text.replace('&', "&amp;").replace('"', "&quot;");
    let page = format!(
        "Content-Type: text/html; charset=utf-8\n\n<base href=\"{}\"><a href=\"{}\">{reference}</a>",
        quoted(base),
        quoted(reference)
    );
    let plain = format!("Content-Type: text/plain; charset=utf-8\n\n{base} {reference}\n");
    for raw in [page, plain] {
        let message = Message::parse(raw.as_bytes(), &Bounds::default());
        for link in message.links() {
            assert!(link.url.len() <= 2_048);
            assert!(link.text.as_ref().is_none_or(|text| text.len() <= 200));
            let host = link.host.as_deref().unwrap_or_default();
            assert!(!host.contains(char::is_control), "{host:?}");
            assert!(link.domain.as_deref().is_none_or(|domain| host.ends_with(domain)), "{link:?}");
        }
    }
});
