//! Certified addresses that come as a file, by account: the Certified Senders Alliance, and whoever
//! hands out lists in that form.
//!
//! A line of the file is an address or a block, and may say until when it holds:
//! `192.0.2.0/28 2027-06-30`. `#` begins a comment. The header by which senders show that they are
//! members, such as `X-CSA-Complaints`, is a claim and no more: anybody can write it.
//!
//! Invariant: only the address that handed the message in counts.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;

use serde::Deserialize;
use tidegate_dns::Answers;
use tidegate_signal::{Family, SignalDef};

use super::config::{mistaken_score, yes};
use super::day::Day;
use super::proof::Proof;
use super::{Class, FoundMark, Kind, Mark, MarkKind, MarkResult, OptIn, TRUSTMARK_CLAIMED};
use crate::lists::SubjectKind;
use crate::{InvalidSetting, Network};

/// The client is in a certifier's file.
pub static ADDRESS_CERTIFIED: SignalDef = SignalDef::new(
    "ADDRESS_CERTIFIED",
    Family::Trust,
    -1.0,
    "A certifier that this site trusts has certified the client's address",
);

/// Lines of one file.
const MOST_LINES: usize = 500_000;

/// `[trust.addresses.NAME]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddressesSettings {
    /// Whether it is looked at.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The certifier.
    pub certifier: String,
    /// Its file, relative to the file that names it.
    #[serde(default)]
    pub file: String,
    /// The field by which senders claim to be certified; empty: none.
    #[serde(default)]
    pub claim: String,
    /// Points for what it certifies; `ADDRESS_CERTIFIED`'s default else.
    #[serde(default)]
    pub score: Option<f32>,
    /// The mail that it certifies.
    #[serde(default)]
    pub class: Class,
    /// How those whom it certifies win their recipients, as its terms say.
    #[serde(default)]
    pub opt_in: OptIn,
    /// Its terms, for people.
    #[serde(default)]
    pub note: String,
}

/// All files.
pub(super) struct AddressLists(Vec<AddressList>);

struct AddressList {
    settings: AddressesSettings,
    entries: Vec<(Network, Option<Day>)>,
}

impl AddressLists {
    pub(super) fn build(
        settings: &BTreeMap<String, AddressesSettings>,
        read: &dyn Fn(&str, &str) -> io::Result<String>,
        mistakes: &mut Vec<InvalidSetting>,
    ) -> Self {
        let mut lists = Vec::new();
        for (name, settings) in settings {
            let mut wrong = |key: &str, problem: String| {
                mistakes.push(InvalidSetting { key: format!("addresses.{name}.{key}"), problem });
            };
            let problem = settings.score.and_then(mistaken_score);
            problem.into_iter().for_each(|problem| wrong("score", problem));
            if !settings.enabled {
                continue;
            }
            if settings.file.is_empty() {
                wrong("file", "names no file; write for example \"csa.txt\"".to_owned());
                continue;
            }
            let read = read(&format!("addresses.{name}.file"), &settings.file);
            match read.map_err(|error| error.to_string()).and_then(|text| entries(&text)) {
                Ok(entries) => lists.push(AddressList { settings: settings.clone(), entries }),
                Err(problem) => wrong("file", format!("{}: {problem}", settings.file)),
            }
        }
        Self(lists)
    }
}

fn entries(text: &str) -> Result<Vec<(Network, Option<Day>)>, String> {
    let mut entries = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        let Some(network) = words.next() else { continue };
        let wrong = |error: String| format!("line {}: {error}", number + 1);
        let network: Network = network.parse().map_err(|error| wrong(format!("{error}")))?;
        let until = words.next().map(str::parse).transpose();
        entries.push((network, until.map_err(|error| wrong(format!("{error}")))?));
        if entries.len() > MOST_LINES {
            return Err(format!("it has more than {MOST_LINES} addresses"));
        }
    }
    Ok(entries)
}

impl AddressList {
    fn certifies(&self, address: IpAddr, now: i64) -> bool {
        let holds = |until: &Option<Day>| until.is_none_or(|until| !until.is_past(now));
        self.entries.iter().any(|(network, until)| network.contains(address) && holds(until))
    }
}

impl Kind for AddressLists {
    fn find(&self, proof: &Proof<'_>, _: &Answers, marks: &mut Vec<FoundMark>) {
        let kinds = [SubjectKind::Client, SubjectKind::Received];
        let subjects = kinds.iter().flat_map(|kind| kind.subjects(proof.known));
        let Some(address) = subjects.filter_map(|it| it.address()).next() else { return };
        for list in &self.0 {
            let settings = &list.settings;
            let certified = list.certifies(address, proof.known.now);
            let claimed =
                !settings.claim.is_empty() && proof.message.field(&settings.claim).is_some();
            let score = settings.score.unwrap_or(ADDRESS_CERTIFIED.score);
            let (result, says, why) = match (certified, claimed) {
                (true, _) => (MarkResult::Verified, (&ADDRESS_CERTIFIED, score), String::new()),
                (false, true) => {
                    let why = format!("{} says so, and its list does not", settings.claim);
                    (MarkResult::Claimed, (&TRUSTMARK_CLAIMED, 0.0), why)
                }
                (false, false) => continue,
            };
            let mark = Mark {
                kind: MarkKind::Addresses,
                certifier: settings.certifier.clone(),
                subject: address.to_string(),
                class: settings.class,
                opt_in: settings.opt_in,
            };
            let says = Some((says.0.into(), says.1));
            marks.push(FoundMark { mark, result, why, says, told: None });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_addresses_and_days() {
        let text = "# certified\n192.0.2.0/28 2026-11-24\n\n2001:db8::/48 # for good\n";
        let settings = "certifier = 'C'".parse::<toml::Table>().unwrap().try_into().unwrap();
        let list = AddressList { settings, entries: entries(text).unwrap() };
        let noon_of_the_last_day = 1_795_521_600;
        let at = |address: &str, now| list.certifies(address.parse().unwrap(), now);
        assert!(at("192.0.2.7", noon_of_the_last_day) && at("2001:db8::1", i64::MAX));
        assert!(!at("192.0.2.7", noon_of_the_last_day + 86_400) && !at("192.0.2.16", 0));
    }

    #[test]
    fn a_line_that_is_none_is_told() {
        assert!(entries("192.0.2.1\nmail.example\n").unwrap_err().starts_with("line 2"));
        assert!(entries("192.0.2.1 soon\n").unwrap_err().contains("'soon' is no day"));
    }
}
