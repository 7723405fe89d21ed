//! Who reaches whom: users the pages, and released mail the MTA.
//!
//! Invariant: as in [`super`].

use std::net::{IpAddr, SocketAddr};

use tidegate_milter::Address;
use tidegate_quarantine::Destination;

use super::super::Written;
use super::super::assemble::place_of;
use super::super::mistake::Findings;
use super::super::settings::Settings;

pub(super) fn pages(settings: &Settings, written: &Written, findings: &mut Findings) {
    let pages = &settings.pages;
    let place = |key| place_of(written, &["pages", key]);
    for (key, what) in pages.mistakes() {
        findings.mistake(place(key), format!("[pages] {key}: {what}"), "");
    }
    if !pages.enabled {
        return;
    }
    if !settings.quarantine.enabled {
        let what = "[pages] are served, and [quarantine] is switched off: nobody can sign in";
        let remedy = "set [quarantine] enabled = true, or [pages] enabled = false";
        findings.warning(place("enabled"), what, remedy);
    }
    let is_here = ["http://127.", "http://localhost", "http://[::1]"]
        .iter()
        .any(|here| pages.public_url.starts_with(here));
    if !pages.is_secure() && !is_here {
        let what =
            "the pages are reached without TLS: what users see and choose can be read on the way";
        let remedy =
            "put a proxy in front that speaks TLS, and write public_url = \"https://HOST\"";
        findings.warning(place("public_url"), what, remedy);
    }
    if pages.is_secure() && !pages.behind_proxy {
        let what = "a proxy speaks TLS for the pages, and [pages] behind_proxy is false: all clients \
                    have the proxy's address, and share the bounds of one";
        findings.warning(place("public_url"), what, "write behind_proxy = true");
    }
    if !is_here && pages.domains.is_empty() {
        let what = "the pages are reached from outside, and [pages] domains is empty: any address that \
                    mail was held for may sign in";
        findings.warning(
            place("public_url"),
            what,
            "write your domains, as in domains = [\"example.org\"]",
        );
    }
}

/// Where released mail goes.
pub(super) fn mta(settings: &Settings, written: &Written, findings: &mut Findings) {
    let (quarantine, place) =
        (&settings.quarantine, place_of(written, &["quarantine", "release_to"]));
    let Ok(to) = quarantine.release_to.parse::<Destination>() else { return };
    if !quarantine.enabled {
        return;
    }
    if !quarantine.release_to.trim_end_matches('/').ends_with(&format!(":{}", to.port)) {
        let what = format!("[quarantine] release_to names no port, so it is {}", to.port);
        let scheme = if to.tls { "smtps://" } else { "" };
        findings.warning(place, what, format!("write release_to = \"{scheme}{to}\""));
    } else if let Some(ours) = ours(settings, &to) {
        let what = format!("[quarantine] release_to is {to}, where {ours} itself listens");
        let remedy = "name the host and port where your MTA takes mail, as in \"127.0.0.1:25\"";
        findings.warning(place, what, remedy);
    }
}

/// Which of our own sockets it is.
fn ours(settings: &Settings, to: &Destination) -> Option<&'static str> {
    let is = |host: &str, port: u16| {
        let is_here = |host: &str| match host.parse::<IpAddr>() {
            Ok(ip) => ip.is_loopback() || ip.is_unspecified(),
            Err(_) => host.eq_ignore_ascii_case("localhost"),
        };
        port == to.port
            && (host.eq_ignore_ascii_case(&to.host) || is_here(host) && is_here(&to.host))
    };
    let at = |address: SocketAddr| is(&address.ip().to_string(), address.port());
    let milter = |address: &Address| match address {
        Address::Tcp { host, port } => is(host, *port),
        _ => false,
    };
    if settings.milter.listen.iter().any(milter) {
        return Some("[milter]");
    }
    if settings.http.enabled && at(settings.http.listen) {
        return Some("[http]");
    }
    (settings.pages.enabled && at(settings.pages.listen)).then_some("[pages]")
}
