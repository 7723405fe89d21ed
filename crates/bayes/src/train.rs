//! From sorted mail to a model.
//!
//! Training runs over all messages a fixed number of times, each time in another order that follows
//! from the messages alone. Features of some kinds are trained once more without the others, and a part
//! of what they weigh alone is added: among all, a group that tells a little less learns next to nothing
//! wherever another tells enough, and has nothing to say where that other falls silent, on mail of
//! another source (weight undertraining; Sutton, Sindelar and McCallum 2006).
//!
//! A second set of models, each trained without a part of the mail, gives the scores that the
//! calibration is laid through: parts by chance, and parts by source, so that the probabilities hold for
//! mail of sources that were never seen.
//!
//! Invariant: the same messages in the same order give the same bytes, on any machine and with any
//! number of threads.

use std::collections::BTreeSet;

use crate::Kind;
use crate::calibrate::Calibration;
use crate::estimate::estimate;
use crate::hash::{self, Hasher};
use crate::logistic;
use crate::model::{Model, Trained};
use crate::naive;

/// Times that training runs over all messages.
const EPOCHS: u64 = 20;

/// How far one message moves the weights.
const RATE: f32 = 10.0;

/// How wrong an estimate must be for a message to move the weights.
const THICKNESS: f32 = 0.1;

/// Messages a feature must be in to be counted: what stood in one or two tells of those.
const FEWEST: u32 = 3;

/// Messages a feature must be in to be weighed: what stood in fewer tells of their source.
const FEWEST_WEIGHED: u32 = 8;

/// Kinds that are trained alone as well, and the part of those weights that is added.
const ALONE: [(&[Kind], f32); 2] =
    [(&[Kind::Gram], 0.2), (&[Kind::Link, Kind::Structure, Kind::Attachment, Kind::Html], 0.1)];

/// Parts by chance that calibration holds back in turn.
const PARTS: u64 = 5;

/// The most features of a model: as many as fit, half of the places free.
const MOST: usize = 500_000;

/// A message that somebody sorted.
#[derive(Debug, Clone)]
pub struct Example {
    /// Its features, as [`crate::Extractor`] finds them.
    pub features: Vec<u64>,
    /// Whether it is spam.
    pub spam: bool,
    /// Where it came from, such as the folder of its file.
    pub source: String,
}

/// Trains the model that is shipped.
#[must_use]
pub fn train(examples: &[Example]) -> Model {
    let all: Vec<&Example> = examples.iter().collect();
    let calibration = Calibration::fit(&held_back(&all));
    fit(&all, calibration)
}

/// Trains on some messages, and scores others by what was learned; scores are not calibrated.
#[must_use]
pub fn score_others(train: &[&Example], test: &[&Example]) -> Vec<(f32, bool)> {
    let model = fit(train, Calibration::default());
    test.iter().map(|one| (estimate(&model, &one.features).log_odds, one.spam)).collect()
}

/// Scores of messages by models that had not seen them.
fn held_back(all: &[&Example]) -> Vec<(f32, bool)> {
    let part = |one: &Example| identity(one) % PARTS;
    let both = |examples: &[&Example]| {
        examples.iter().any(|one| one.spam) && examples.iter().any(|one| !one.spam)
    };
    let sources: BTreeSet<&str> = all.iter().map(|one| one.source.as_str()).collect();
    let chance = (0..PARTS).map(|wanted| split(all, |one| part(one) == wanted));
    let folders = sources.iter().map(|source| split(all, |one| one.source == *source));
    let splits: Vec<_> = chance.chain(folders).filter(|(train, _)| both(train)).collect();
    std::thread::scope(|scope| {
        let work: Vec<_> =
            splits.iter().map(|(train, test)| scope.spawn(|| score_others(train, test))).collect();
        // A thread that panicked has no scores to give.
        work.into_iter().flat_map(|work| work.join().unwrap_or_default()).collect()
    })
}

/// The messages that are not held back, and those that are.
fn split<'e>(
    all: &[&'e Example],
    held: impl Fn(&Example) -> bool,
) -> (Vec<&'e Example>, Vec<&'e Example>) {
    let (test, train) = all.iter().partition(|one| held(one));
    (train, test)
}

fn identity(one: &Example) -> u64 {
    one.features.iter().fold(Hasher::new(), |state, word| state.bytes(&word.to_le_bytes())).finish()
}

