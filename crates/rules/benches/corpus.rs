//! What the shipped rules cost on real mail: `TIDEGATE_INDEX=/path/index cargo bench -p tidegate-rules
//! --bench corpus`. Skipped without an index.
//!
//! Each message is judged by a warm set; what is told is time on the processor, not on the wall, so
//! that a busy machine tells the same. `TIDEGATE_DUMP=FILE` writes what was found, to be compared.

#![allow(missing_docs, reason = "a benchmark")]

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;
use std::{env, fs};

use nix::time::{ClockId, clock_gettime};
use tidegate_mail::{Bounds, Envelope, Message};
use tidegate_rules::{RuleFile, RuleSet};
use tidegate_signal::{Catalogue, Family, SignalDef, Signals};

/// Signals of the built-in checks that the shipped rules name.
static OF_CHECKS: [SignalDef; 3] = [
    SignalDef::new("ARC_PASSED_BEFORE", Family::Authentication, 0.0, "A trusted forwarder vouches"),
    SignalDef::new("DKIM_PASS", Family::Authentication, 0.0, "A signature holds"),
    SignalDef::new("DMARC_PASS", Family::Authentication, 0.0, "The author is proven"),
];

fn main() {
    let Ok(index) = env::var("TIDEGATE_INDEX") else {
        return println!("skipped: TIDEGATE_INDEX names no index of messages");
    };
    let files = shipped();
    let begun = processor_time();
    let Some(rules) = compile(&files) else { return println!("the shipped rules have a mistake") };
    let compiled = processor_time() - begun;
    let messages = messages(Path::new(&index));
    let (mut times, mut dump) = (Vec::new(), String::new());
    let envelope = Envelope::default();
    // What is told is of the second round; the first one warms up.
    for is_warm in [false, true] {
        for (name, raw) in &messages {
            let message = Message::parse(raw, &Bounds::default());
            let mut signals = Signals::new();
            let begun = processor_time();
            rules.judge(&message, &envelope, &mut signals);
            let taken = processor_time() - begun;
            if !is_warm {
                continue;
            }
            times.push(taken);
            for signal in signals.iter() {
                // Writing to a String doesn't fail.
                let _ = writeln!(dump, "{name} {} {:?}", signal.name(), signal.detail());
            }
        }
    }
    if let Ok(file) = env::var("TIDEGATE_DUMP") {
        let _ = fs::write(file, dump);
    }
    report(compiled, &mut times);
}

fn report(compiled: Duration, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |percent: usize| {
        let index = (times.len().saturating_sub(1) * percent) / 100;
        times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    let mean = times.iter().sum::<Duration>().as_secs_f64() * 1e6 / times.len().max(1) as f64;
    println!("compiled in {} ms; {} messages, µs each:", compiled.as_millis(), times.len());
    println!("mean {mean:.1}  median {:.1}  p90 {:.1}  p99 {:.1}", at(50), at(90), at(99));
    println!("longest {:.1}", at(100));
}

/// Time of this thread on the processor.
fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

fn shipped() -> Vec<RuleFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/rules");
    let mut files: Vec<RuleFile> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_string_lossy().into_owned();
            Some(RuleFile { name, text: fs::read_to_string(path).ok()? })
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

fn compile(files: &[RuleFile]) -> Option<RuleSet> {
    let mut known = Catalogue::default();
    for def in &OF_CHECKS {
        known.add(def).ok()?;
    }
    RuleSet::compile(files, &known, &HashSet::new()).ok()
}

/// The messages of an index: a line each, `ham PATH` or `spam PATH`.
fn messages(index: &Path) -> Vec<(String, Vec<u8>)> {
    let folder = index.parent().unwrap_or(Path::new("."));
    let lines = fs::read_to_string(index).unwrap_or_default();
    let paths = lines.lines().filter_map(|line| line.split_once(' '));
    let read =
        paths.filter_map(|(_, path)| Some((path.to_owned(), fs::read(folder.join(path)).ok()?)));
    read.collect()
}
