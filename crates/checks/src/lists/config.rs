//! `[lists]` as written, and its way into [`Lists`] that run.
//!
//! Invariant: what is built can be asked; every mistake of every zone is told at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use tidegate_dns::{CodeConfig, Kind, Name, Side, Zone, ZoneConfig};
use tidegate_signal::{Family, SignalDef};

use super::{ListZone, Lists, SubjectKind};
use crate::InvalidSetting;

/// `[lists]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListsConfig {
    /// Whether any list is asked.
    pub enabled: bool,
    /// `[lists.zones.NAME]`, by the operator's own name for it.
    pub zones: BTreeMap<String, ZoneSettings>,
}

impl Default for ListsConfig {
    /// Switched on, and without zones; those come with `config/lists.toml`.
    fn default() -> Self {
        Self { enabled: true, zones: BTreeMap::new() }
    }
}

/// `[lists.zones.NAME]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneSettings {
    /// Whether it is asked.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Its name in DNS.
    pub zone: Name,
    /// Whether being listed is bad or good.
    pub side: Side,
    /// Who runs it; zones of one operator that contradict each other both don't count.
    #[serde(default)]
    pub operator: String,
    /// What is looked up in it: all addresses, or all domains.
    pub subjects: Vec<SubjectKind>,
    /// Whether it lists IPv6 addresses as well.
    #[serde(default)]
    pub ipv6: bool,
    /// What its answers mean.
    pub codes: Vec<CodeConfig>,
    /// A subject that is always listed, where it departs from RFC 5782, section 5.
    #[serde(default)]
    pub listed: Option<String>,
    /// A subject that never is.
    #[serde(default)]
    pub unlisted: Option<String>,
    /// The operator's terms, for people.
    #[serde(default)]
    pub note: String,
}

const fn yes() -> bool {
    true
}

/// Points past which a list's word is a slip of the finger.
const HIGHEST_SCORE: f32 = 100.0;

impl TryFrom<&ListsConfig> for Lists {
    type Error = Vec<InvalidSetting>;

    /// Builds the zones that are switched on; those that are not are checked all the same.
    fn try_from(config: &ListsConfig) -> Result<Self, Vec<InvalidSetting>> {
        let (mut zones, mut mistakes) = (Vec::new(), Vec::new());
        for (name, settings) in &config.zones {
            match settings.build(name) {
                Ok(zone) if config.enabled && settings.enabled => zones.push(zone),
                Ok(_) => {}
                Err(wrong) => mistakes.extend(wrong),
            }
        }
        if mistakes.is_empty() { Ok(Self { zones }) } else { Err(mistakes) }
    }
}

impl ZoneSettings {
    fn build(&self, name: &str) -> Result<ListZone, Vec<InvalidSetting>> {
        let wrong = |key: &str, problem: String| InvalidSetting {
            key: format!("zones.{name}{}{key}", if key.is_empty() { "" } else { "." }),
            problem,
        };
        let mut mistakes = Vec::new();
        let kind = self.kind().map_err(|problem| mistakes.push(wrong("subjects", problem))).ok();
        mistakes.extend(self.mistaken_codes().map(|problem| wrong("codes", problem)));
        let zone = Zone::try_from(ZoneConfig {
            zone: self.zone.clone(),
            kind: kind.unwrap_or(Kind::Ip),
            side: self.side,
            operator: self.operator.clone(),
            ipv6: self.ipv6,
            codes: self.codes.clone(),
            listed: self.listed.clone().filter(|_| kind.is_some()),
            unlisted: self.unlisted.clone().filter(|_| kind.is_some()),
            note: self.note.clone(),
        });
        match zone {
            Ok(zone) if mistakes.is_empty() => Ok(ListZone {
                zone: Arc::new(zone),
                subjects: self.subjects.clone(),
                signals: self.codes.iter().map(|code| Arc::new(self.signal(code))).collect(),
            }),
            Ok(_) => Err(mistakes),
            Err(error) => {
                mistakes.push(wrong("", error.to_string()));
                Err(mistakes)
            }
        }
    }

