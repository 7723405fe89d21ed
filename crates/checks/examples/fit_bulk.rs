//! Fits the weights of `bulk.probability`, and measures how well they separate.
//!
//! `fit_bulk INDEX`: a file of lines `ham PATH` or `spam PATH`, relative to its folder. Of the ham, what
//! has List-Id, List-Unsubscribe, Feedback-ID or a Precedence of bulk, list or junk, or comes from an
//! address such as newsletter@, counts as sent to many; of the rest, what answers something or was
//! written by a person's mail program as sent to one; what is left can't be told and is left out. None of
//! these fields is part of the form that is measured. Half of the messages, by a hash of their names, are
//! fitted on and the other half measured, and the other way round; the weights that are printed come
//! from all of them. With `--rest` behind it, what can't be told counts as sent to one.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for whoever fits")]

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use tidegate_checks::bulk::form::{FEATURES, NAMES, features};
use tidegate_mail::{Bounds, Envelope, Message};

/// Steps of descent, their length, and how dear weights are.
const STEPS: usize = 3_000;
const RATE: f64 = 0.5;
const RIDGE: f64 = 0.002;

/// Authors that are no person, and programs by which persons write.
const DESKS: [&str; 10] = [
    "newsletter",
    "news",
    "noreply",
    "no-reply",
    "update",
    "offers",
    "alert",
    "digest",
    "deals",
    "editor",
];
const PROGRAMS: [&str; 14] = [
    "mozilla",
    "thunderbird",
    "mutt",
    "outlook",
    "eudora",
    "pine",
    "kmail",
    "evolution",
    "apple mail",
    "sylpheed",
    "gnus",
    "exmh",
    "squirrel",
    "imp",
];

struct Case {
    features: [f64; FEATURES],
    many: bool,
    half: bool,
    folder: String,
}

fn main() {
    let Some(index) = std::env::args().nth(1) else {
        return eprintln!("fit_bulk INDEX [--rest]");
    };
    let rest = std::env::args().nth(2).is_some_and(|flag| flag == "--rest");
    let folder = Path::new(&index).parent().unwrap();
    let text = std::fs::read_to_string(&index).unwrap();
    let (mut cases, mut left_out) = (Vec::new(), 0);
    for name in text.lines().filter_map(|line| line.strip_prefix("ham ")) {
        let raw = std::fs::read(folder.join(name)).unwrap();
        let message = Message::parse(&raw, &Bounds::default());
        let Some(many) = is_to_many(&message).or(rest.then_some(false)) else {
            left_out += 1;
            continue;
        };
        let mut hash = DefaultHasher::new();
        name.hash(&mut hash);
        cases.push(Case {
            features: features(&message, &Envelope::infer(&message)),
            many,
            half: hash.finish().is_multiple_of(2),
            folder: name.split('/').next().unwrap().to_owned(),
        });
    }
    let many = cases.iter().filter(|case| case.many).count();
    println!("{} messages of ham, {many} sent to many; {left_out} more can't be told", cases.len());
    let mut judged = Vec::new();
    for half in [false, true] {
        let weights = fit(&cases.iter().filter(|case| case.half == half).collect::<Vec<_>>());
        let others = cases.iter().filter(|case| case.half != half);
        judged.extend(others.map(|case| (odds(&weights, case), case)));
    }
    report(
        "held-out halves",
        &judged.iter().map(|(odds, case)| (*odds, case.many)).collect::<Vec<_>>(),
    );
    let mut folders: BTreeMap<&str, Vec<(f64, bool)>> = BTreeMap::new();
    for (odds, case) in &judged {
        folders.entry(&case.folder).or_default().push((*odds, case.many));
    }
    folders.iter().for_each(|(folder, judged)| report(folder, judged));
    let weights = fit(&cases.iter().collect::<Vec<_>>());
    println!("const BIAS: f64 = {:.2};", weights[FEATURES]);
    NAMES.iter().zip(weights).for_each(|(name, weight)| println!("    {weight:.2}, // {name}"));
}

