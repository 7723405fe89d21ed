//! Two machines over one store: what one is taught, the other knows, and neither undoes the other.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tidegate_bayes::{Class, LearnError, Lesson, LessonId, Lessons, Limits, Model, Taught};
use tidegate_store::{Batch, Memory, Snapshot, Space, Store, StoreError, Written};

/// A store that several have, and that can be away.
#[derive(Default)]
struct Shared {
    entries: Memory,
    written: AtomicU64,
    away: AtomicBool,
}

impl Shared {
    fn there(&self) -> Result<&Memory, StoreError> {
        match self.away.load(Ordering::SeqCst) {
            true => Err(StoreError::Away("gone".to_owned())),
            false => Ok(&self.entries),
        }
    }
}

impl Store for Shared {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.there()?.get(space, key)
    }
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, StoreError> {
        self.there()?.snapshot()
    }
    fn write(&self, batch: &Batch) -> Result<Written, StoreError> {
        self.written.fetch_add(1, Ordering::SeqCst);
        self.there()?.write(batch)
    }
    fn expire(&self, now: u64, most: usize) -> Result<usize, StoreError> {
        self.there()?.expire(now, most)
    }
    fn written(&self, _: &[Space]) -> Result<Option<Vec<u64>>, StoreError> {
        self.there()?;
        Ok(Some(vec![self.written.load(Ordering::SeqCst)]))
    }
}

const BERT: &str = "bert@example.test";

fn machine(store: &Arc<Shared>, checkpoint_every: u64) -> Lessons {
    let limits = Limits { checkpoint_every, ..Limits::default() };
    let store = Arc::clone(store) as Arc<dyn Store>;
    Lessons::open(store, Arc::new(Model::untrained()), limits, 1000).unwrap().0
}

fn features(n: u64, class: Class) -> Vec<u64> {
    let word = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) & !0xf | 3;
    let base = if class == Class::Spam { 1_000_000 } else { 2_000_000 };
    (0..20).map(|k| word(base + k)).chain((0..20).map(|k| word(n * 100 + k))).collect()
}

fn teach(by: &Lessons, n: u64, class: Class, user: Option<&str>) -> Result<Taught, LearnError> {
    let id = LessonId::new((u128::from(n) * 0x1234_5678_9abc_def1).to_le_bytes());
    by.teach(&Lesson { id, features: &features(n, class), class: Some(class), user, now: 1000 })
}

/// What each makes of a message, and how much it has learned.
fn thinks(lessons: &Lessons, user: Option<&str>) -> (f32, (u32, u32, usize)) {
    if let Some(user) = user {
        lessons.prepare(user, 1000).unwrap();
    }
    (lessons.estimate(&features(999, Class::Spam), user).log_odds, lessons.size())
}

#[test]
fn what_one_is_taught_the_other_knows_when_it_follows() {
    let store = Arc::new(Shared::default());
    let (one, other) = (machine(&store, 1000), machine(&store, 1000));
    assert_eq!(teach(&one, 1, Class::Spam, None).unwrap(), Taught::New);
    assert_ne!(thinks(&one, None), thinks(&other, None));
    other.follow().unwrap();
    assert_eq!(thinks(&one, None), thinks(&other, None));
    assert_eq!(teach(&other, 1, Class::Spam, None).unwrap(), Taught::Already);
    assert_eq!(teach(&other, 1, Class::Ham, None).unwrap(), Taught::Moved);
}

/// By turns and without following, over checkpoints of either: none is lost, none is made twice.
#[test]
fn both_teach_and_end_up_with_the_same() {
    for checkpoint_every in [3, 1000] {
        let store = Arc::new(Shared::default());
        let (one, other) =
            (machine(&store, checkpoint_every), machine(&store, checkpoint_every + 1));
        for n in 0..30 {
            let class = if n % 3 == 0 { Class::Ham } else { Class::Spam };
            let by = if n % 2 == 0 { &one } else { &other };
            assert_eq!(teach(by, n, class, None).unwrap(), Taught::New);
            assert_eq!(teach(by, n, class, Some(BERT)).unwrap(), Taught::New);
        }
        one.follow().unwrap();
        other.follow().unwrap();
        let third = machine(&store, 1000);
        for user in [None, Some(BERT)] {
            assert_eq!(thinks(&one, user), thinks(&other, user));
            assert_eq!(thinks(&one, user).1, thinks(&third, user).1);
            assert!((thinks(&one, user).0 - thinks(&third, user).0).abs() < 1e-3);
        }
        assert_eq!((one.size().0, one.size().1), (20, 10));
    }
}

