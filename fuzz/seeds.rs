//! Writes what fuzz targets begin with: `seeds FOLDER` makes a folder for each target there.
//!
//! Small messages of each hostile class and of a day's mail, and what in them is whole for one target; what is
//! written by hand stands in `seeds/`.

use std::path::Path;

// Coverage is counted by libFuzzer, which is linked for that alone.
use libfuzzer_sys as _;
use tidegate_mail::hostile::classes;
use yardstick::{frames, samples};

/// What a class is made of, and the longest seed: fuzzers are slow with long ones.
const MADE_OF: usize = 24;
const LONGEST: usize = 4_096;
/// Messages of each kind of a day's mail.
const EACH: usize = 2;

fn main() -> std::io::Result<()> {
    let folder = std::env::args_os().nth(1).expect("a folder");
    let write = |target: &str, name: &str, seed: &[u8]| {
        let folder = Path::new(&folder).join(target);
        std::fs::create_dir_all(&folder)?;
        if seed.len() <= LONGEST { std::fs::write(folder.join(name), seed) } else { Ok(()) }
    };
    let message = |name: &str, raw: &[u8]| {
        let end = raw.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(raw.len());
        let (section, body) = (&raw[..end], raw.get(end + 4..).unwrap_or_default());
        for target in ["message", "verdict"] {
            write(target, name, raw)?;
        }
        write("rules_text", name, raw)?;
        write("signatures", name, raw)?;
        write("html", name, body)?;
        write("links", name, body)?;
        write("archive", name, body)?;
        write("header", name, section)
    };
    for class in classes() {
        message(class.name, &class.message(MADE_OF))?;
    }
    let mut counts = std::collections::HashMap::new();
    for (at, sample) in samples().into_iter().enumerate() {
        let count = counts.entry(sample.kind).or_insert(0);
        *count += 1;
        if *count <= EACH {
            let name = format!("sample-{at}");
            message(&name, &sample.raw)?;
            let frames = [frames::negotiation(), frames::transaction(&sample)].concat();
            write("milter_session", &name, &[&[0], &frames[..]].concat())?;
            write("milter_decode", &name, &frames)?;
        }
    }
    Ok(())
}
