//! Settings that are valid one by one and wrong together, or most likely not meant.
//!
//! Invariant: a warning names a remedy, and a configuration that follows it has one warning less.

mod reached;
mod recipients;

use std::collections::HashMap;

use tidegate_dns::Resolver;
use tidegate_milter::Address;
use tidegate_policy::{Book, Policy};
use tidegate_signal::Family;
use tidegate_store::Redis;

use super::Written;
use super::assemble::place_of;
use super::mistake::Findings;
use super::settings::{Settings, without_password};
use super::source::Place;
use super::tree::Value;

/// Looks at what is built, or would be.
pub(super) fn lint(
    settings: &Settings,
    written: &Written,
    policy: Option<&Policy>,
    book: &Book,
    resolver: Option<&Resolver>,
    findings: &mut Findings,
) {
    addresses_taken_twice(settings, written, findings);
    trusting_the_world(written, findings);
    store_of_unknown_kind(settings, written, findings);
    quarantine_that_cannot_work(settings, written, findings);
    reached::pages(settings, written, findings);
    reached::mta(settings, written, findings);
    recipients::actions_that_get_milder(written, book, findings);
    recipients::digests_that_nobody_sends(settings, written, findings);
    if let Some(policy) = policy {
        families_that_reject_alone(policy, written, findings);
    }
    if let Some(resolver) = resolver {
        lists_by_a_public_resolver(settings, resolver, written, findings);
    }
    deadline_past_the_time_out(settings, written, findings);
    vetted_until_a_day_that_has_passed(settings, written, findings);
}

fn vetted_until_a_day_that_has_passed(
    settings: &Settings,
    written: &Written,
    findings: &mut Findings,
) {
    let now = crate::steady::now();
    for (name, vetted) in &settings.trust.vetted {
        if vetted.enabled && vetted.until.is_past(now) {
            let what =
                format!("[trust.vetted.{name}] ended on {} and counts for nothing", vetted.until);
            let remedy = "look at the sender again and set a later day, or take the entry out";
            findings.warning(place_of(written, &["trust", "vetted", name, "until"]), what, remedy);
        }
    }
}

fn addresses_taken_twice(settings: &Settings, written: &Written, findings: &mut Findings) {
    let mut taken: HashMap<String, &str> = HashMap::new();
    let http = format!("inet:{}", settings.http.listen);
    if settings.http.enabled && settings.http.listen.port() != 0 {
        taken.insert(http.replace("inet:[", "inet6:["), "[http] listen");
    }
    let pages = format!("inet:{}", settings.pages.listen).replace("inet:[", "inet6:[");
    if settings.pages.enabled
        && settings.pages.listen.port() != 0
        && let Some(by) = taken.insert(pages.clone(), "[pages] listen")
    {
        let what = format!("{pages} is taken already by {by}");
        let place = place_of(written, &["pages", "listen"]);
        findings.mistake(place, what, "listen at another port");
    }
    for address in &settings.milter.listen {
        if matches!(address, Address::Tcp { port: 0, .. }) {
            continue;
        }
        if let Some(by) = taken.insert(address.to_string(), "[milter] listen") {
            let place = place_of_address(written, address);
            let what = format!("{address} is taken already by {by}");
            findings.mistake(place, what, "listen at another port or path");
        }
    }
    if settings.milter.listen.is_empty() {
        let what = "[milter] listens nowhere";
        let remedy = "write for example listen = [\"inet:127.0.0.1:8895\"]";
        findings.mistake(place_of(written, &["milter", "listen"]), what, remedy);
    }
}

/// Where an address of `[milter] listen` is written, the last time.
fn place_of_address(written: &Written, address: &Address) -> Place {
    let items = match written.root.find(&["milter", "listen"]).map(|node| &node.value) {
        Some(Value::List(items)) => &items[..],
        _ => &[],
    };
    let is_it = |text: &str| text.parse().is_ok_and(|read: Address| read == *address);
    match items.iter().rfind(|item| item.as_text().is_some_and(is_it)) {
        Some(item) => written.sources.place(item.origin),
        None => place_of(written, &["milter", "listen"]),
    }
}

