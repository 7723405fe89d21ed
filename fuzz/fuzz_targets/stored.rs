//! Whatever stands in the store: what is kept in it opens, is read and written, or is an error.

#![no_main]

use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use tidegate_bayes::{Class, Lesson, LessonId, Lessons, Limits, Model};
use tidegate_dns::{Question, Written};
use tidegate_mail::{Address, Bounds, Envelope, Message};
use tidegate_policy::correspondents::{Memory as Correspondents, Sent};
use tidegate_policy::guard::Corrections;
use tidegate_policy::{Book, Edit, Edits, Subject};
use tidegate_signal::Damped;
use tidegate_store::{Batch, Memory, Space, Store};

const NOW: u64 = 1_795_000_000;
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

/// Space, key and value of all that a program has written which learned, was configured and saw mail leave.
static WRITTEN: LazyLock<Vec<(Space, Vec<u8>, Vec<u8>)>> = LazyLock::new(|| {
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let shared = || Arc::clone(&store);
    let (lessons, _) = Lessons::open(shared(), Arc::clone(&MODEL), Limits::default(), NOW).unwrap();
    let _ = lessons.teach(&lesson(&[1, 2, 3])).unwrap();
    lessons.checkpoint().unwrap();
    let mut edit = Edit::new(Subject::User("a@b.example".into()), None);
    edit.set.insert("tag".to_owned(), 4.5.into());
    edit.set.insert("blocked".to_owned(), ["@shop.example"].into());
    Edits::new(shared()).edit(&edit, &Book::default(), "anna", NOW).unwrap();
    let memory = Correspondents::open(shared()).unwrap();
    let envelope = Envelope {
        client: Some([127, 0, 0, 1].into()),
        sender: Some(Address::new("anna@site.example")),
        authenticated: Some("anna@site.example".to_owned()),
        recipients: vec![Address::new("bert@b.example")],
        ..Envelope::default()
    };
    let message = Message::parse(b"Message-ID: <1@site.example>\r\n\r\n", &Bounds::default());
    let sent = Sent::of(&envelope, &message, &Default::default()).expect("it is sent by a user");
    memory.note(&[sent], &Default::default(), NOW).unwrap();
    let mut written = Vec::new();
    for space in SPACES {
        let each = &mut |key: &[u8], value: &[u8]| {
            written.push((space, key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        };
        store.snapshot().unwrap().scan(space, b"", b"", each).unwrap();
    }
    written
});

fn lesson(features: &[u64]) -> Lesson<'_> {
    let (id, class) = (LessonId::new([7; 16]), Some(Class::Spam));
    Lesson { id, features, class, user: Some("a@b.example"), now: NOW }
}

/// What is written over some of that, and entries of any kind.
type Input<'i> = (Vec<(u8, u16, &'i [u8])>, Vec<(u8, &'i [u8], &'i [u8])>);

fuzz_target!(|input: Input<'_>| {
    let (damage, entries) = input;
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let mut written = WRITTEN.clone();
    for (which, at, bytes) in damage {
        let which = usize::from(which) % written.len();
        let value = &mut written[which].2;
        let at = usize::from(at) % (value.len() + 1);
        let end = value.len().min(at + bytes.len());
        value.splice(at..end, bytes.iter().copied());
    }
    let mut batch = Batch::new();
    for (space, key, value) in written {
        batch.put(space, &key, value);
    }
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
    if let Ok((lessons, _)) = Lessons::open(shared(), Arc::clone(&MODEL), Limits::default(), NOW) {
        let features = [1, 2, 3];
        let _ = lessons.teach(&lesson(&features));
        let _ = (lessons.checkpoint(), lessons.maintain(NOW + 4_000_000));
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
            corrections.list(&Default::default(), NOW),
            corrections.flush(&Default::default(), NOW),
        );
    }
    if let Ok(memory) = Correspondents::open(shared()) {
        let anna = Address::new("anna@site.example");
        let _ = (memory.held_on(&anna), memory.forget(&anna));
    }
});
