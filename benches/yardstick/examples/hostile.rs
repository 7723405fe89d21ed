//! What hostile mail costs: for each class the processor time to read it and to judge it, at half
//! its largest size and at all of it, and the memory that this takes beside the message.
//!
//! ```text
//! hostile                     the table
//! hostile NAME…               the rows whose class has such a name
//! hostile --print NAME N      one message with N of what its class is made of
//! hostile --seeds FOLDER      a small message of each class, for fuzzing
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "an example")]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use allocation_counter::measure;
use tidegate_engine::{Engine, Judged};
use tidegate_mail::hostile::{Class, classes};
use tidegate_mail::{Bounds, Envelope, Message};
use yardstick::shipped;

/// Fuzzers are given no larger ones.
const LARGEST_SEED: usize = 4_096;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--print", name, n] => {
            let class = classes().find(|class| class.name == name).expect("a class of that name");
            std::io::stdout().write_all(&class.message(n.parse().expect("a number"))).unwrap();
        }
        ["--seeds", folder] => seeds(Path::new(folder)),
        _ => table(&words),
    }
}

fn seeds(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    for class in classes() {
        let message = class.message(24);
        if message.len() <= LARGEST_SEED {
            std::fs::write(folder.join(class.name), message).unwrap();
        }
    }
}

fn table(wanted: &[&str]) {
    let shipped = shipped();
    let engine = shipped.engine();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // What is built when it is first needed is no part of what a message costs.
    runtime.block_on(judged(engine, b"Subject: x\r\n\r\nhello"));
    println!(
        "| class | made of | MB | read, ms: half, whole | judged, ms: half, whole | memory, MB | verdict |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let is_wanted =
        |class: &Class| wanted.is_empty() || wanted.iter().any(|it| class.name.contains(it));
    for class in classes().filter(is_wanted) {
        let [half, whole] = [class.large / 2, class.large].map(|n| {
            let raw = class.message(n);
            let read = milliseconds(|| {
                std::hint::black_box(Message::parse(&raw, &Bounds::default()));
            });
            let (mut verdict, mut memory) = (None, 0);
            let judging = milliseconds(|| {
                let measured = measure(|| verdict = Some(runtime.block_on(judged(engine, &raw))));
                memory = measured.bytes_max;
            });
            (raw.len(), read, judging, memory, verdict.unwrap())
        });
        println!(
            "| {} | {} {} | {:.1} | {:.0}, {:.0} | {:.0}, {:.0} | {:.1} | {} {:.1} |",
            class.name,
            class.large,
            class.of,
            whole.0 as f64 / 1e6,
            half.1,
            whole.1,
            half.2,
            whole.2,
            whole.3 as f64 / 1e6,
            whole.4.decision.verdict.as_str(),
            whole.4.decision.score,
        );
    }
}

async fn judged(engine: &Arc<Engine>, raw: &[u8]) -> Judged {
    let header = raw.get(..raw.len().min(1 << 20)).unwrap_or_default();
    let envelope = Envelope::infer(&Message::parse(header, &Bounds::default()));
    engine.judge(envelope, raw, 1_795_000_000).await
}

/// Time of the processor, which other programs on the machine don't lengthen much.
fn milliseconds(work: impl FnOnce()) -> f64 {
    let so_far = || {
        let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
        told.split(' ').next().and_then(|it| it.parse::<f64>().ok()).expect("nanoseconds")
    };
    let before = so_far();
    work();
    (so_far() - before) / 1e6
}
