//! The store in one file: opened again, held by one process, and what is made of it when it is damaged.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use proptest::prelude::*;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use tidegate_store::{Batch, Embedded, FILE_NAME, Space, Store, StoreError, Written};

const A: Space = Space::new("test.a");
const B: Space = Space::new("test.b");

fn open(folder: &Path) -> Embedded {
    let opened = Embedded::open(folder).unwrap();
    assert_eq!(opened.lost, None);
    opened.store
}

#[test]
fn what_was_written_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    assert_eq!(store.write(Batch::new().put(A, b"k", vec![7])).unwrap(), Written::Done);
    assert!(matches!(Embedded::open(folder.path()), Err(StoreError::InUse(_))));
    drop(store);
    assert_eq!(open(folder.path()).get(A, b"k").unwrap(), Some(vec![7]));
}

#[test]
fn whether_somebody_has_a_store_is_seen_without_opening_it() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!Embedded::is_in_use(folder.path()), "there is none");
    let store = open(folder.path());
    assert!(Embedded::is_in_use(folder.path()));
    drop(store);
    assert!(!Embedded::is_in_use(folder.path()));
}

fn filled(folder: &Path) {
    let store = open(folder);
    for chunk in 0..20_u32 {
        let mut batch = Batch::new();
        for n in 0..100 {
            batch.put(A, &(chunk * 100 + n).to_be_bytes(), vec![chunk as u8; 200]);
        }
        assert_eq!(store.write(&batch).unwrap(), Written::Done);
    }
}

#[test]
fn a_file_that_is_no_store_is_set_aside_and_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(FILE_NAME), vec![b'x'; 100_000]).unwrap();
    let opened = Embedded::open(folder.path()).unwrap();
    let lost = opened.lost.unwrap();
    assert!(lost.kept.exists() && !lost.cut.is_empty(), "{lost}");
    assert_eq!(opened.store.write(Batch::new().put(A, b"k", vec![1])).unwrap(), Written::Done);
}

const OF_A: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("test.a");

/// Whether redb opens a file, and fails when it is to read what is in it. The file is another afterwards.
fn opens_and_can_not_be_read(path: &Path) -> bool {
    let Ok(Ok(database)) = catch_unwind(|| Database::open(path)) else { return false };
    let read = catch_unwind(AssertUnwindSafe(|| -> Result<usize, redb::Error> {
        let table = database.begin_read()?.open_table(OF_A)?;
        table.iter()?.try_fold(0, |count, entry| entry.map(|_| count + 1)).map_err(Into::into)
    }));
    let _ = catch_unwind(AssertUnwindSafe(move || drop(database)));
    !matches!(read, Ok(Ok(2_000)))
}

#[test]
fn a_page_that_fails_only_when_it_is_read_is_found_at_opening_and_what_is_sound_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let whole = fs::read(folder.path().join(FILE_NAME)).unwrap();
    let (mut unreadable, mut saved) = (0, 0);
    for page in 1..whole.len() / 4_096 {
        let mut garbled = whole.clone();
        garbled[page * 4_096 + 4..page * 4_096 + 60].fill(0xff);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        fs::write(&path, &garbled).unwrap();
        if unreadable == 10 || !opens_and_can_not_be_read(&path) {
            continue;
        }
        fs::write(&path, &garbled).unwrap();
        let opened = Embedded::open(folder.path()).unwrap();
        let lost = opened.lost.unwrap();
        assert!(lost.kept.exists(), "{lost}");
        let is_there = |n: &u32| opened.store.get(A, &n.to_be_bytes()).unwrap().is_some();
        assert_eq!((0..2_000).filter(is_there).count(), lost.saved);
        (unreadable, saved) = (unreadable + 1, saved + lost.saved);
        drop(opened.store);
        assert_eq!(Embedded::open(folder.path()).unwrap().lost, None);
    }
    assert!(unreadable > 0 && saved > 0, "{unreadable} pages, {saved} entries");
}