/// By fields that are no part of the form; `None` where they don't tell.
fn is_to_many(message: &Message<'_>) -> Option<bool> {
    let has = |name: &str| message.field(name).is_some();
    let precedence = message.field("Precedence").is_some_and(|field| {
        ["bulk", "list", "junk"].contains(&field.raw_text().trim().to_ascii_lowercase().as_str())
    });
    let author = message.from().first().map(|author| author.address.local().to_ascii_lowercase());
    let desk = author.is_some_and(|local| DESKS.iter().any(|desk| local.contains(desk)));
    let program = ["User-Agent", "X-Mailer"].iter().filter_map(|name| message.field(name));
    let person = program
        .map(|field| field.raw_text().to_lowercase())
        .any(|program| PROGRAMS.iter().any(|known| program.contains(known)));
    if precedence || desk || has("List-Id") || has("List-Unsubscribe") || has("Feedback-ID") {
        Some(true)
    } else {
        (person || has("In-Reply-To") || has("References")).then_some(false)
    }
}

/// Projects every weight to 0 or more: each number was chosen since it speaks for mail to many, and
/// where it seems not to, the sample lacks such mail.
fn fit(cases: &[&Case]) -> [f64; FEATURES + 1] {
    let mut weights = [0.0; FEATURES + 1];
    let all = cases.len() as f64;
    // Each class counts for half, however many messages it has.
    let share = cases.iter().filter(|case| case.many).count() as f64 / all;
    for _ in 0..STEPS {
        let mut slope = [0.0; FEATURES + 1];
        for case in cases {
            let weight = 0.5 / if case.many { share } else { 1.0 - share };
            let wrong =
                1.0 / (1.0 + (-odds(&weights, case)).exp()) - f64::from(u8::from(case.many));
            for (slope, feature) in slope.iter_mut().zip(case.features.iter().chain([&1.0])) {
                *slope += weight * wrong * feature / all;
            }
        }
        for (at, (weight, slope)) in weights.iter_mut().zip(slope).enumerate() {
            let ridge = if at < FEATURES { RIDGE * *weight } else { 0.0 };
            *weight -= RATE * (slope + ridge);
            if at < FEATURES {
                *weight = weight.max(0.0);
            }
        }
    }
    weights
}

fn odds(weights: &[f64; FEATURES + 1], case: &Case) -> f64 {
    let sum: f64 =
        case.features.iter().zip(weights).map(|(feature, weight)| feature * weight).sum();
    sum + weights[FEATURES]
}

/// The area under the curve, and points on it.
fn report(name: &str, judged: &[(f64, bool)]) {
    let mut sorted = judged.to_vec();
    sorted.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let many = sorted.iter().filter(|(_, many)| *many).count();
    let one = sorted.len() - many;
    let (mut found, mut wrong, mut area) = (0usize, 0usize, 0.0);
    let mut points = BTreeMap::new();
    let mut at = 0;
    while at < sorted.len() {
        let tied = sorted[at..].iter().take_while(|(odds, _)| *odds == sorted[at].0).count();
        let here = sorted[at..at + tied].iter().filter(|(_, many)| *many).count();
        area += (tied - here) as f64 * (found as f64 + here as f64 / 2.0);
        (found, wrong, at) = (found + here, wrong + tied - here, at + tied);
        for limit in [1, 2, 5, 10] {
            if wrong * 100 <= one * limit {
                points.insert(limit, found);
            }
        }
    }
    if many == 0 || one == 0 {
        println!("{name}: {many} to many, {one} to one");
        return;
    }
    let area = area / (many * one) as f64;
    print!("{name}: {many} to many, {one} to one, area {area:.4}");
    points.iter().for_each(|(limit, found)| {
        print!("; at {limit} % wrong {:.1} % found", *found as f64 * 100.0 / many.max(1) as f64)
    });
    println!();
}
