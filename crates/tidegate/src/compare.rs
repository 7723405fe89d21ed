//! One message judged in two ways, and why it came out differently.
//!
//! Invariant: nothing of the message is in it but names of signals and points.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use tidegate_engine::Judged;
use tidegate_policy::Verdict;

/// Two outcomes, and what differs in between.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Difference {
    pub(crate) before: Side,
    pub(crate) after: Side,
    /// Signals with other points, the one that moved most first.
    pub(crate) signals: Vec<Moved>,
}

/// One outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Side {
    pub(crate) verdict: String,
    pub(crate) score: f64,
    /// Without these it would have come out otherwise.
    pub(crate) decisive: Vec<String>,
    /// How each recipient fares, where that is not all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) recipients: Vec<String>,
}

/// A signal with other points than before; `None`: it was not raised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Moved {
    pub(crate) name: String,
    pub(crate) before: Option<f64>,
    pub(crate) after: Option<f64>,
}

impl Difference {
    /// What differs.
    pub(crate) fn between(before: &Judged, after: &Judged) -> Self {
        let points = |judged: &Judged| -> BTreeMap<String, f64> {
            judged.signals.iter().map(|it| (it.name().to_owned(), hundredths(it.score()))).collect()
        };
        let (was, is) = (points(before), points(after));
        let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        let moved = names.into_iter().filter(|name| was.get(*name) != is.get(*name));
        let mut signals: Vec<Moved> = moved
            .map(|name| Moved {
                name: name.clone(),
                before: was.get(name).copied(),
                after: is.get(name).copied(),
            })
            .collect();
        signals.sort_by(|a, b| b.by().abs().total_cmp(&a.by().abs()));
        Self { before: Side::of(before), after: Side::of(after), signals }
    }

    /// Whether anybody is served otherwise.
    pub(crate) fn is_another_outcome(&self) -> bool {
        (&self.before.verdict, &self.before.recipients)
            != (&self.after.verdict, &self.after.recipients)
    }

    /// In lines for a person; `before` and `after` name the sides.
    pub(crate) fn explain(&self, before: &str, after: &str) -> String {
        let mut text = format!(
            "  {} → {}   {:.2} → {:.2} points\n",
            self.before.verdict, self.after.verdict, self.before.score, self.after.score
        );
        let width = before.chars().count().max(after.chars().count());
        for (word, side) in [(before, &self.before), (after, &self.after)] {
            if !side.decisive.is_empty() {
                let _ =
                    writeln!(text, "    {word:<width$}  decisive: {}", side.decisive.join(", "));
            }
            if !side.recipients.is_empty() {
                let each = side.recipients.join(", ");
                let _ = writeln!(text, "    {word:<width$}  recipients: {each}");
            }
        }
        let shown = |points: Option<f64>| points.map_or("–".to_owned(), |it| format!("{it:.2}"));
        for moved in &self.signals {
            let (was, is) = (shown(moved.before), shown(moved.after));
            let _ = writeln!(text, "    {:+7.2}  {:<32}  {was} → {is}", moved.by(), moved.name);
        }
        text
    }
}

impl Side {
    fn of(judged: &Judged) -> Self {
        let all = judged.recipients.iter().map(|recipient| recipient.verdict);
        let differ = all.clone().any(|verdict| verdict != judged.decision.verdict);
        let each = all.map(|verdict| verdict.as_str().to_owned());
        Self {
            verdict: judged.decision.verdict.as_str().to_owned(),
            score: hundredths(judged.decision.score),
            decisive: judged.decision.decisive.clone(),
            recipients: if differ { each.collect() } else { Vec::new() },
        }
    }
}

impl Moved {
    fn by(&self) -> f64 {
        self.after.unwrap_or(0.0) - self.before.unwrap_or(0.0)
    }
}

fn hundredths(points: f32) -> f64 {
    (f64::from(points) * 100.0).round() / 100.0
}

/// How often one verdict became which other.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Matrix(Vec<Pair>);

/// A cell of a [`Matrix`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pair {
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) messages: u64,
}

impl Matrix {
    /// Counts a message.
    pub(crate) fn count(&mut self, difference: &Difference) {
        let (before, after) = (&difference.before.verdict, &difference.after.verdict);
        match self.0.iter_mut().find(|pair| (&pair.before, &pair.after) == (before, after)) {
            Some(pair) => pair.messages += 1,
            None => {
                self.0.push(Pair { before: before.clone(), after: after.clone(), messages: 1 });
            }
        }
    }

    /// All messages.
    pub(crate) fn messages(&self) -> u64 {
        self.0.iter().map(|pair| pair.messages).sum()
    }

    /// As a table: a line for each verdict before, a column for each after.
    pub(crate) fn table(&self, before: &str, after: &str) -> String {
        let is_used = |verdict: &&Verdict| {
            self.0.iter().any(|it| [&it.before, &it.after].contains(&&verdict.as_str().to_owned()))
        };
        let used: Vec<&str> = Verdict::ALL.iter().filter(is_used).map(|it| it.as_str()).collect();
        let corner = format!("{before} ↓  {after} →");
        let width = corner.chars().count().max(10);
        let mut text = format!("{corner:<width$}");
        for verdict in &used {
            let _ = write!(text, " {verdict:>11}");
        }
        text.push('\n');
        for row in &used {
            let _ = write!(text, "{row:<width$}");
            for column in &used {
                let cell = self
                    .0
                    .iter()
                    .find(|it| (it.before.as_str(), it.after.as_str()) == (*row, *column));
                let _ = write!(text, " {:>11}", cell.map_or(0, |it| it.messages));
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(before: &str, after: &str) -> Difference {
        let side = |verdict: &str| Side {
            verdict: verdict.to_owned(),
            score: 4.0,
            decisive: vec!["A_RULE".to_owned()],
            recipients: Vec::new(),
        };
        let moved = Moved { name: "A_RULE".to_owned(), before: None, after: Some(2.5) };
        Difference { before: side(before), after: side(after), signals: vec![moved] }
    }

    #[test]
    fn a_difference_tells_outcomes_and_what_moved() {
        let text = difference("accept", "tag").explain("now", "new");
        assert_eq!(
            text,
            "  accept → tag   4.00 → 4.00 points\n    now  decisive: A_RULE\n    new  decisive: A_RULE\n    \
             \u{20} +2.50  A_RULE                            – → 2.50\n"
        );
        assert!(difference("accept", "tag").is_another_outcome());
        assert!(!difference("tag", "tag").is_another_outcome());
    }

    #[test]
    fn a_matrix_has_the_verdicts_that_occur() {
        let mut matrix = Matrix::default();
        for (before, after) in [("accept", "accept"), ("accept", "tag"), ("accept", "accept")] {
            matrix.count(&difference(before, after));
        }
        assert_eq!(matrix.messages(), 3);
        assert_eq!(
            matrix.table("now", "new"),
            "now ↓  new →      accept         tag\naccept                 2           1\ntag                    0           0\n"
        );
    }
}
