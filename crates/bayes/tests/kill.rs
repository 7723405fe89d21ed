//! A process that learns is killed, a hundred times, at any moment: what it acknowledged is learned
//! exactly once.
//!
//! The test runs itself as the process to be killed: with `TIDEGATE_LEARN_IN` set, it learns message
//! after message in that folder, and prints the number of each when the lesson has returned.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tidegate_bayes::{Class, Lesson, LessonId, Lessons, Limits, Model, Taught};
use tidegate_store::{Embedded, Store};

const FOLDER: &str = "TIDEGATE_LEARN_IN";
const KILLS: u64 = 100;

fn open(folder: &Path) -> Lessons {
    let opened = Embedded::open(folder).unwrap();
    assert_eq!(opened.lost, None, "a kill damages nothing");
    let store: Arc<dyn Store> = Arc::new(opened.store);
    // Checkpoints come often, so that some are interrupted too.
    let limits = Limits { checkpoint_every: 5, ..Limits::default() };
    let (lessons, found) = Lessons::open(store, Arc::new(Model::untrained()), limits, 0).unwrap();
    assert_eq!(found.damaged, 0);
    lessons
}

fn teach(lessons: &Lessons, number: u64, turn: bool) -> Taught {
    let word = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) & !0xf | 3;
    let features: Vec<u64> = (0..200).map(|n| word(number * 37 + n)).collect();
    let class = if number.is_multiple_of(2) != turn { Class::Spam } else { Class::Ham };
    let id = LessonId::new(u128::from(number).to_le_bytes());
    let lesson = Lesson { id, features: &features, class: Some(class), user: None, now: 0 };
    lessons.teach(&lesson).unwrap()
}

/// The process that is killed.
fn learn_for_ever(folder: &Path) {
    let lessons = open(folder);
    let mut number = u64::from(lessons.size().0 + lessons.size().1);
    loop {
        teach(&lessons, number, false);
        println!("learned {number}");
        std::io::stdout().flush().unwrap();
        number += 1;
    }
}

#[test]
fn what_was_acknowledged_is_learned_exactly_once() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return learn_for_ever(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "what_was_acknowledged_is_learned_exactly_once", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            let lines = BufReader::new(out).lines().map_while(Result::ok);
            lines.filter_map(|line| line.split("learned ").nth(1)?.parse::<u64>().ok()).last()
        });
        std::thread::sleep(Duration::from_millis(15 + kill * 37 % 90));
        child.kill().unwrap();
        child.wait().unwrap();
        if let Some(last) = reader.join().unwrap() {
            acknowledged = last + 1;
        }
        let lessons = open(folder.path());
        let learned = u64::from(lessons.size().0 + lessons.size().1);
        // One lesson may have become durable before it was acknowledged.
        assert!((acknowledged..=acknowledged + 1).contains(&learned), "{learned} {acknowledged}");
        if let Some(last) = acknowledged.checked_sub(1) {
            assert_eq!(teach(&lessons, last, false), Taught::Already);
        }
        acknowledged = learned;
    }
    let lessons = open(folder.path());
    for number in 0..acknowledged {
        assert_eq!(teach(&lessons, number, false), Taught::Already, "{number}");
    }
    assert!(acknowledged > KILLS, "only {acknowledged} lessons in {KILLS} lives");
    println!("{acknowledged} lessons in {KILLS} lives, each learned once");
}
