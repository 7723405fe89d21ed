//! Trustmarks: who vouches for a message, and whether that is proved.
//!
//! A mark is a claim by a sender, backed by a certifier that this operator trusts, and bound to an
//! identity that this message has proved. [`Trustmarks`] holds the kinds of marks that are switched
//! on, each in its file; what they find is [`Trust`], which checks, header fields and
//! `Authentication-Results` read. `README.md` beside this file has the table of all kinds.
//!
//! Marks of brands ([`bimi`]) are looked for by a check of their own: their certificates are fetched beside
//! the mail, and their outcome is one of [`Authentication`](crate::authentication::Authentication).
//!
//! To add a kind: write its file with a [`Kind`], add its line to [`MarkKind`] and to
//! [`Trustmarks::build`], and its signals to [`SIGNALS`].
//!
//! Invariant: a mark moves the score only when it is verified, or denied by the certifier that it
//! names; what is claimed, copied, replayed or unanswered moves nothing.

pub mod addresses;
pub mod bimi;
pub mod coded;
pub mod config;
pub mod day;
pub mod practice;
pub mod proof;
pub mod vbr;
pub mod vetted;

use std::fmt;
use std::io;
use std::sync::Arc;

use serde::Deserialize;
use tidegate_dns::{Answers, Name, Zone};
use tidegate_signal::{Def, Family, SignalDef, Signals};

use crate::trust::proof::Proof;
use crate::{InvalidSetting, Known, Questions, Stage};

pub use config::TrustConfig;

/// What kind of mark it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MarkKind {
    /// Vouch By Reference (RFC 5518).
    Vbr,
    /// A list in DNS whose answers have levels.
    CodedList,
    /// A certifier's file of addresses.
    Addresses,
    /// Good practice, which the sender vouches for himself by signing.
    Practice,
    /// The operator's own list.
    Vetted,
}

impl MarkKind {
    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vbr => "vbr",
            Self::CodedList => "dnswl",
            Self::Addresses => "addresses",
            Self::Practice => "practice",
            Self::Vetted => "vetted",
        }
    }
}

/// The class of mail that is vouched for, in the words of RFC 5518, section 4.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// All of the sender's mail, or nobody says which.
    #[default]
    All,
    /// Mail to many.
    List,
    /// Mail that answers what the recipient did.
    Transaction,
}

impl Class {
    /// The word of RFC 5518.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::List => "list",
            Self::Transaction => "transaction",
        }
    }
}

/// How recipients came to be recipients, as a certifier vouches. Ordered: more is better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptIn {
    /// Without being asked.
    None,
    /// Nobody says.
    #[default]
    Unknown,
    /// They, or whoever gave their address, signed up.
    Single,
    /// They signed up, and answered a message that asked whether they had.
    Confirmed,
}

impl OptIn {
    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Unknown => "unknown",
            Self::Single => "single",
            Self::Confirmed => "confirmed",
        }
    }
}

/// Who vouches, for whom, for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What kind it is.
    pub kind: MarkKind,
    /// Who vouches.
    pub certifier: String,
    /// The domain or the address vouched for.
    pub subject: String,
    /// For what mail.
    pub class: Class,
    /// How its recipients were won.
    pub opt_in: OptIn,
}

/// Letters of a domain or an address that are told.
const LONGEST_SUBJECT: usize = 255;

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { certifier, class, opt_in, .. } = self;
        // The subject may be a stranger's choice, and this goes into a header field.
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || ".-_@+=:".contains(c) { c } else { '?' }
        };
        let subject: String = self.subject.chars().take(LONGEST_SUBJECT).map(plain).collect();
        write!(f, "{certifier} for {subject} ({} mail", class.as_str())?;
        if *opt_in != OptIn::Unknown {
            write!(f, ", opt-in {}", opt_in.as_str())?;
        }
        f.write_str(")")
    }
}

/// What became of a mark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MarkResult {
    /// There is none, it ended, or its certifier's answer says nothing.
    #[default]
    None,
    /// It is claimed, and not proved to be this message's.
    Claimed,
    /// Its certifier vouches, and this message proved that it is the one vouched for.
    Verified,
    /// Its certifier says that it does not vouch.
    Denied,
    /// Its certifier did not answer.
    Unknown,
}

