//! Whatever stands where held mail does: what can be read of it is shown as plain text, and forgotten when
//! that is asked for. Any message is held, and shown again; no field of a stranger is a mark of ours.

#![no_main]

use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use tidegate_mail::Envelope;
use tidegate_quarantine::{Config, EntryId, Found, HeldFor, Holding, Quarantine, Shown};
use tidegate_store::{Batch, Memory, Space, Store};
use tokio::runtime::Runtime;

const SPACES: [Space; 8] = [
    Space::new("quarantine.entry"),
    Space::new("quarantine.id"),
    Space::new("quarantine.due"),
    Space::new("quarantine.age"),
    Space::new("quarantine.object"),
    Space::new("quarantine.same"),
    Space::new("quarantine.gone"),
    Space::new("quarantine.done"),
];
const NOW: u64 = 1_795_000_000;
const RAW: &[u8] = b"From: a@evil.example\r\nSubject: x\r\n\r\nhello\r\n";

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
});

/// A message, what is written over values of the index, and what over the object.
type Input<'i> = (&'i [u8], Vec<(u8, u16, &'i [u8])>, (u16, &'i [u8]));

fuzz_target!(|input: Input<'_>| RUNTIME.block_on(async {
    let (raw, damage, (at, bytes)) = input;
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let objects = Arc::new(InMemory::new());
    let open = || {
        let objects: Arc<dyn ObjectStore> = Arc::clone(&objects) as _;
        Quarantine::over(Arc::clone(&store), objects, Config::default(), "mx.site.example")
            .expect("memory opens")
    };
    let held = open();
    let ids = hold(&held, raw).await;
    let shown = held.show(&ids[0]).await.expect("it was held");
    check(&shown);
    assert!(!matches!(held.marks().verify(raw, &[], NOW), Found::Genuine(_)));

    let ids = hold(&held, RAW).await;
    held.delete(&ids[0], NOW).await.expect("it was held");
    let mut values = Vec::new();
    let snapshot = store.snapshot().expect("memory reads");
    for space in SPACES {
        let each = &mut |key: &[u8], value: &[u8]| {
            values.push((space, key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        };
        snapshot.scan(space, b"", b"", each).expect("memory reads");
    }
    drop(snapshot);
    let mut batch = Batch::new();
    for (which, at, bytes) in damage {
        let which = usize::from(which) % values.len();
        let (space, key, value) = &mut values[which];
        splice(value, at, bytes);
        batch.put(*space, key, value.clone());
    }
    let _ = store.write(&batch).expect("memory takes it");
    let name: Path = "ab/abcdefgh.held".into();
    let mut object = object_of(&objects).await;
    splice(&mut object, at, bytes);
    objects.put(&name, object.into()).await.expect("memory takes it");

    let held = open();
    let _ = held.recover().await;
    if let Ok(page) = held.list(&Default::default()).await {
        for entry in page.entries {
            if let Ok(shown) = held.show(&entry.id).await {
                check(&shown);
            }
            let token = held.release_token(&entry.id, NOW);
            let _ = held.redeem(&token, NOW).await;
        }
    }
    let _ = held.redeem(&String::from_utf8_lossy(raw), NOW).await;
    let _ = held.forget(&|owner: &str| owner.starts_with('b'), NOW).await;
    let _ = (held.recover().await, held.expire(NOW + 1_000).await, held.counted());
}));

async fn hold(held: &Quarantine, raw: &[u8]) -> Vec<EntryId> {
    let recipients =
        ["b@site.example", "c@site.example"].map(|to| HeldFor::new(to, "9 points", NOW + 900));
    let (envelope, recipients) = (&Envelope::default(), &recipients[..]);
    let holding = Holding { raw, envelope, score: 9.0, signals: &[], recipients, now: NOW };
    held.hold(&holding).await.expect("there is room")
}

async fn object_of(objects: &InMemory) -> Vec<u8> {
    let all = objects.list_with_delimiter(None).await.expect("memory lists");
    for folder in all.common_prefixes {
        let inside = objects.list_with_delimiter(Some(&folder)).await.expect("memory lists");
        for meta in inside.objects {
            let object = objects.get(&meta.location).await.expect("it is there");
            let object = object.bytes().await.expect("memory reads");
            if object.ends_with(RAW) {
                return object.to_vec();
            }
        }
    }
    panic!("no object");
}

fn splice(value: &mut Vec<u8>, at: u16, bytes: &[u8]) {
    let at = usize::from(at) % (value.len() + 1);
    let end = value.len().min(at + bytes.len());
    value.splice(at..end, bytes.iter().copied());
}

fn check(shown: &Shown) {
    let lines = shown.fields.iter().flat_map(|(name, value)| [name, value]);
    let lines = lines.chain(shown.links.iter().map(|link| &link.url));
    for line in lines.chain([&shown.summary.subject]) {
        assert!(!line.contains(char::is_control), "{line:?}");
    }
    assert!(!shown.text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
}
