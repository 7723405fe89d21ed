//! "If you send this mail": what its sender could mend, from what was found of it.
//!
//! Invariant: only what is missing is told, and nothing that was not looked up.

use tidegate_checks::authentication::{AuthResult, Authentication, DmarcPolicy};
use tidegate_checks::trust::{MarkKind, MarkResult};
use tidegate_engine::Judged;

/// One line each, the weightiest first.
pub(crate) fn advice(judged: &Judged) -> Vec<String> {
    let mut lines = Vec::new();
    let proof = &judged.authentication;
    if !judged.missing.offline {
        of_the_host(judged, proof, &mut lines);
        of_signatures(proof, &mut lines);
        of_the_domain(proof, &mut lines);
    }
    if is_bulk(judged) {
        of_bulk(judged, &mut lines);
    }
    of_marks(judged, &mut lines);
    lines
}

fn is_bulk(judged: &Judged) -> bool {
    ["BULK_LIKELY", "BULK_CERTAIN"].iter().any(|name| judged.signals.has(name))
}

fn of_the_host(judged: &Judged, proof: &Authentication, lines: &mut Vec<String>) {
    let Some(client) = judged.envelope.client.filter(|_| !judged.envelope.is_local()) else {
        return;
    };
    let domain = &proof.spf.domain;
    match proof.spf.result {
        _ if domain.is_empty() => {}
        AuthResult::None => lines.push(format!(
            "SPF: {domain} says nothing; publish a TXT record there that names the hosts which send for it"
        )),
        AuthResult::Fail | AuthResult::SoftFail | AuthResult::Neutral => {
            lines.push(format!("SPF: {domain} does not name {client}; add it to the record"));
        }
        AuthResult::PermError => {
            lines.push(format!("SPF: the record of {domain} is broken: {}", proof.spf.reason));
        }
        AuthResult::Pass if proof.spf.allows_all => {
            lines.push(format!("SPF: the record of {domain} lets everybody send for it; end it with -all"));
        }
        _ => {}
    }
    if proof.iprev.result == AuthResult::Fail {
        let name = proof.iprev.name.as_deref();
        lines.push(match name {
            Some(name) => format!("PTR: {client} is named {name}, which does not lead back to it"),
            None => format!("PTR: {client} has no name; give it one that leads back to it"),
        });
    }
}

fn of_signatures(proof: &Authentication, lines: &mut Vec<String>) {
    let late = proof.dkim.iter().any(|it| it.result == AuthResult::TempError);
    let passes = proof.dkim.iter().any(|it| it.result == AuthResult::Pass);
    match proof.dkim.first() {
        None => lines.push("DKIM: sign it, with d= the domain of From".to_owned()),
        Some(first) if !passes && !late => lines.push(format!(
            "DKIM: the signature of {} does not pass: {}",
            first.domain, first.reason
        )),
        _ => {}
    }
    if proof.dkim.iter().any(|it| it.result == AuthResult::Pass && it.partial_body) {
        lines.push("DKIM: leave out l=; it lets others add text below yours".to_owned());
    }
}

fn of_the_domain(proof: &Authentication, lines: &mut Vec<String>) {
    let dmarc = &proof.dmarc;
    let domain = &dmarc.domain;
    match dmarc.result {
        _ if domain.is_empty() => {}
        AuthResult::None => lines.push(format!("DMARC: publish a TXT record at _dmarc.{domain}")),
        AuthResult::Fail => lines.push(format!(
            "alignment: neither SPF nor DKIM proves {domain}, the domain of From ({})",
            dmarc.reason
        )),
        AuthResult::PermError => lines.push(format!("DMARC: {}", dmarc.reason)),
        AuthResult::Pass if dmarc.policy == DmarcPolicy::None => lines.push(format!(
            "DMARC: {domain} asks for nothing (p=none); ask for quarantine once its reports are clean"
        )),
        _ => {}
    }
}

fn of_bulk(judged: &Judged, lines: &mut Vec<String>) {
    let has = |name: &str| judged.signals.has(name);
    let signed = judged.missing.offline || has("UNSUBSCRIBE_BY_ONE_CLICK");
    if has("UNSUBSCRIBE_MALFORMED") || has("ONE_CLICK_LEADS_NOWHERE") {
        lines.push(
            "way out: List-Unsubscribe can't be used; write <https://…>, <mailto:…>".to_owned(),
        );
    } else if !has("UNSUBSCRIBE_OFFERED") {
        lines.push(
            "way out: add List-Unsubscribe: <https://…> and List-Unsubscribe-Post: List-Unsubscribe=One-Click (RFC 8058), \
             and sign both"
                .to_owned(),
        );
    } else if !signed {
        lines.push(
            "one click: it counts where List-Unsubscribe-Post: List-Unsubscribe=One-Click stands beside List-Unsubscribe \
             with an https address, and one DKIM signature covers both (RFC 8058)"
                .to_owned(),
        );
    }
    if !has("BULK_OF_LIST") {
        lines.push(
            "List-Id: name the list (RFC 2919), so that users can sort and trust it".to_owned(),
        );
    }
    if let Some(disguise) = judged.signals.get("BULK_DISGUISED") {
        lines.push(format!("sender: {}", disguise.detail()));
    }
    if !has("COMPLAINT_ADDRESS_SIGNED") && !judged.missing.offline {
        lines.push(
            "complaints: a signed CFBL-Address (RFC 9477) tells you who does not want it"
                .to_owned(),
        );
    }
    let vouched = judged.trust.verified().any(|mark| mark.kind != MarkKind::Practice);
    if !vouched && !judged.missing.offline {
        lines.push(
            "VBR: nobody whom this site trusts vouches for you (VBR-Info, RFC 5518)".to_owned(),
        );
    }
}

/// Marks that are claimed and came to nothing.
fn of_marks(judged: &Judged, lines: &mut Vec<String>) {
    for found in &judged.trust.marks {
        let lost = matches!(found.result, MarkResult::Claimed | MarkResult::Denied);
        if lost && !judged.missing.offline {
            lines.push(format!("{}: {}: {}", found.mark.kind.as_str(), found.mark, found.why));
        }
    }
}