fn trusting_the_world(written: &Written, findings: &mut Findings) {
    let networks = [["network", "trusted"], ["correspondents", "networks"]].into_iter();
    let networks = networks.filter_map(|path| match &written.root.find(&path)?.value {
        Value::List(networks) => Some(networks),
        _ => None,
    });
    for node in networks.flatten() {
        if node.as_text().is_some_and(|network| network.ends_with("/0")) {
            let what = format!(
                "trusting {} trusts every host that sends spam",
                node.as_text().unwrap_or_default()
            );
            let remedy = "name your own networks and relays only, as in \"192.0.2.0/24\"";
            findings.mistake(written.sources.place(node.origin), what, remedy);
        }
    }
}

fn store_of_unknown_kind(settings: &Settings, written: &Written, findings: &mut Findings) {
    let Some(url) = &settings.store.url else { return };
    let place = || place_of(written, &["store", "url"]);
    let shown = without_password(url);
    if settings.store.server().is_some() {
        if let Err(why) = Redis::can_be_at(url) {
            let what = format!("[store] url can't be \"{shown}\": {why}");
            let remedy = "write \"redis://HOST:PORT/NUMBER\", or \"rediss:\" for TLS";
            findings.mistake(place(), what, remedy);
        }
    } else if url.strip_prefix("file:").is_none_or(str::is_empty) {
        let what = format!("[store] url can't be \"{shown}\"");
        let remedy = "write file: and a folder, as in \"file:/var/lib/tidegate\", or the address of a Redis \
                      server, as in \"redis://redis.example:6379\"";
        findings.mistake(place(), what, remedy);
    }
}

fn quarantine_that_cannot_work(settings: &Settings, written: &Written, findings: &mut Findings) {
    for invalid in settings.quarantine.mistakes() {
        let path: Vec<&str> = ["quarantine"].into_iter().chain(invalid.key.split('.')).collect();
        let what = format!("[quarantine] {}: {}", invalid.key, invalid.problem);
        findings.mistake(place_of(written, &path), what, invalid.remedy);
    }
}

fn families_that_reject_alone(policy: &Policy, written: &Written, findings: &mut Findings) {
    let reject = policy.thresholds.reject;
    let alone: Vec<String> = Family::ALL
        .into_iter()
        .filter(|family| *family != Family::Policy && policy.caps.of(*family).most >= reject)
        .map(|family| format!("{family} (up to {})", policy.caps.of(family).most))
        .collect();
    if alone.is_empty() {
        return;
    }
    // Whichever of the two the operator has set.
    let caps = written.root.entry(&["verdict", "caps"]);
    let path = match caps {
        Some((origin, _)) if written.sources.is_written_by_operator(*origin) => ["verdict", "caps"],
        _ => ["verdict", "reject"],
    };
    let what =
        format!("one kind of evidence alone can reject at {reject} points: {}", alone.join(", "));
    let remedy = "raise 'reject', or lower 'most' of these in [verdict.caps] below it";
    findings.warning(place_of(written, &path), what, remedy);
}

fn lists_by_a_public_resolver(
    settings: &Settings,
    resolver: &Resolver,
    written: &Written,
    findings: &mut Findings,
) {
    let Some(operator) = resolver.public_resolver().filter(|_| settings.lists.enabled) else {
        return;
    };
    let what = format!("DNS is asked through {operator}, which most lists refuse to answer");
    let remedy =
        "run a resolver of your own and name it in [dns] servers, or set [lists] enabled = false";
    findings.warning(place_of(written, &["dns", "servers"]), what, remedy);
}

fn deadline_past_the_time_out(settings: &Settings, written: &Written, findings: &mut Findings) {
    let (deadline, timeout) = (settings.dns.deadline_ms, settings.verdict.timeout_ms);
    if deadline >= timeout {
        let what =
            format!("a message may wait {deadline} ms for DNS but is given up after {timeout} ms");
        let remedy = format!("set [verdict] timeout_ms above {deadline}");
        findings.warning(place_of(written, &["dns", "deadline_ms"]), what, remedy);
    }
}
