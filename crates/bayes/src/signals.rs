//! What statistics say of a message, in bands of probability.
//!
//! Invariant: at most one of these signals is raised for a message, and the nearer its probability is
//! to certainty, the more points it has; within a band they grow as well.

use tidegate_signal::{Family, SignalDef, Signals};

use crate::estimate::Estimate;

/// As good as surely spam.
pub static STAT_SPAM_CERTAIN: SignalDef = SignalDef::new(
    "STAT_SPAM_CERTAIN",
    Family::Statistics,
    5.5,
    "Its words and forms are those of spam",
);
/// Very likely spam.
pub static STAT_SPAM_HIGH: SignalDef = SignalDef::new(
    "STAT_SPAM_HIGH",
    Family::Statistics,
    4.0,
    "Its words and forms are very much like those of spam",
);
/// Likely spam.
pub static STAT_SPAM_LIKELY: SignalDef = SignalDef::new(
    "STAT_SPAM_LIKELY",
    Family::Statistics,
    2.5,
    "Its words and forms are much like those of spam",
);
/// Rather spam than ham.
pub static STAT_SPAM_LEANING: SignalDef = SignalDef::new(
    "STAT_SPAM_LEANING",
    Family::Statistics,
    1.0,
    "Its words and forms are more like those of spam than of wanted mail",
);
/// Rather ham than spam.
pub static STAT_HAM_LEANING: SignalDef = SignalDef::new(
    "STAT_HAM_LEANING",
    Family::Statistics,
    -1.5,
    "Its words and forms are more like those of wanted mail than of spam",
);
/// Likely ham.
pub static STAT_HAM_LIKELY: SignalDef = SignalDef::new(
    "STAT_HAM_LIKELY",
    Family::Statistics,
    -3.0,
    "Its words and forms are much like those of wanted mail",
);
/// As good as surely ham.
pub static STAT_HAM_CERTAIN: SignalDef = SignalDef::new(
    "STAT_HAM_CERTAIN",
    Family::Statistics,
    -4.0,
    "Its words and forms are those of wanted mail",
);

/// Everything that statistics can say.
pub static ALL: [&SignalDef; 7] = [
    &STAT_SPAM_CERTAIN,
    &STAT_SPAM_HIGH,
    &STAT_SPAM_LIKELY,
    &STAT_SPAM_LEANING,
    &STAT_HAM_LEANING,
    &STAT_HAM_LIKELY,
    &STAT_HAM_CERTAIN,
];

/// Features that must be known for anything to be said.
const FEWEST_KNOWN: usize = 8;

/// The band of an estimate; `None` in the middle, and where too little is known.
#[must_use]
pub fn band(estimate: &Estimate) -> Option<&'static SignalDef> {
    if estimate.known < FEWEST_KNOWN {
        return None;
    }
    Some(match estimate.probability {
        p if p >= 0.995 => &STAT_SPAM_CERTAIN,
        p if p >= 0.97 => &STAT_SPAM_HIGH,
        p if p >= 0.88 => &STAT_SPAM_LIKELY,
        p if p >= 0.70 => &STAT_SPAM_LEANING,
        p if p > 0.30 => return None,
        p if p > 0.10 => &STAT_HAM_LEANING,
        p if p > 0.01 => &STAT_HAM_LIKELY,
        _ => &STAT_HAM_CERTAIN,
    })
}

/// States the band of an estimate, with `evidence` in words behind the probability.
pub fn raise(estimate: &Estimate, evidence: &str, signals: &mut Signals) {
    if let Some(def) = band(estimate) {
        let percent = f64::from(estimate.probability) * 100.0;
        let (percent, of) =
            if percent >= 50.0 { (percent, "spam") } else { (100.0 - percent, "ham") };
        // Certainty is for mathematics.
        let mut detail = format!("{:.1} % {of}", percent.min(99.9));
        if !evidence.is_empty() {
            detail.push_str("; ");
            detail.push_str(evidence);
        }
        signals.raise_with(def, points(estimate.log_odds), detail);
    }
}

/// Log-odds, and the points that they are worth; between two, in proportion. Fitted on folds of the
/// shared corpus and on its folders left out in turn, rules and statistics together: see README.md. The
/// most is under the threshold of quarantine: statistics alone are never the reason for it.
const POINTS: [(f32, f32); 10] = [
    (-4.6, -4.0),
    (-2.2, -3.0),
    (-0.85, -1.0),
    (0.0, 0.0),
    (0.85, 0.7),
    (2.0, 1.8),
    (3.5, 3.5),
    (5.3, 5.7),
    (8.0, 7.2),
    (12.0, 7.5),
];

/// The points of an estimate.
fn points(log_odds: f32) -> f32 {
    let [first, .., last] = POINTS;
    let pair = POINTS.windows(2).find(|pair| log_odds < pair[1].0);
    let between = |(from, low): (f32, f32), (to, high): (f32, f32)| {
        low + (high - low) * (log_odds - from) / (to - from)
    };
    match pair {
        Some(_) if log_odds < first.0 => first.1,
        Some(pair) => between(pair[0], pair[1]),
        None => last.1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(probability: f32, known: usize) -> Estimate {
        Estimate { probability, log_odds: 0.0, logistic: 0.0, naive: 0.0, known }
    }

    #[test]
    fn points_grow_with_the_probability() {
        let scores: Vec<f32> = (0..=1000)
            .map(|n| band(&of(n as f32 / 1000.0, 50)).map_or(0.0, |def| def.score))
            .collect();
        assert!(scores.is_sorted());
        assert_eq!((scores[0], scores[500], scores[1000]), (-4.0, 0.0, 5.5));
    }

    #[test]
    fn points_grow_within_a_band_as_well() {
        let scores: Vec<f32> = (-150..=150).map(|n| points(n as f32 / 10.0)).collect();
        assert!(scores.is_sorted());
        assert_eq!((scores[0], scores[150], scores[300]), (-4.0, 0.0, 7.5));
        assert!((points(2.75) - 2.65).abs() < 1e-5);
    }

    #[test]
    fn who_knows_little_says_nothing() {
        assert!(band(&of(1.0, 3)).is_none());
        let mut signals = Signals::new();
        raise(&of(1.0, 50), "for spam: “viagra”", &mut signals);
        let signal = signals.get("STAT_SPAM_CERTAIN").unwrap();
        assert_eq!(signal.detail(), "99.9 % spam; for spam: “viagra”");
    }
}