fn fit(examples: &[&Example], calibration: Calibration) -> Model {
    let vocabulary = vocabulary(examples);
    let mut table: Vec<Trained> = vocabulary
        .iter()
        .map(|feature| Trained { feature: *feature, weight: 0.0, spam: 0, ham: 0 })
        .collect();
    let rows: Vec<Row> =
        examples.iter().map(|one| Row::new(one, &one.features, &vocabulary)).collect();
    for row in &rows {
        for place in &row.places {
            let trained = &mut table[*place as usize];
            *(if row.spam { &mut trained.spam } else { &mut trained.ham }) += 1;
        }
    }
    let shares: Vec<f32> = table
        .iter()
        .map(|trained| match trained.spam + trained.ham {
            // Counted only: it takes no part of any step, and so weighs nothing.
            few if few < FEWEST_WEIGHED => 0.0,
            seen => logistic::share(Kind::of(trained.feature), seen),
        })
        .collect();
    let mut weights = descend(&rows, &vocabulary, &shares);
    for (kinds, part) in ALONE {
        let few: Vec<Row> = examples.iter().map(|one| Row::of(one, kinds, &vocabulary)).collect();
        let part = part * proportion(&few, &rows);
        let alone = descend(&few, &vocabulary, &shares);
        weights.iter_mut().zip(alone).for_each(|(weight, alone)| *weight += part * alone);
    }
    table.iter_mut().zip(weights).for_each(|(trained, weight)| trained.weight = weight);
    let heavier = |a: &Trained, b: &Trained| b.weight.abs().total_cmp(&a.weight.abs());
    table.sort_by(|a, b| heavier(a, b).then(a.feature.cmp(&b.feature)));
    table.truncate(MOST);
    let spam = examples.iter().filter(|one| one.spam).count() as u32;
    Model::build(table, calibration, (spam, examples.len() as u32 - spam))
}

/// Features that stand in enough messages, in order.
fn vocabulary(examples: &[&Example]) -> Vec<u64> {
    let mut every: Vec<u64> =
        examples.iter().flat_map(|one| one.features.iter().copied()).collect();
    every.sort_unstable();
    let mut kept = Vec::new();
    for run in every.chunk_by(|a, b| a == b) {
        let counted = naive::hears(Kind::of(run[0]));
        let fewest = if counted { FEWEST } else { FEWEST_WEIGHED };
        if run.len() >= fewest as usize {
            kept.push(run[0]);
        }
    }
    kept
}

/// A message as places in the vocabulary.
struct Row {
    places: Vec<u32>,
    spam: bool,
    norm: f32,
    identity: u64,
}

impl Row {
    fn new(one: &Example, features: &[u64], vocabulary: &[u64]) -> Self {
        let place = |feature: &u64| vocabulary.binary_search(feature).ok().map(|at| at as u32);
        Self {
            places: features.iter().filter_map(place).collect(),
            spam: one.spam,
            norm: logistic::norm(features),
            identity: identity(one),
        }
    }

    /// Of features of some kinds only.
    fn of(one: &Example, kinds: &[Kind], vocabulary: &[u64]) -> Self {
        let of_kinds = |feature: &u64| kinds.contains(&Kind::of(*feature));
        let features: Vec<u64> = one.features.iter().copied().filter(of_kinds).collect();
        Self::new(one, &features, vocabulary)
    }
}

/// How much more a feature counts in a message's few features than among all of them, at the median:
/// weights are added to those of all, and must say as much there.
fn proportion(few: &[Row], all: &[Row]) -> f32 {
    let mut each: Vec<f32> = few.iter().zip(all).map(|(few, all)| few.norm / all.norm).collect();
    each.sort_by(f32::total_cmp);
    each.get(each.len() / 2).copied().unwrap_or(1.0)
}

/// Moves weights over all messages, again and again, until none is wrong enough.
fn descend(rows: &[Row], vocabulary: &[u64], shares: &[f32]) -> Vec<f32> {
    let scales: Vec<f32> =
        vocabulary.iter().map(|feature| logistic::scale(Kind::of(*feature))).collect();
    let mut weights = vec![0.0_f32; vocabulary.len()];
    let mut order: Vec<&Row> = rows.iter().collect();
    for epoch in 0..EPOCHS {
        order.sort_by_key(|row| hash::mix(row.identity ^ epoch));
        let mut moved = false;
        for row in &order {
            let scaled = |place: &u32| scales[*place as usize] * weights[*place as usize];
            let log_odds = row.norm * row.places.iter().map(scaled).sum::<f32>();
            let Some(step) = logistic::step(log_odds, row.spam, RATE, THICKNESS) else { continue };
            moved = true;
            for place in &row.places {
                weights[*place as usize] += step * row.norm * shares[*place as usize];
            }
        }
        if !moved {
            break;
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples() -> Vec<Example> {
        // Feature n: 1..=20 noise, 100 in spam, 200 in ham.
        let word = |n: u64| hash::feature(Kind::Subject, hash::mix(n));
        (0..60_u64)
            .map(|n| Example {
                features: vec![
                    word(n % 20 + 1),
                    word((n * 7) % 20 + 1),
                    word(if n % 2 == 0 { 100 } else { 200 }),
                ],
                spam: n % 2 == 0,
                source: (n % 3).to_string(),
            })
            .collect()
    }

    #[test]
    fn what_tells_spam_from_ham_is_learned() {
        let examples = examples();
        let model = train(&examples);
        for one in &examples {
            let estimate = estimate(&model, &one.features);
            assert_eq!(estimate.probability > 0.8, one.spam, "{estimate:?}");
            assert_eq!(estimate.probability < 0.2, !one.spam, "{estimate:?}");
        }
    }

    #[test]
    fn training_again_gives_the_same_bytes() {
        assert_eq!(train(&examples()).bytes(), train(&examples()).bytes());
    }

    #[test]
    fn nothing_and_one_class_train_a_model_that_loads() {
        for examples in [Vec::new(), examples().into_iter().filter(|one| one.spam).collect()] {
            let model = train(&examples);
            Model::load(model.bytes().to_vec()).unwrap();
        }
    }
}