#[test]
fn both_teach_at_once_and_no_lesson_is_lost() {
    let store = Arc::new(Shared::default());
    let (one, other) = (machine(&store, 7), machine(&store, 5));
    std::thread::scope(|scope| {
        for (machine, first) in [(&one, 0), (&other, 1000)] {
            scope.spawn(move || {
                for n in first..first + 100 {
                    while let Err(LearnError::Conflict) = teach(machine, n, Class::Spam, None) {}
                }
            });
        }
    });
    one.follow().unwrap();
    assert_eq!(one.size().0, 200);
    assert_eq!(machine(&store, 1000).size().0, 200);
}

#[test]
fn a_user_who_is_forgotten_on_one_machine_is_on_the_other() {
    let store = Arc::new(Shared::default());
    let (one, other) = (machine(&store, 1000), machine(&store, 1000));
    teach(&one, 1, Class::Spam, Some(BERT)).unwrap();
    other.follow().unwrap();
    assert_eq!(thinks(&one, Some(BERT)), thinks(&other, Some(BERT)));
    one.forget_user(BERT, 1000).unwrap();
    // It has not heard of it, and must not bring back what it remembers.
    teach(&other, 2, Class::Ham, Some(BERT)).unwrap();
    let third = machine(&store, 1000);
    assert!(thinks(&third, Some(BERT)).0 <= thinks(&third, None).0, "only ham was taught since");
    other.checkpoint().unwrap();
    let fourth = machine(&store, 1000);
    assert_eq!(thinks(&fourth, Some(BERT)), thinks(&third, Some(BERT)));
    one.forget_user(BERT, 1000).unwrap();
    other.follow().unwrap();
    assert!(other.users().is_empty());
    assert_eq!(thinks(&other, Some(BERT)), thinks(&other, None));
}

#[test]
fn what_the_store_lost_of_its_last_words_is_not_built_upon() {
    let store = Arc::new(Shared::default());
    let one = machine(&store, 1000);
    teach(&one, 1, Class::Spam, None).unwrap();
    teach(&one, 2, Class::Spam, None).unwrap();
    // The server crashed, and comes back as it was before the second lesson.
    let lost = [&b"s\0"[..], &1_u64.to_be_bytes()].concat();
    let learned = [&b"s\0"[..], &(2 * 0x1234_5678_9abc_def1_u128).to_le_bytes()].concat();
    let (journal, marks) = (Space::new("bayes.journal"), Space::new("bayes.learned"));
    assert!(store.entries.get(journal, &lost).unwrap().is_some());
    let mut batch = Batch::new();
    batch.remove(journal, &lost).remove(marks, &learned);
    assert_eq!(store.entries.write(&batch).unwrap(), Written::Done);
    assert_eq!(teach(&one, 3, Class::Spam, None).unwrap(), Taught::New);
    assert_eq!(thinks(&one, None), thinks(&machine(&store, 1000), None));
    assert_eq!(one.size().0, 2);
    assert_eq!(teach(&one, 2, Class::Spam, None).unwrap(), Taught::New);
}

#[test]
fn a_store_that_is_away_refuses_lessons_and_is_read_once_it_is_there() {
    let store = Arc::new(Shared::default());
    teach(&machine(&store, 1000), 1, Class::Spam, Some(BERT)).unwrap();
    store.away.store(true, Ordering::SeqCst);
    let (limits, model) = (Limits::default(), Arc::new(Model::untrained()));
    let shared = Arc::clone(&store) as Arc<dyn Store>;
    let late = Lessons::unread(shared, model, limits, 1000);
    assert!(
        matches!(teach(&late, 2, Class::Spam, None), Err(LearnError::Store(error)) if error.is_away())
    );
    assert!(late.follow().is_err());
    store.away.store(false, Ordering::SeqCst);
    late.follow().unwrap();
    assert_eq!(thinks(&late, Some(BERT)), thinks(&machine(&store, 1000), Some(BERT)));
    assert_eq!(teach(&late, 2, Class::Spam, None).unwrap(), Taught::New);
}
