//! Whether the client's reverse name leads back to it (RFC 8601, section 2.7.3).
//!
//! Invariant: a name that the MTA has verified already is believed, and costs no lookup.

use std::net::IpAddr;

use tidegate_dns::{Answer, Name, Question};
use tidegate_mail::Envelope;

use super::asked::Asked;
use crate::authentication::{AuthResult, Iprev};

/// Names of one address that are followed.
const MOST_NAMES: usize = 10;

/// Follows the client's names until one leads back.
pub(super) fn iprev(envelope: &Envelope, asked: &mut Asked<'_>) -> Iprev {
    let Some(client) = envelope.client.filter(|_| !envelope.is_local()) else {
        return Iprev::default();
    };
    let client = client.to_canonical();
    let says = |result, name: Option<&str>| Iprev {
        result,
        client: Some(client),
        name: name.map(str::to_owned),
    };
    if let Some(name) = &envelope.client_name {
        return says(AuthResult::Pass, Some(name));
    }

    let answer = asked.get(&Question::Ptr(client));
    if answer.is_unknown() {
        return says(AuthResult::TempError, None);
    }
    let names = answer.names();
    let mut unknown = false;
    for name in names.iter().take(MOST_NAMES) {
        let answer = asked.get(&forward(client, name.clone()));
        if leads_to(answer, client) {
            return says(AuthResult::Pass, Some(name.as_str()));
        }
        unknown |= answer.is_unknown();
    }
    let result = if unknown { AuthResult::TempError } else { AuthResult::Fail };
    says(result, names.first().map(Name::as_str))
}

const fn forward(client: IpAddr, name: Name) -> Question {
    match client {
        IpAddr::V4(_) => Question::A(name),
        IpAddr::V6(_) => Question::Aaaa(name),
    }
}

fn leads_to(answer: &Answer, client: IpAddr) -> bool {
    match client {
        IpAddr::V4(client) => answer.ipv4().contains(&client),
        IpAddr::V6(client) => answer.ipv6().contains(&client),
    }
}
