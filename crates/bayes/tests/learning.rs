//! Lessons as an operator and users give them: once each, taken back, kept, bounded.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use std::ops::ControlFlow;
use std::sync::Arc;

use tidegate_bayes::{Class, HeldOn, Lesson, LessonId, Lessons, Limits, Model, Taught};
use tidegate_store::{Batch, Embedded, Memory, Space, Store, Written};

fn open(store: &Arc<dyn Store>, limits: Limits) -> Lessons {
    let (lessons, found) =
        Lessons::open(Arc::clone(store), Arc::new(Model::untrained()), limits, 1000).unwrap();
    assert_eq!(found, tidegate_bayes::Found::default());
    lessons
}

fn memory() -> Arc<dyn Store> {
    Arc::new(Memory::new())
}

/// Features of message `n` of a class: some of its own, some of all of its class.
fn features(n: u64, class: Class) -> Vec<u64> {
    let word = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) & !0xf | 3;
    let base = if class == Class::Spam { 1_000_000 } else { 2_000_000 };
    (0..20).map(|k| word(base + k)).chain((0..20).map(|k| word(n * 100 + k))).collect()
}

fn id(n: u64) -> LessonId {
    LessonId::new((u128::from(n) * 0x1234_5678_9abc_def1).to_le_bytes())
}

fn teach(lessons: &Lessons, n: u64, of: Class, class: Option<Class>, user: Option<&str>) -> Taught {
    let features = features(n, of);
    lessons.teach(&Lesson { id: id(n), features: &features, class, user, now: 1000 }).unwrap()
}

fn spam(lessons: &Lessons, user: Option<&str>) -> f32 {
    lessons.estimate(&features(999, Class::Spam), user).log_odds
}

#[test]
fn a_message_is_learned_once() {
    let lessons = open(&memory(), Limits::default());
    assert_eq!(teach(&lessons, 1, Class::Spam, Some(Class::Spam), None), Taught::New);
    let after = spam(&lessons, None);
    assert!(after > 0.0);
    assert_eq!(teach(&lessons, 1, Class::Spam, Some(Class::Spam), None), Taught::Already);
    assert_eq!((spam(&lessons, None), lessons.size().0), (after, 1));
}

#[test]
fn the_other_class_takes_the_first_back() {
    let lessons = open(&memory(), Limits::default());
    teach(&lessons, 1, Class::Spam, Some(Class::Ham), None);
    assert!(spam(&lessons, None) < 0.0);
    assert_eq!(teach(&lessons, 1, Class::Spam, Some(Class::Spam), None), Taught::Moved);
    assert_eq!((lessons.size().0, lessons.size().1), (1, 0));
    let moved = spam(&lessons, None);
    let straight = open(&memory(), Limits::default());
    teach(&straight, 1, Class::Spam, Some(Class::Spam), None);
    assert!((moved - spam(&straight, None)).abs() < 1e-3, "{moved}");
}

#[test]
fn what_is_taken_back_leaves_nothing() {
    let lessons = open(&memory(), Limits::default());
    assert_eq!(teach(&lessons, 1, Class::Spam, None, None), Taught::Unknown);
    teach(&lessons, 1, Class::Spam, Some(Class::Spam), None);
    assert_eq!(teach(&lessons, 1, Class::Spam, None, None), Taught::Forgotten);
    assert!(spam(&lessons, None).abs() < 1e-4);
    assert_eq!((lessons.size().0, lessons.size().1), (0, 0));
    assert_eq!(teach(&lessons, 1, Class::Spam, Some(Class::Spam), None), Taught::New);
}

#[test]
fn lessons_outlive_the_process_with_and_without_checkpoints() {
    for checkpoint_every in [1, 7, 1000] {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits { checkpoint_every, ..Limits::default() };
        let before = {
            let store: Arc<dyn Store> = Arc::new(Embedded::open(folder.path()).unwrap().store);
            let lessons = open(&store, limits.clone());
            for n in 0..40 {
                let class = if n % 2 == 0 { Class::Spam } else { Class::Ham };
                assert_eq!(teach(&lessons, n, class, Some(class), None), Taught::New);
            }
            teach(&lessons, 6, Class::Spam, Some(Class::Ham), None);
            teach(&lessons, 8, Class::Spam, Some(Class::Spam), Some("anna"));
            (lessons.estimate(&features(999, Class::Spam), None), lessons.size())
        };
        let store: Arc<dyn Store> = Arc::new(Embedded::open(folder.path()).unwrap().store);
        let lessons = open(&store, limits);
        assert_eq!((lessons.estimate(&features(999, Class::Spam), None), lessons.size()), before);
        assert_eq!(teach(&lessons, 3, Class::Ham, Some(Class::Ham), None), Taught::Already);
        assert_eq!(teach(&lessons, 6, Class::Spam, Some(Class::Spam), None), Taught::Moved);
        lessons.prepare("anna", 1000).unwrap();
        assert!(spam(&lessons, Some("anna")) > spam(&lessons, None));
    }
}

#[test]
fn a_user_teaches_nobody_else() {
    let lessons = open(&memory(), Limits::default());
    for n in 0..30 {
        teach(&lessons, n, Class::Ham, Some(Class::Spam), Some("mallory"));
    }
    let ham = features(999, Class::Ham);
    assert_eq!(lessons.estimate(&ham, Some("anna")).probability, 0.5);
    assert_eq!(lessons.estimate(&ham, None).probability, 0.5);
    assert!(lessons.estimate(&ham, Some("mallory")).probability > 0.9);
}