/// A mark, with what became of it.
#[derive(Debug, Clone)]
pub struct FoundMark {
    /// The mark.
    pub mark: Mark,
    /// What became of it.
    pub result: MarkResult,
    /// Why, where that is not plain.
    pub why: String,
    /// What it says to the score, and with how many points; `None`: nothing.
    pub says: Option<(Def, f32)>,
    /// How Authentication-Results tells it; `None`: not at all.
    pub told: Option<Told>,
}

impl FoundMark {
    /// Who vouches for whom, and why it came out so.
    fn evidence(&self) -> String {
        match self.why.as_str() {
            "" => self.mark.to_string(),
            why => format!("{}: {why}", self.mark),
        }
    }
}

/// A result as Authentication-Results tells it (RFC 8601).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The method, such as `vbr`.
    pub method: &'static str,
    /// Its result, in the method's words.
    pub result: &'static str,
    /// Why, in words; may be empty.
    pub reason: String,
    /// Its properties, such as `header.md`.
    pub properties: Vec<(&'static str, String)>,
}

/// All marks that a message has.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// By kind, in the order of the kinds.
    pub marks: Vec<FoundMark>,
}

impl Trust {
    /// Those that are verified.
    pub fn verified(&self) -> impl Iterator<Item = &Mark> {
        let verified = self.marks.iter().filter(|found| found.result == MarkResult::Verified);
        verified.map(|found| &found.mark)
    }

    /// The mark whose certifier knows best that recipients asked for such mail.
    #[must_use]
    pub fn consent(&self) -> Option<&Mark> {
        let asked = self.verified().filter(|mark| mark.opt_in >= OptIn::Single);
        asked.max_by_key(|mark| mark.opt_in)
    }

    /// Those that somebody else than the sender vouches for and that are verified, for a header field:
    /// `vbr: certifier.example for shop.example (list mail)`; `None` without any.
    #[must_use]
    pub fn field(&self) -> Option<String> {
        let vouched = self.verified().filter(|mark| mark.kind != MarkKind::Practice);
        let each: Vec<String> =
            vouched.map(|mark| format!("{}: {mark}", mark.kind.as_str())).collect();
        (!each.is_empty()).then(|| each.join("; "))
    }
}

