//! What is left out while there is more to judge than can be, and what it might have said for the message.
//!
//! Waiting for the network goes first, then what is heavy: the rules, the statistics, and the checks that say so of
//! themselves. What was left out for a message could have spoken for it. So it is taken to have said all that it
//! could: the points that it can take off are taken off, as signals that everybody sees.
//!
//! Invariant: a message never scores more for what was left out.

use tidegate_bayes::signals as bands;
use tidegate_checks::Cost;
use tidegate_checks::table::CHECKS;
use tidegate_dns::{Name, Question};
use tidegate_signal::{Family, Scores, SignalDef, Signals};

use crate::Parts;

/// How much there is to judge, beside what can be. Ordered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pressure {
    /// No more than can be: nothing is left out.
    #[default]
    None,
    /// Nothing is waited for: the answers of the network that are there are used.
    Hurried,
    /// What is heavy is left out as well.
    Pressed,
}

impl Pressure {
    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Hurried => "hurried",
            Self::Pressed => "pressed",
        }
    }
}

/// What was left out, in words. It has no points.
pub static LEFT_OUT: SignalDef = SignalDef::new(
    "LEFT_OUT",
    Family::Policy,
    0.0,
    "There was more to judge than could be, and this was left out",
);

const fn declared(name: &'static str, family: Family) -> SignalDef {
    const SAYS: &str =
        "What was left out for overload is taken to have said all that it could for the message";
    SignalDef::new(name, family, 0.0, SAYS)
}

/// The points for what was left out, by family in the order of [`Family::ALL`].
static CREDITS: [SignalDef; Family::ALL.len()] = [
    declared("LEFT_OUT_CLIENT", Family::Client),
    declared("LEFT_OUT_AUTHENTICATION", Family::Authentication),
    declared("LEFT_OUT_LISTS", Family::Lists),
    declared("LEFT_OUT_HEADERS", Family::Headers),
    declared("LEFT_OUT_CONTENT", Family::Content),
    declared("LEFT_OUT_LINKS", Family::Links),
    declared("LEFT_OUT_ATTACHMENTS", Family::Attachments),
    declared("LEFT_OUT_STATISTICS", Family::Statistics),
    declared("LEFT_OUT_BULK", Family::Bulk),
    declared("LEFT_OUT_TRUST", Family::Trust),
    declared("LEFT_OUT_POLICY", Family::Policy),
];

/// Everything that is said of what was left out.
pub fn signals() -> impl Iterator<Item = &'static SignalDef> {
    std::iter::once(&LEFT_OUT).chain(&CREDITS)
}

/// Points that can be taken off a message, by family in the order of [`Family::ALL`].
type Credit = [f32; Family::ALL.len()];

/// Who can take points off a message.
#[derive(Debug, Clone, Copy)]
enum Source {
    Rules,
    Statistics,
    HeavyChecks,
    OtherChecks,
    Certifiers,
    Lists,
}

impl Source {
    const COUNT: usize = 6;
    /// Those that are left out under pressure.
    const HEAVY: [Self; 3] = [Self::Rules, Self::Statistics, Self::HeavyChecks];
    /// Those whose good word rests on proof of who sent a message.
    const OF_PROOF: [Self; 4] =
        [Self::Rules, Self::HeavyChecks, Self::OtherChecks, Self::Certifiers];
}

/// What one configuration can leave out.
pub(crate) struct Shedding {
    /// What is left out under pressure, by name.
    heavy: Vec<&'static str>,
    lists: Vec<Name>,
    certifiers: Vec<Name>,
    /// By source.
    credits: [Credit; Source::COUNT],
}

