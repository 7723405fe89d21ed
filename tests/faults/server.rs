//! The server that machines share is killed, hangs, and comes back.

use std::time::Duration;

use super::support::load::Load;
use super::support::redis::RedisServer;
use super::support::skip;
use super::{Faulty, TCP};

#[test]
fn a_shared_store_that_goes_away_and_hangs_puts_no_message_off() {
    let Some(mut server) = RedisServer::start() else {
        return skip("redis-server is not installed");
    };
    let store = format!("[store]\nurl = '{}'\ntimeout_ms = 500\n", server.url());
    let Some(mut faulty) = Faulty::start(TCP, &store, &[]) else { return };
    let load = Load::new();
    let account = faulty.send(&load, |progress, daemon, _| {
        progress.wait(0.2);
        server.kill();
        daemon.wait_log("the shared store can't be reached");
        progress.wait(0.4);
        server.restart();
        daemon.wait_log("the shared store is there");
        progress.wait(0.6);
        server.hang(true);
        std::thread::sleep(Duration::from_secs(2));
        progress.wait(0.8);
        server.hang(false);
    });
    account.is_whole("the shared store goes away, and hangs");
    account.is_undisturbed();
}
