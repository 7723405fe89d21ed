//! Trains a model from an index of sorted mail, without the signals of checks and rules:
//! `cargo run --release -p tidegate-bayes --example train -- INDEX OUT`. `tidegate train` is the same
//! with them.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an example")]

use std::path::Path;

use tidegate_bayes::{Example, Extractor, train};
use tidegate_mail::{Bounds, Message};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, index, out] = &arguments[..] else { panic!("usage: train INDEX OUT") };
    let root = Path::new(index).parent().unwrap();
    let mut extractor = Extractor::new();
    let text = std::fs::read_to_string(index).unwrap();
    let example = |line: &str| {
        let (class, path) = line.split_once(' ').unwrap();
        let raw = std::fs::read(root.join(path)).unwrap();
        let features = extractor.features(&Message::parse(&raw, &Bounds::default())).to_vec();
        let source = path.split('/').next().unwrap().to_owned();
        Example { features, spam: class == "spam", source }
    };
    let examples: Vec<Example> = text.lines().map(example).collect();
    let model = train(&examples);
    std::fs::write(out, model.bytes()).unwrap();
    println!("{model:?}, {} bytes", model.bytes().len());
}