#[test]
fn what_a_user_taught_counts_more_the_more_it_is() {
    let lessons = open(&memory(), Limits::default());
    let mut before = 0.0;
    for n in 0..5 {
        teach(&lessons, n, Class::Spam, Some(Class::Spam), Some("anna"));
        let now = lessons.estimate(&features(999, Class::Spam), Some("anna")).log_odds;
        assert!(now > before, "{now}");
        before = now;
    }
}

#[test]
fn users_who_agree_teach_the_site_and_one_who_differs_stops_it() {
    let lessons = open(&memory(), Limits::default());
    for (user, taught) in [("anna", 0), ("bert", 0), ("anna", 0), ("carl", 1), ("dora", 1)] {
        teach(&lessons, 1, Class::Spam, Some(Class::Spam), Some(user));
        assert_eq!(lessons.size().0, taught, "{user}");
    }
    for (user, class) in
        [("anna", Class::Spam), ("bert", Class::Ham), ("carl", Class::Spam), ("dora", Class::Spam)]
    {
        teach(&lessons, 2, Class::Spam, Some(class), Some(user));
    }
    assert_eq!((lessons.size().0, lessons.size().1), (1, 0));
}

#[test]
fn names_and_numbers_of_users_are_bounded() {
    let lessons = open(&memory(), Limits { most_users: 2, ..Limits::default() });
    let features = features(1, Class::Spam);
    let lesson = |user| Lesson {
        id: id(1),
        features: &features,
        class: Some(Class::Spam),
        user: Some(user),
        now: 1,
    };
    let long = "x".repeat(400);
    for bad in ["", "a\0b", &long] {
        assert!(lessons.teach(&lesson(bad)).is_err());
    }
    assert!(lessons.teach(&lesson("a")).is_ok() && lessons.teach(&lesson("b")).is_ok());
    assert!(lessons.teach(&lesson("c")).is_err() && lessons.teach(&lesson("a")).is_ok());
}

#[test]
fn old_lessons_fade_and_are_forgotten() {
    let store = memory();
    let lessons = open(&store, Limits::default());
    for n in 0..8 {
        teach(&lessons, n, Class::Spam, Some(Class::Spam), None);
    }
    let year = 366 * 86_400;
    lessons.maintain(1000 + year).unwrap();
    assert_eq!(lessons.size().0, 4);
    assert!(spam(&lessons, None) > 0.0);
    assert_eq!(spam(&open(&store, Limits::default()), None), spam(&lessons, None));
    // No longer remembered: it counts anew.
    assert_eq!(teach(&lessons, 1, Class::Spam, Some(Class::Spam), None), Taught::New);
}

#[test]
fn counts_that_stand_at_their_end_in_the_store_are_gone_on_with() {
    let store = memory();
    let lessons = open(&store, Limits::default());
    teach(&lessons, 1, Class::Spam, Some(Class::Spam), None);
    lessons.checkpoint().unwrap();
    let mut states = Vec::new();
    let space = Space::new("bayes.state");
    let each = &mut |key: &[u8], value: &[u8]| {
        states.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    store.snapshot().unwrap().scan(space, b"", b"", each).unwrap();
    let mut batch = Batch::new();
    for (key, mut value) in states {
        // Behind the form, the version of the features and the steps: what was learned, and how often it faded.
        value[11..23].fill(0xff);
        batch.put(space, &key, value);
    }
    assert_eq!(store.write(&batch).unwrap(), Written::Done);
    let lessons = open(&store, Limits::default());
    teach(&lessons, 2, Class::Spam, Some(Class::Spam), None);
    teach(&lessons, 3, Class::Ham, Some(Class::Ham), None);
    lessons.maintain(1000 + 366 * 86_400).unwrap();
    lessons.checkpoint().unwrap();
    assert!(spam(&open(&store, Limits::default()), None).is_finite());
}

#[test]
fn a_user_is_forgotten_and_nobody_else() {
    let store = memory();
    let lessons = open(&store, Limits { checkpoint_every: 3, ..Limits::default() });
    for n in 0..5 {
        teach(&lessons, n, Class::Spam, Some(Class::Spam), Some("bert"));
        teach(&lessons, n, Class::Spam, Some(Class::Spam), Some("bertha"));
    }
    let (others, nobody) = (spam(&lessons, Some("bertha")), spam(&lessons, None));
    let held = lessons.held_on("bert").unwrap();
    assert_eq!((held.messages, held.votes), (5, 5));
    assert!(held.records > 0);
    assert_eq!(lessons.forget_user("bert", 1_000).unwrap(), held);
    assert_eq!(lessons.held_on("bert").unwrap(), HeldOn::default());
    assert_eq!(lessons.users(), ["bertha"]);
    assert!((spam(&lessons, Some("bert")) - nobody).abs() < 1e-6);
    drop(lessons);
    let lessons = open(&store, Limits::default());
    lessons.prepare("bertha", 1_000).unwrap();
    assert_eq!(lessons.users(), ["bertha"]);
    assert!((spam(&lessons, Some("bertha")) - others).abs() < 1e-6);
    // Whoever was forgotten may begin anew.
    assert_eq!(teach(&lessons, 1, Class::Spam, Some(Class::Spam), Some("bert")), Taught::New);
}