    /// What the zone must list to be asked for all of its subjects.
    fn kind(&self) -> Result<Kind, String> {
        let Some(first) = self.subjects.first() else {
            return Err("nothing is looked up in it; write for example [\"client\"]".to_owned());
        };
        if self.subjects.iter().any(|subject| subject.is_address() != first.is_address()) {
            return Err(
                "addresses and domains can't be looked up in one zone; give it two tables, \
                one with \"client\" or \"received\", the other with the rest"
                    .to_owned(),
            );
        }
        Ok(if first.is_address() { Kind::Ip } else { Kind::Domain })
    }

    fn mistaken_codes(&self) -> impl Iterator<Item = String> {
        self.codes.iter().filter_map(|code| {
            let CodeConfig { matches, signal, score, .. } = code;
            let fits = match self.side {
                Side::Block => *score >= 0.0,
                Side::Allow => *score <= 0.0,
            };
            if !SignalDef::is_valid_name(signal) {
                return Some(format!(
                    "'{signal}' is no name of a signal; names are like LISTED_SBL"
                ));
            }
            if !(score.is_finite() && score.abs() <= HIGHEST_SCORE) {
                return Some(format!(
                    "the score of \"{matches}\" is out of range; write for example 1.5"
                ));
            }
            let (side, sign) = match self.side {
                Side::Block => ("block", "positive"),
                Side::Allow => ("allow", "negative"),
            };
            (!fits).then(|| {
                format!("the score of \"{matches}\" must be {sign}, since side = \"{side}\"")
            })
        })
    }

    fn signal(&self, code: &CodeConfig) -> SignalDef {
        let says = if code.says.is_empty() {
            let what = match self.side {
                Side::Block => "Is on the list",
                Side::Allow => "Is on the allow-list",
            };
            format!("{what} {}", self.zone)
        } else {
            code.says.clone()
        };
        SignalDef {
            name: code.signal.clone().into(),
            family: Family::Lists,
            score: code.score,
            says: says.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: &str = r#"
        [zones.mine]
        zone = "bl.example.org"
        side = "block"
        subjects = ["client"]
        codes = [{ match = "127.0.0.2", signal = "LISTED_MINE", score = 2.0 }]
    "#;

    fn lists(text: &str) -> Result<Lists, Vec<InvalidSetting>> {
        Lists::try_from(&toml::from_str::<ListsConfig>(text).unwrap())
    }

    /// `from` in the zone is written as `to`.
    #[track_caller]
    fn check(from: &str, to: &str, key: &str, words: &str) {
        let Err(mistakes) = lists(&ZONE.replace(from, to)) else { panic!("{to} is accepted") };
        assert!(mistakes.len() == 1 && mistakes[0].key == key, "{mistakes:?}");
        assert!(mistakes[0].problem.contains(words), "{mistakes:?}");
    }

    #[test]
    fn a_zone_says_what_its_codes_say() {
        let lists = lists(ZONE).unwrap();
        let signals: Vec<_> = lists.raises().collect();
        assert_eq!((&*signals[0].name, signals[0].score), ("LISTED_MINE", 2.0));
        assert_eq!(signals[0].says, "Is on the list bl.example.org");
        assert_eq!(lists.zones().count(), 1);
    }

    #[test]
    fn what_is_switched_off_is_not_asked() {
        assert_eq!(lists(&format!("enabled = false\n{ZONE}")).unwrap().zones().count(), 0);
        let off = ZONE.replace("side =", "enabled = false\nside =");
        assert_eq!(lists(&off).unwrap().zones().count(), 0);
    }

    #[test]
    fn mistakes_are_told_with_their_key() {
        check("[\"client\"]", "[]", "zones.mine.subjects", "nothing is looked up");
        check("[\"client\"]", "[\"client\", \"from\"]", "zones.mine.subjects", "two tables");
        check("LISTED_MINE", "listed", "zones.mine.codes", "no name of a signal");
        check("2.0", "-2.0", "zones.mine.codes", "must be positive");
        check("\"block\"", "\"allow\"", "zones.mine.codes", "must be negative");
        check("2.0", "2000.0", "zones.mine.codes", "out of range");
        check("127.0.0.2", "10.0.0.2", "zones.mine", "127.0.0.2");
    }

    #[test]
    fn the_mistakes_of_all_zones_are_told() {
        let two = format!("{ZONE}{}", ZONE.replace("mine", "other")).replace("LISTED", "listed");
        let Err(mistakes) = lists(&two) else { panic!("accepted") };
        assert_eq!(mistakes.len(), 2);
    }
}
