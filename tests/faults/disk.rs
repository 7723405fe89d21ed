//! The store garbled or cut short, its disk full, and a quarantine that is not there.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::support::free_port;
use super::support::load::{Load, Random, is_long};
use super::support::mounted::Mounted;
use super::{Faulty, TCP, UNIX};

/// Each round garbles the same sound store anew.
#[test]
fn a_store_that_is_garbled_or_cut_short_opens_with_what_is_sound() {
    let Some(mut faulty) = Faulty::start(UNIX, "", &[]) else { return };
    let mut load = Load::new();
    faulty.send(&load, |_, _, _| {}).is_whole("before the store is damaged");
    let held = faulty.site.held().len();
    faulty.site.daemon.stop();
    let file = faulty.site.daemon.dir.path().join("state/tidegate.redb");
    let sound = fs::read(&file).unwrap();
    let messages = load.messages;
    load.messages = 40;
    let rounds = if is_long() { 100 } else { 4 };
    let (mut random, mut told) = (Random(17), 0);
    for round in 0..rounds {
        fs::write(&file, damaged(sound.clone(), round, &mut random)).unwrap();
        load.first = messages + round * load.messages;
        let before = faulty.site.daemon.log().len();
        faulty.site.daemon.restart();
        let account = faulty.send(&load, |_, _, _| {});
        account.is_whole(&format!("round {round} with a damaged store"));
        account.is_undisturbed();
        let log = faulty.site.daemon.log().split_off(before);
        told += usize::from(log.contains("the store was damaged"));
        assert!(!log.contains("panicked at crates/"), "{log}");
        // The messages themselves are beside the store, and its index is made anew of them.
        assert!(faulty.site.held().len() >= held, "{held} before:\n{log}");
        faulty.site.daemon.stop();
    }
    println!("{told} of {rounds} damaged stores told of; the others were damaged where nothing is");
    assert!(told > 0);
}

/// Cut at some place, or bits flipped at many.
fn damaged(mut store: Vec<u8>, round: usize, random: &mut Random) -> Vec<u8> {
    let octets = store.len() as u64;
    if round.is_multiple_of(2) {
        store.truncate(random.below(octets) as usize);
    } else {
        for _ in 0..=random.below(2_000) {
            store[random.below(octets) as usize] ^= 1 << random.below(8);
        }
    }
    store
}

#[test]
fn a_disk_that_is_full_for_a_while() {
    let Some(mut faulty) = Faulty::start(TCP, "", &[]) else { return };
    faulty.site.daemon.stop();
    let state = faulty.site.daemon.dir.path().join("state");
    let Some(_mounted) = Mounted::new(&state, "size=64m") else { return };
    faulty.site.daemon.restart();
    let filler = state.join("filler");
    let account = faulty.send(&Load::new(), |progress, _, _| {
        for share in [0.2, 0.5] {
            progress.wait(share);
            fill(&filler);
            progress.wait(share + 0.2);
            fs::remove_file(&filler).unwrap();
        }
    });
    account.is_whole("disk full twice");
    assert!(account.spared > 0, "nothing could be held meanwhile: {account}");
    // The store takes what it is told again, without being started again.
    std::thread::sleep(Duration::from_secs(2));
    let mut load = Load::new();
    (load.first, load.messages) = (load.messages, 40);
    let account = faulty.send(&load, |_, _, _| {});
    account.is_whole("after the disk was full");
    account.is_undisturbed();
}

fn fill(file: &Path) {
    let block = vec![b'x'; 64 << 10];
    let mut filler = fs::File::create(file).unwrap();
    while std::io::Write::write_all(&mut filler, &block).is_ok() {}
}

#[test]
fn a_quarantine_whose_folder_goes_away_and_comes_back() {
    let Some(mut faulty) = Faulty::start(UNIX, "", &[]) else { return };
    let held = faulty.site.daemon.dir.path().join("state/quarantine");
    let away = held.with_extension("away");
    let account = faulty.send(&Load::new(), |progress, _, _| {
        progress.wait(0.3);
        fs::rename(&held, &away).unwrap();
        // Nothing can be made there either.
        fs::write(&held, "").unwrap();
        progress.wait(0.6);
        fs::remove_file(&held).unwrap();
        fs::rename(&away, &held).unwrap();
    });
    account.is_whole("quarantine gone for a while");
    assert!(account.spared > 0 && account.held > 0, "{account}");
}

#[test]
fn a_quarantine_in_a_bucket_that_nobody_serves() {
    let endpoint = format!("http://127.0.0.1:{}", free_port());
    let environment = [
        ("AWS_ACCESS_KEY_ID", "anybody"),
        ("AWS_SECRET_ACCESS_KEY", "anything"),
        ("AWS_REGION", "nowhere"),
        ("AWS_ENDPOINT", &endpoint),
        ("AWS_ALLOW_HTTP", "true"),
    ];
    let more = "url = \"s3://bucket/held\"\n";
    let Some(mut faulty) = Faulty::start(TCP, more, &environment) else { return };
    let account = faulty.send(&Load::new(), |_, _, _| {});
    account.is_whole("bucket not served");
    assert!(account.spared > 0 && account.held == 0, "{account}");
}