/// A page that was garbled while the file was open may have been written on, under a checksum that fits.
#[test]
fn an_entry_that_is_not_as_it_was_written_is_left_behind_though_its_page_is_sound() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let database = Database::open(folder.path().join(FILE_NAME)).unwrap();
    let writing = database.begin_write().unwrap();
    let key = 7_u32.to_be_bytes();
    writing.open_table(OF_A).unwrap().insert(&key[..], &[7; 200][..]).unwrap();
    writing.commit().unwrap();
    drop(database);
    let opened = Embedded::open(folder.path()).unwrap();
    let lost = opened.lost.unwrap();
    assert_eq!((lost.saved, lost.damaged), (1_999, 1), "{lost}");
    assert_eq!(opened.store.get(A, &key).unwrap(), None);
}

/// As of a disk that is full.
#[test]
fn a_damaged_file_that_can_not_be_set_right_now_stays_in_its_place_until_it_can() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let path = folder.path().join(FILE_NAME);
    let mut garbled = fs::read(&path).unwrap();
    let value = garbled.windows(200).position(|at| at == [9; 200]).unwrap();
    garbled[value] ^= 1;
    fs::write(&path, &garbled).unwrap();
    for beside in ["reading", "salvaged"] {
        let beside = folder.path().join(format!("{FILE_NAME}.{beside}"));
        fs::create_dir(&beside).unwrap();
        assert!(matches!(Embedded::open(folder.path()), Err(StoreError::Open { .. })));
        fs::remove_dir(&beside).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
    let lost = Embedded::open(folder.path()).unwrap().lost.unwrap();
    assert_eq!((lost.saved, lost.damaged), (1_999, 1), "{lost}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "the file and the damaged one");
}

#[test]
fn a_file_that_the_system_does_not_open_is_not_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(FILE_NAME)).unwrap();
    assert!(matches!(Embedded::open(folder.path()), Err(StoreError::Open { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// The machine went down while the first store of all was being made.
#[test]
fn a_file_half_made_is_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let half_made = folder.path().join(FILE_NAME).with_extension("new");
    std::fs::write(&half_made, vec![0; 8_192]).unwrap();
    let opened = Embedded::open(folder.path()).unwrap();
    assert!(opened.lost.is_none());
    assert!(!half_made.exists());
}

#[test]
fn a_file_cut_short_never_panics() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let whole = fs::read(folder.path().join(FILE_NAME)).unwrap();
    for keep in [0, 1, 511, 4096, 4097, 70_000, whole.len() / 2, whole.len() - 1] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE_NAME), &whole[..keep]).unwrap();
        let opened = Embedded::open(folder.path()).unwrap();
        let _ = opened.store.get(A, &5_u32.to_be_bytes());
        assert_eq!(opened.store.write(Batch::new().put(A, b"k", vec![1])).unwrap(), Written::Done);
    }
}

#[test]
fn what_is_kept_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let _opened = Embedded::open(&state).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&state), mode(&state.join(FILE_NAME))), (0o700, 0o600));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn garbled_pages_are_never_taken_for_values(places in prop::collection::vec((0.0..1.0_f64, any::<u8>()), 1..30)) {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path());
        let path = folder.path().join(FILE_NAME);
        let mut bytes = fs::read(&path).unwrap();
        for (place, byte) in places {
            let at = (bytes.len() as f64 * place) as usize;
            bytes[at] ^= byte | 1;
        }
        fs::write(&path, bytes).unwrap();
        for _ in 0..2 {
            let opened = Embedded::open(folder.path()).unwrap();
            for n in 0..2000_u32 {
                if let Ok(Some(value)) = opened.store.get(A, &n.to_be_bytes()) {
                    prop_assert_eq!(value, vec![(n / 100) as u8; 200]);
                }
            }
            let _ = opened.store.write(Batch::new().put(B, b"k", vec![1]));
        }
        // The third start works, whatever it had to leave behind.
        let opened = Embedded::open(folder.path()).unwrap();
        prop_assert_eq!(opened.store.write(Batch::new().put(B, b"k", vec![1])).unwrap(), Written::Done);
    }
}
