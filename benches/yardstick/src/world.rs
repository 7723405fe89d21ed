//! The DNS of the set: what its senders publish. All else does not exist, so that nothing is listed anywhere.

use std::net::IpAddr;

use tidegate_dns::{Answer, Name, Question, Records};

use crate::set::SENDERS;
use crate::signing::{ed25519, rsa_record};

/// What DNS says.
pub(crate) fn answer(question: &Question) -> Answer {
    match question {
        Question::Txt(name) => text(name.as_str()).map_or(Answer::NoSuchName, |text| {
            found(Records::Txt([text.into_bytes().into()].into()))
        }),
        Question::Ptr(address) => sender(*address).map_or(Answer::NoSuchName, |domain| {
            found(Records::Ptr([Name::try_from(format!("mx1.{domain}").as_str()).unwrap()].into()))
        }),
        Question::A(name) => match address(name.as_str().trim_start_matches("mx1.")) {
            Some(IpAddr::V4(address)) => found(Records::A([address].into())),
            _ => Answer::NoSuchName,
        },
        Question::Mx(name) if address(name.as_str()).is_some() => Answer::NoData,
        _ => Answer::NoSuchName,
    }
}

fn found(records: Records) -> Answer {
    Answer::Found(records)
}

fn text(name: &str) -> Option<String> {
    if name.starts_with("s2026._domainkey.") {
        return Some(rsa_record());
    }
    if name.starts_with("ed._domainkey.") {
        return Some(ed25519::RECORD.to_owned());
    }
    if let Some(domain) = name.strip_prefix("_dmarc.") {
        address(domain)?;
        return Some(format!(
            "v=DMARC1; p=quarantine; adkim=r; aspf=r; pct=100; rua=mailto:dmarc@{domain}"
        ));
    }
    address(name).map(|address| format!("v=spf1 mx a:mail.{name} ip4:{address} -all"))
}

fn address(domain: &str) -> Option<IpAddr> {
    let (_, address) = SENDERS.iter().find(|(of, _)| *of == domain)?;
    address.parse().ok()
}

fn sender(address: IpAddr) -> Option<&'static str> {
    let mut senders = SENDERS.iter();
    senders.find(|(_, of)| of.parse() == Ok(address)).map(|(domain, _)| *domain)
}
