//! What every backend promises: a file, a server and memory are held to the same.

#![allow(missing_docs, dead_code, clippy::unwrap_used, unreachable_pub, reason = "a test")]

#[path = "../../../tests/support/redis.rs"]
mod redis;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use redis::RedisServer;
use tidegate_store::{Batch, Embedded, Memory, Redis, RedisConfig, Space, Store, Written};

const A: Space = Space::new("test.a");
const B: Space = Space::new("test.b");

fn connected(server: &RedisServer) -> Redis {
    let url = server.url();
    let timeout = Duration::from_secs(2);
    let config = RedisConfig { url, password: None, authorities: None, timeout };
    let store = Redis::open(&config).unwrap();
    store.wait(Duration::from_secs(10)).unwrap();
    store
}

/// A server, where the program is installed; where everything is required, it is.
fn server() -> Option<RedisServer> {
    let server = RedisServer::start();
    let required = std::env::var_os("TIDEGATE_REQUIRE_ALL").is_some();
    assert!(server.is_some() || !required, "required, but redis-server is not installed");
    if server.is_none() {
        eprintln!("skipped: redis-server is not installed");
    }
    server
}

fn each(check: impl Fn(&dyn Store)) {
    check(&Memory::new());
    let folder = tempfile::tempdir().unwrap();
    check(&Embedded::open(folder.path()).unwrap().store);
    if let Some(server) = server() {
        check(&connected(&server));
    }
}

fn all(store: &dyn Store, space: Space, prefix: &[u8], from: &[u8]) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    let visit = &mut |key: &[u8], _: &[u8]| {
        keys.push(key.to_vec());
        ControlFlow::Continue(())
    };
    assert_eq!(store.snapshot().unwrap().scan(space, prefix, from, visit).unwrap(), 0);
    keys
}

#[test]
fn spaces_keep_their_keys_apart() {
    each(|store| {
        let mut batch = Batch::new();
        batch.put(A, b"k", b"in a".to_vec()).put(B, b"k", b"in b".to_vec()).remove(B, b"none");
        assert_eq!(store.write(&batch).unwrap(), Written::Done);
        assert_eq!(store.get(A, b"k").unwrap().unwrap(), b"in a");
        assert_eq!(store.get(B, b"k").unwrap().unwrap(), b"in b");
        assert_eq!(store.get(B, b"none").unwrap(), None);
        assert_eq!(store.get(Space::new("test.never"), b"k").unwrap(), None);
        let keys: [(Space, &[u8]); 4] = [(B, b"k"), (A, b"none"), (A, b"k"), (B, b"k")];
        let found = store.snapshot().unwrap().get_many(&keys).unwrap();
        let [a, b] = [Some(b"in a".to_vec()), Some(b"in b".to_vec())];
        assert_eq!(found, [b.clone(), None, a, b]);
        assert!(store.snapshot().unwrap().get_many(&[]).unwrap().is_empty());
    });
}

#[test]
fn a_batch_whose_expectation_fails_changes_nothing() {
    each(|store| {
        let mut first = Batch::new();
        first.expect(A, b"k", None).put(A, b"k", b"1".to_vec());
        assert_eq!(store.write(&first).unwrap(), Written::Done);
        let mut late = Batch::new();
        late.put(B, b"x", b"x".to_vec()).expect(A, b"k", None).put(A, b"k", b"2".to_vec());
        assert_eq!(store.write(&late).unwrap(), Written::Conflict);
        assert_eq!(store.get(B, b"x").unwrap(), None);
        let mut right = Batch::new();
        right.expect(A, b"k", Some(b"1")).put(A, b"k", b"2".to_vec());
        assert_eq!(store.write(&right).unwrap(), Written::Done);
        assert_eq!(store.get(A, b"k").unwrap().unwrap(), b"2");
    });
}