/// One kind of marks.
pub trait Kind: Send + Sync {
    /// Puts what questions it has at `stage`, as soon as what they need is known. Whether what is
    /// asked about is proved is a matter of [`find`](Self::find).
    fn ask(&self, _stage: Stage, _known: &Known<'_>, _questions: &mut Questions) {}

    /// Finds the marks of a message whose authentication is known.
    fn find(&self, proof: &Proof<'_>, answers: &Answers, marks: &mut Vec<FoundMark>);
}

/// What was claimed without proof; says so, and counts for nothing.
pub static TRUSTMARK_CLAIMED: SignalDef = SignalDef::new(
    "TRUSTMARK_CLAIMED",
    Family::Trust,
    0.0,
    "The message claims a trustmark, and does not prove that it is the one vouched for",
);
/// The certifier was asked and did not answer.
pub static TRUSTMARK_UNKNOWN: SignalDef = SignalDef::new(
    "TRUSTMARK_UNKNOWN",
    Family::Trust,
    0.0,
    "The certifier of a trustmark did not answer",
);

/// Everything that kinds without settings of their own can say.
pub const SIGNALS: [&SignalDef; 10] = [
    &TRUSTMARK_CLAIMED,
    &TRUSTMARK_UNKNOWN,
    &vbr::VOUCHED_BY_REFERENCE,
    &vbr::VOUCHING_DENIED,
    &addresses::ADDRESS_CERTIFIED,
    &practice::LIST_ID_SIGNED,
    &practice::FEEDBACK_ID_SIGNED,
    &practice::COMPLAINT_ADDRESS_SIGNED,
    &vetted::SENDER_VETTED,
    &vetted::VETTING_EXPIRED,
];

/// All kinds of marks that are switched on.
#[derive(Default)]
pub struct Trustmarks {
    kinds: Vec<Box<dyn Kind>>,
    zones: Vec<Arc<Zone>>,
    of_zones: Vec<Arc<SignalDef>>,
}

impl Trustmarks {
    /// Builds what `config` asks for. `read` reads a file that a key of it names.
    ///
    /// # Errors
    /// Every mistake, with its key below `[trust]`.
    pub fn build(
        config: &TrustConfig,
        read: &dyn Fn(&str, &str) -> io::Result<String>,
    ) -> Result<Self, Vec<InvalidSetting>> {
        let mut mistakes = Vec::new();
        let vbr = vbr::Vbr::build(&config.vbr, &mut mistakes);
        let lists = coded::CodedLists::build(&config.lists, &mut mistakes);
        let addresses = addresses::AddressLists::build(&config.addresses, read, &mut mistakes);
        let vetted = vetted::Vetted::build(&config.vetted, &mut mistakes);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        if !config.enabled {
            return Ok(Self::default());
        }
        let (zones, of_zones) = (lists.zones(), lists.raises());
        let kinds: Vec<Box<dyn Kind>> = vec![
            Box::new(vbr),
            Box::new(lists),
            Box::new(addresses),
            Box::new(practice::Practice),
            Box::new(vetted),
        ];
        Ok(Self { kinds, zones, of_zones })
    }

    /// Everything that can be said of marks.
    pub fn raises(&self) -> impl Iterator<Item = Def> {
        SIGNALS.into_iter().map(Def::from).chain(self.of_zones.iter().map(Def::from))
    }

    /// List zones, for whoever proves now and then that they are sound.
    pub fn zones(&self) -> impl Iterator<Item = &Arc<Zone>> {
        self.zones.iter()
    }

    /// The names of zones that have been found not to be believed.
    #[must_use]
    pub fn set_aside(&self) -> Vec<Name> {
        let aside = self.zones.iter().filter(|zone| !zone.usable());
        aside.map(|zone| zone.name().clone()).collect()
    }

    /// Puts what questions the kinds have at `stage`. Users of this site need nobody to vouch.
    pub fn ask(&self, stage: Stage, known: &Known<'_>, questions: &mut Questions) {
        if known.envelope.authenticated.is_none() {
            self.kinds.iter().for_each(|kind| kind.ask(stage, known, questions));
        }
    }

    /// Finds the marks of a message whose authentication is known.
    #[must_use]
    pub fn find(&self, known: &Known<'_>, answers: &Answers) -> Trust {
        let mut trust = Trust::default();
        if let Some(proof) = Proof::of(known) {
            self.kinds.iter().for_each(|kind| kind.find(&proof, answers, &mut trust.marks));
        }
        trust
    }

    /// Says what `trust` means for the score.
    pub fn judge(&self, trust: &Trust, signals: &mut Signals) {
        for found in &trust.marks {
            if let Some((def, points)) = &found.says {
                signals.raise_with(def.clone(), *points, found.evidence());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_chose_can_neither_add_a_mark_nor_a_field() {
        let mark = Mark {
            kind: MarkKind::Vetted,
            certifier: "the operator".to_owned(),
            subject: "a.example); vbr: all\r\nX: é".to_owned(),
            class: Class::All,
            opt_in: OptIn::Unknown,
        };
        let found = FoundMark {
            mark,
            result: MarkResult::Verified,
            why: String::new(),
            says: None,
            told: None,
        };
        let field = Trust { marks: vec![found] }.field();
        let expect = "vetted: the operator for a.example???vbr:?all??X:?? (all mail)";
        assert_eq!(field.as_deref(), Some(expect));
    }

    #[test]
    fn consent_is_what_a_verified_mark_vouches_for() {
        let found = |result, opt_in| FoundMark {
            mark: Mark {
                kind: MarkKind::Vbr,
                certifier: "vouch.example".to_owned(),
                subject: "shop.example".to_owned(),
                class: Class::List,
                opt_in,
            },
            result,
            why: String::new(),
            says: None,
            told: None,
        };
        let consent =
            |result, opt_in| Trust { marks: vec![found(result, opt_in)] }.consent().is_some();
        assert!(consent(MarkResult::Verified, OptIn::Single));
        assert!(!consent(MarkResult::Verified, OptIn::Unknown));
        assert!(!consent(MarkResult::Claimed, OptIn::Confirmed));
        assert!(!consent(MarkResult::Denied, OptIn::Confirmed));
    }
}