impl Shedding {
    pub(crate) fn of(parts: &Parts) -> Self {
        let checks =
            CHECKS.iter().filter(|entry| parts.checks.iter().any(|check| check.key() == entry.key));
        let said_by = |cost: fn(Cost) -> bool| {
            let entries = checks.clone().filter(move |entry| cost(entry.cost));
            entries.flat_map(|entry| entry.raises.iter().copied())
        };
        let of = |defs: &mut dyn Iterator<Item = &SignalDef>| credit(defs, &parts.scores);
        let vouching: Vec<_> = parts.trust.raises().collect();
        let mut credits = [Credit::default(); Source::COUNT];
        credits[Source::Rules as usize] = of(&mut parts.rules.defs().map(|def| &**def));
        credits[Source::HeavyChecks as usize] = of(&mut said_by(|cost| cost == Cost::Heavy));
        credits[Source::OtherChecks as usize] = of(&mut said_by(|cost| cost != Cost::Heavy));
        credits[Source::Certifiers as usize] = of(&mut vouching.iter().map(|def| &**def));
        credits[Source::Lists as usize] = of(&mut parts.lists.raises().map(|def| &**def));
        let mut heavy: Vec<&str> = Vec::new();
        heavy.extend((parts.rules.stats().rules > 0).then_some("rules"));
        if parts.statistics.is_some() {
            heavy.push("statistics");
            // One band is said of a message: the best is all that there could be.
            let bands = bands::ALL.map(|band| of(&mut std::iter::once(band)));
            let best = |at: usize| bands.iter().map(|band| band[at]).fold(0.0, f32::min);
            credits[Source::Statistics as usize] = std::array::from_fn(best);
        }
        let dear = parts.checks.iter().filter(|check| check.cost() == Cost::Heavy);
        heavy.extend(dear.map(|check| check.key()));
        Self {
            heavy,
            lists: parts.lists.zones().map(|zone| zone.name().clone()).collect(),
            certifiers: parts.trust.zones().map(|zone| zone.name().clone()).collect(),
            credits,
        }
    }

    /// Says what was left out of a message under `pressure`, with `unanswered` questions; their names.
    pub(crate) fn tell<'q>(
        &self,
        pressure: Pressure,
        unanswered: impl Iterator<Item = &'q Question>,
        signals: &mut Signals,
    ) -> Vec<&'static str> {
        let mut left_out: Vec<&str> = Vec::new();
        let mut lacking = [false; Source::COUNT];
        if pressure == Pressure::None {
            return left_out;
        }
        for question in unanswered {
            let (what, sources) = self.asked_by(question);
            if !left_out.contains(&what) {
                left_out.push(what);
                sources.iter().for_each(|source| lacking[*source as usize] = true);
            }
        }
        // Answers have no order.
        left_out.sort_unstable();
        if pressure == Pressure::Pressed {
            left_out.extend(&self.heavy);
            Source::HEAVY.iter().for_each(|source| lacking[*source as usize] = true);
        }
        if left_out.is_empty() {
            return left_out;
        }
        signals.raise(&LEFT_OUT, left_out.join(", "));
        let lacking = || self.credits.iter().zip(lacking).filter(|(_, lacks)| *lacks);
        for (at, def) in CREDITS.iter().enumerate() {
            let points: f32 = lacking().map(|(credit, _)| credit[at]).sum();
            if points < 0.0 {
                signals.raise_with(def, points, "");
            }
        }
        left_out
    }

    fn asked_by(&self, question: &Question) -> (&'static str, &'static [Source]) {
        let below = |zones: &[Name]| match question {
            Question::A(name) => zones.iter().any(|zone| name.is_below(zone)),
            _ => false,
        };
        if below(&self.lists) {
            ("lists", &[Source::Lists])
        } else if below(&self.certifiers) {
            ("trust", &[Source::Certifiers])
        } else {
            ("authentication", &Source::OF_PROOF)
        }
    }
}

/// All that `defs` can take off a message.
fn credit(defs: &mut dyn Iterator<Item = &SignalDef>, scores: &Scores) -> Credit {
    let mut credit = Credit::default();
    for def in defs {
        let at = Family::ALL.iter().position(|family| *family == def.family).unwrap_or_default();
        credit[at] += scores.of(&def.name).unwrap_or(def.score).min(0.0);
    }
    credit
}
