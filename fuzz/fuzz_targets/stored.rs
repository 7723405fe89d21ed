//! Whatever stands in the store: what is kept in it opens, is read and written, or is an error.

#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use tidegate_bayes::{Class, Lesson, LessonId, Lessons, Limits, Model};
use tidegate_dns::{Question, Written};
use tidegate_mail::Address;
use tidegate_policy::correspondents::Memory as Correspondents;
use tidegate_policy::guard::Corrections;
use tidegate_policy::{Edits, Subject};
use tidegate_signal::Damped;
use tidegate_store::{Batch, Memory, Space, Store};

const SPACES: [Space; 15] = [
    Space::new("bayes.learned"),
    Space::new("bayes.journal"),
    Space::new("bayes.table"),
    Space::new("bayes.state"),
    Space::new("bayes.users"),
    Space::new("bayes.votes"),
    Space::new("policy.layer"),
    Space::new("policy.log"),
    Space::new("correspondents.pairs"),
    Space::new("correspondents.messages"),
    Space::new("guard.hits"),
    Space::new("guard.corrections"),
    Space::new("guard.damped"),
    Space::new("secret"),
    Space::new("release.used"),
];

static MODEL: LazyLock<Arc<Model>> =
    LazyLock::new(|| Arc::new(Model::shipped().expect("the shipped model")));

fuzz_target!(|entries: Vec<(u8, &[u8], &[u8])>| {
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let mut batch = Batch::new();
    for (space, key, value) in &entries {
        batch.put(SPACES[usize::from(*space) % SPACES.len()], key, value.to_vec());
        // Answers of the network, as a record of the journal has them.
        if let Ok(written) = serde_json::from_slice::<Written>(value)
            && let Ok(question) = str::from_utf8(key).unwrap_or_default().parse::<Question>()
            && let Some(answer) = written.answer(&question)
        {
            assert_eq!(Written::from(&answer).answer(&question), Some(answer));
        }
    }
    let _ = store.write(&batch).expect("memory takes it");
    let shared = || Arc::clone(&store);
    if let Ok((lessons, _)) =
        Lessons::open(shared(), Arc::clone(&MODEL), Limits::default(), 1_795_000_000)
    {
        let features = [1, 2, 3];
        let lesson = Lesson {
            id: LessonId::new([7; 16]),
            features: &features,
            class: Some(Class::Spam),
            user: Some("a@b.example"),
            now: 1_795_000_000,
        };
        let _ = (lessons.teach(&lesson), lessons.checkpoint(), lessons.maintain(1_799_000_000));
        assert!(lessons.estimate(&features, Some("a@b.example")).probability.is_finite());
    }
    let edits = Edits::new(shared());
    let _ = (
        edits.list(),
        edits.layers(),
        edits.log(None, 10),
        edits.get(&Subject::User("a@b.example".into())),
    );
    if let Ok(corrections) = Corrections::open(shared(), Damped::default()) {
        let _ = (
            corrections.list(&Default::default(), 1_795_000_000),
            corrections.flush(&Default::default(), 1_795_000_000),
        );
    }
    if let Ok(memory) = Correspondents::open(shared()) {
        let anna = Address::new("anna@site.example");
        let _ = (memory.held_on(&anna), memory.forget(&anna));
    }
});
