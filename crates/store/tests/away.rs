//! A server that goes away, hangs, comes back, refuses, or is none.

#![allow(missing_docs, dead_code, clippy::unwrap_used, unreachable_pub, reason = "a test")]

#[path = "../../../tests/support/redis.rs"]
mod redis;

use std::time::{Duration, Instant};

use redis::{PASSWORD, RedisServer};
use tidegate_store::{Batch, Redis, RedisConfig, Space, Store, StoreError, Written};

const A: Space = Space::new("test.a");
const TIMEOUT: Duration = Duration::from_millis(400);

fn config(url: String) -> RedisConfig {
    RedisConfig { url, password: None, authorities: None, timeout: TIMEOUT }
}

fn server() -> Option<RedisServer> {
    let server = RedisServer::start();
    let required = std::env::var_os("TIDEGATE_REQUIRE_ALL").is_some();
    assert!(server.is_some() || !required, "required, but redis-server is not installed");
    server
}

fn connected(server: &RedisServer) -> Redis {
    let store = Redis::open(&config(server.url())).unwrap();
    store.wait(Duration::from_secs(10)).unwrap();
    assert!(store.doubts().is_empty(), "{:?}", store.doubts());
    store
}

#[test]
fn what_was_written_is_there_after_the_server_was_killed_and_so_is_the_connection() {
    let Some(mut server) = server() else { return };
    let store = connected(&server);
    assert_eq!(store.write(Batch::new().put(A, b"k", vec![7])).unwrap(), Written::Done);
    server.kill();
    assert!(matches!(store.get(A, b"k"), Err(StoreError::Away(_))));
    assert!(store.reachable().is_err_and(|error| error.is_away()));
    // Known to be away: nobody waits for it.
    let began = Instant::now();
    for _ in 0..1_000 {
        assert!(store.get(A, b"k").is_err_and(|error| error.is_away()));
        assert!(store.snapshot().is_err_and(|error| error.is_away()));
        assert!(store.write(&Batch::new()).is_err_and(|error| error.is_away()));
    }
    assert!(began.elapsed() < TIMEOUT, "{:?}", began.elapsed());
    server.restart();
    store.wait(Duration::from_secs(10)).unwrap();
    assert_eq!(store.get(A, b"k").unwrap(), Some(vec![7]));
}

#[test]
fn a_server_that_hangs_keeps_each_caller_for_two_time_outs_at_most_and_later_ones_not_at_all() {
    let Some(server) = server() else { return };
    let store = connected(&server);
    server.hang(true);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| assert!(store.get(A, b"k").is_err_and(|error| error.is_away())));
        }
    });
    let longest = began.elapsed();
    assert!(longest < 2 * TIMEOUT + TIMEOUT / 2, "{longest:?}");
    let began = Instant::now();
    assert!(store.get(A, b"k").is_err());
    assert!(began.elapsed() < TIMEOUT / 4, "{:?}", began.elapsed());
    server.hang(false);
    store.wait(Duration::from_secs(10)).unwrap();
    assert_eq!(store.get(A, b"k").unwrap(), None);
}

/// Nobody asks, and it is known all the same.
#[test]
fn that_a_server_went_away_is_known_before_anybody_asks() {
    let Some(mut server) = server() else { return };
    let store = connected(&server);
    server.kill();
    let began = Instant::now();
    while store.reachable().is_ok() {
        assert!(began.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_server_of_which_the_password_is_wrong_is_away_and_says_why_without_it() {
    let Some(server) = server() else { return };
    let wrong = format!("redis://:wr0ng@{}", server.url_alone().trim_start_matches("redis://"));
    let store = Redis::open(&config(wrong)).unwrap();
    let error = store.wait(Duration::from_secs(2)).unwrap_err().to_string();
    assert!(error.contains("assword") && !error.contains("wr0ng"), "{error}");
    let password = Some(PASSWORD.to_owned());
    let right = RedisConfig { password, ..config(server.url_alone()) };
    Redis::open(&right).unwrap().wait(Duration::from_secs(10)).unwrap();
}

#[test]
fn a_server_that_takes_no_more_refuses_and_can_still_be_read() {
    let Some(server) = server() else { return };
    let store = connected(&server);
    assert_eq!(store.write(Batch::new().put(A, b"k", vec![7])).unwrap(), Written::Done);
    assert_eq!(server.ask(&["CONFIG", "SET", "maxmemory", "1"]), "OK");
    let refused = store.write(Batch::new().put(A, b"l", vec![7]));
    assert!(matches!(refused, Err(StoreError::Failed(_))), "{refused:?}");
    assert_eq!((store.get(A, b"k").unwrap(), store.get(A, b"l").unwrap()), (Some(vec![7]), None));
    assert_eq!(server.ask(&["CONFIG", "SET", "maxmemory", "0"]), "OK");
    assert_eq!(server.ask(&["REPLICAOF", "127.0.0.1", "1"]), "OK");
    assert!(store.write(Batch::new().put(A, b"l", vec![7])).is_err_and(|error| error.is_away()));
}

#[test]
fn a_value_that_somebody_changed_in_the_server_is_not_believed() {
    let Some(server) = server() else { return };
    let store = connected(&server);
    assert_eq!(store.write(Batch::new().put(A, b"k", vec![7])).unwrap(), Written::Done);
    server.ask(&["HSET", "tidegate:test.a:values", "k", "something that is longer"]);
    assert!(matches!(store.get(A, b"k"), Err(StoreError::Damaged { .. })));
    let snapshot = store.snapshot().unwrap();
    assert_eq!(snapshot.get_many(&[(A, b"k")]).unwrap(), [None]);
    let visit = &mut |_: &[u8], _: &[u8]| std::ops::ControlFlow::Continue(());
    assert_eq!(snapshot.scan(A, b"", b"", visit).unwrap(), 1);
}

#[test]
fn writes_are_counted_by_space_for_whoever_follows() {
    let Some(server) = server() else { return };
    let (one, other) = (connected(&server), connected(&server));
    let b = Space::new("test.b");
    assert_eq!(one.written(&[A, b]).unwrap(), Some(vec![0, 0]));
    assert_eq!(
        other.write(Batch::new().put(A, b"k", vec![]).put(A, b"l", vec![])).unwrap(),
        Written::Done
    );
    assert_eq!(one.written(&[A, b]).unwrap(), Some(vec![1, 0]));
}

#[test]
fn what_is_no_address_of_a_server_is_refused_without_telling_its_password() {
    for url in [
        "",
        "redis:",
        "http://host",
        "redis://:wr0ng@host/x",
        "rediss://:wr0ng@host#insecure",
        "unix:///s",
    ] {
        let why = Redis::can_be_at(url).unwrap_err();
        assert!(!why.contains("wr0ng"), "{why}");
        assert!(Redis::open(&config(url.to_owned())).is_err());
    }
    for url in ["redis://host", "rediss://user:word@host:6380/2", "redis://[::1]:7"] {
        assert_eq!(Redis::can_be_at(url), Ok(()));
    }
}