#[test]
fn a_scan_goes_in_order_within_its_prefix_however_much_there_is() {
    each(|store| {
        let mut batch = Batch::new();
        for key in ["b2", "a1", "b1", "b3", "c1"] {
            batch.put(A, key.as_bytes(), vec![]);
        }
        for number in 0..1_000_u16 {
            batch.put(B, &[&[0xff], &number.to_be_bytes()[..]].concat(), vec![]);
        }
        assert_eq!(store.write(&batch).unwrap(), Written::Done);
        assert_eq!(all(store, A, b"b", b""), [b"b1", b"b2", b"b3"]);
        assert_eq!(all(store, A, b"b", b"b2"), [b"b2", b"b3"]);
        assert!(all(store, A, b"b", b"c").is_empty());
        assert_eq!(all(store, A, b"", b"").len(), 5);
        assert!(all(store, Space::new("test.never"), b"", b"").is_empty());
        let many = all(store, B, b"\xff", b"");
        assert_eq!(many.len(), 1_000);
        assert!(many.is_sorted());
        let mut visited = 0;
        let stop = &mut |_: &[u8], _: &[u8]| {
            visited += 1;
            if visited == 250 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        store.snapshot().unwrap().scan(B, b"", b"", stop).unwrap();
        assert_eq!(visited, 250);
    });
}

#[test]
fn what_is_due_is_removed_oldest_first_and_the_rest_stays() {
    each(|store| {
        let mut batch = Batch::new();
        batch.put_until(A, b"x", vec![], 30).put_until(A, b"y", vec![], 10);
        batch.put_until(B, b"z\0z", vec![], 20).put(B, b"for ever", vec![]);
        assert_eq!(store.write(&batch).unwrap(), Written::Done);
        // Wanted longer after all.
        assert_eq!(
            store.write(Batch::new().put_until(A, b"x", vec![], 50)).unwrap(),
            Written::Done
        );
        assert_eq!(store.expire(9, 10).unwrap(), 0);
        assert_eq!(store.expire(40, 1).unwrap(), 1);
        assert_eq!((all(store, A, b"", b"").len(), all(store, B, b"", b"").len()), (1, 2));
        assert_eq!(store.expire(40, 10).unwrap(), 1);
        assert_eq!(all(store, B, b"", b""), [b"for ever"]);
        assert_eq!(all(store, A, b"", b""), [b"x"]);
        assert_eq!(store.expire(50, 10).unwrap(), 1);
    });
}

/// Where nobody else writes; a shared store promises less.
#[test]
fn a_snapshot_of_ones_own_store_does_not_see_what_is_written_later() {
    let folder = tempfile::tempdir().unwrap();
    let embedded = Embedded::open(folder.path()).unwrap().store;
    for store in [&Memory::new() as &dyn Store, &embedded] {
        let before = store.snapshot().unwrap();
        assert_eq!(store.write(Batch::new().put(A, b"k", vec![1])).unwrap(), Written::Done);
        assert_eq!(before.get(A, b"k").unwrap(), None);
        assert_eq!(store.snapshot().unwrap().get(A, b"k").unwrap(), Some(vec![1]));
        assert_eq!(store.written(&[A]).unwrap(), None);
    }
}

/// Read, changed and written back by several at once, no step of a counter is lost.
#[test]
fn writers_that_meet_decide_anew_and_lose_nothing() {
    const WRITERS: u64 = 4;
    const STEPS: u64 = 50;
    let folder = tempfile::tempdir().unwrap();
    let embedded: Arc<dyn Store> = Arc::new(Embedded::open(folder.path()).unwrap().store);
    let memory: Arc<dyn Store> = Arc::new(Memory::new());
    let server = server();
    // Of the server, each writer has connections of their own, as each machine does.
    let of_writer = |of: usize| -> Option<Arc<dyn Store>> {
        match of {
            0 => Some(Arc::clone(&memory)),
            1 => Some(Arc::clone(&embedded)),
            _ => server.as_ref().map(|server| Arc::new(connected(server)) as _),
        }
    };
    for backend in 0..3 {
        let stores = (0..WRITERS).filter_map(|_| of_writer(backend));
        let counting = |store: Arc<dyn Store>| {
            move || {
                for _ in 0..STEPS {
                    loop {
                        let was = store.get(A, b"count").unwrap();
                        let count = was.as_deref().map_or(0, |was| was[0]);
                        let mut batch = Batch::new();
                        batch.expect(A, b"count", was.as_deref()).put(A, b"count", vec![count + 1]);
                        if store.write(&batch).unwrap() == Written::Done {
                            break;
                        }
                    }
                }
            }
        };
        let threads: Vec<_> = stores.map(|store| std::thread::spawn(counting(store))).collect();
        let writers = threads.len() as u64;
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        if let Some(store) = of_writer(backend) {
            assert_eq!(writers, WRITERS);
            assert_eq!(store.get(A, b"count").unwrap(), Some(vec![(WRITERS * STEPS) as u8]));
        }
    }
}

/// Whether it is in space A, key, value, expiry.
type Changing = (bool, Vec<u8>, Option<Vec<u8>>, u64);

/// What somebody does with a store.
#[derive(Debug, Clone)]
enum Doing {
    /// Expectations (whether in space A, key, value that may hold), and changes.
    Write(Vec<(bool, Vec<u8>, Option<u8>)>, Vec<Changing>),
    Expire(u64, usize),
    Scan(bool, Vec<u8>, Vec<u8>),
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    // Few and alike, with the octets that order and separators stumble over.
    vec(prop::sample::select(vec![0_u8, 1, b'a', 0xff]), 0..4)
}

fn doing() -> impl Strategy<Value = Doing> {
    let value = || prop::option::of(vec(prop::sample::select(vec![0_u8, 1, 0xff]), 0..2));
    let expected = (any::<bool>(), key(), prop::option::of(prop::sample::select(vec![0_u8, 1])));
    let change = (any::<bool>(), key(), value(), 0..6_u64);
    prop_oneof![
        4 => (vec(expected, 0..2), vec(change, 0..6)).prop_map(|(e, c)| Doing::Write(e, c)),
        1 => (0..6_u64, 0..4_usize).prop_map(|(now, most)| Doing::Expire(now, most)),
        2 => (any::<bool>(), key(), key()).prop_map(|(a, prefix, from)| Doing::Scan(a, prefix, from)),
    ]
}

/// The same entries as a store, in the simplest way that can be right.
type Model = BTreeMap<(Space, Vec<u8>), (u64, Vec<u8>)>;

fn does_as_the_model(store: &dyn Store, doings: &[Doing]) -> Result<(), TestCaseError> {
    let space = |is_a: bool| if is_a { A } else { B };
    let mut model = Model::new();
    for doing in doings {
        match doing {
            Doing::Write(expectations, changes) => {
                let (mut batch, mut holds) = (Batch::new(), true);
                for (is_a, key, value) in expectations {
                    let value = value.map(|value| vec![value]);
                    let known = model.get(&(space(*is_a), key.clone())).map(|(_, value)| value);
                    holds &= known == value.as_ref();
                    batch.expect(space(*is_a), key, value.as_deref());
                }
                for (is_a, key, value, expires) in changes {
                    match value {
                        Some(value) => batch.put_until(space(*is_a), key, value.clone(), *expires),
                        None => batch.remove(space(*is_a), key),
                    };
                    if holds {
                        let key = (space(*is_a), key.clone());
                        match value {
                            Some(value) => model.insert(key, (*expires, value.clone())),
                            None => model.remove(&key),
                        };
                    }
                }
                let wanted = if holds { Written::Done } else { Written::Conflict };
                prop_assert_eq!(store.write(&batch).unwrap(), wanted);
            }
            Doing::Expire(now, most) => {
                let due = model.iter().filter(|(_, (at, _))| *at != 0 && at <= now);
                let mut due: Vec<_> = due.map(|(key, (at, _))| (*at, key.clone())).collect();
                due.sort();
                due.truncate(*most);
                due.iter().for_each(|(_, key)| drop(model.remove(key)));
                prop_assert_eq!(store.expire(*now, *most).unwrap(), due.len());
            }
            Doing::Scan(is_a, prefix, from) => {
                let wanted: Vec<_> = model
                    .keys()
                    .filter(|(of, key)| {
                        *of == space(*is_a) && key >= from && key.starts_with(prefix)
                    })
                    .map(|(_, key)| key.clone())
                    .collect();
                prop_assert_eq!(all(store, space(*is_a), prefix, from), wanted);
            }
        }
    }
    for ((space, key), (_, value)) in &model {
        prop_assert_eq!(store.get(*space, key).unwrap(), Some(value.clone()));
    }
    prop_assert_eq!(all(store, A, b"", b"").len() + all(store, B, b"", b"").len(), model.len());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn memory_does_as_the_model(doings in vec(doing(), 1..30)) {
        does_as_the_model(&Memory::new(), &doings)?;
    }

    #[test]
    fn a_file_does_as_the_model(doings in vec(doing(), 1..30)) {
        let folder = tempfile::tempdir().unwrap();
        does_as_the_model(&Embedded::open(folder.path()).unwrap().store, &doings)?;
    }
}

#[test]
fn a_server_does_as_the_model() {
    let Some(server) = server() else { return };
    let store = connected(&server);
    proptest!(ProptestConfig { cases: 60, ..ProptestConfig::default() }, |(doings in vec(doing(), 1..30))| {
        assert_eq!(server.ask(&["FLUSHALL"]), "OK");
        does_as_the_model(&store, &doings)?;
    });
}
