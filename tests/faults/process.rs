//! The process killed, ended, told to reload, and replaced by another.

use std::fs;
use std::time::Duration;

use super::support::load::{Load, Random};
use super::{Faulty, Milter, TCP, UNIX};

#[test]
fn killed_at_random_again_and_again_over_tcp() {
    killed(TCP);
}

#[test]
fn killed_at_random_again_and_again_over_a_unix_socket() {
    killed(UNIX);
}

fn killed(milter: Milter) {
    let Some(mut faulty) = Faulty::start(milter, "", &[]) else { return };
    let (mut random, mut kills) = (Random(7), 0);
    let account = faulty.send(&Load::new(), |progress, daemon, _| {
        // The first comes while all senders are at work.
        progress.wait(0.1);
        while progress.is_going_on() {
            daemon.kill();
            daemon.restart();
            kills += 1;
            random.pause(100, 2_000);
        }
    });
    assert!(kills > 0 && account.deferred > 0, "{account}");
    account.is_whole(&format!("killed {kills} times"));
}

#[test]
fn told_to_end_again_and_again() {
    let Some(mut faulty) = Faulty::start(TCP, "", &[]) else { return };
    let (mut random, mut ends) = (Random(11), 0);
    let account = faulty.send(&Load::new(), |progress, daemon, _| {
        progress.wait(0.1);
        while progress.is_going_on() {
            // It ends with 0, or this panics.
            daemon.stop();
            daemon.restart();
            ends += 1;
            random.pause(300, 2_000);
        }
    });
    assert_eq!(account.twice, 0, "what was in flight was answered: {account}");
    account.is_whole(&format!("ended {ends} times"));
}

#[test]
fn reloaded_again_and_again_with_good_and_broken_configuration() {
    let Some(mut faulty) = Faulty::start(UNIX, "", &[]) else { return };
    let mut reloads = 0;
    let account = faulty.send(&Load::new(), |progress, daemon, _| {
        let config = fs::read_to_string(daemon.config()).unwrap();
        let broken = ["\n[verdict]\ntaag = 1.0\n", "\n[verdict\n", "\n[verdict]\nreject = 'no'\n"];
        let reload = |more: &str, told: &str| {
            let before = daemon.log().matches(told).count();
            fs::write(daemon.config(), format!("{config}{more}")).unwrap();
            daemon.signal("HUP");
            while daemon.log().matches(told).count() == before {
                std::thread::sleep(Duration::from_millis(200));
            }
        };
        while progress.is_going_on() {
            reload(&format!("# {reloads}\n"), "the configuration was reloaded");
            reload(broken[reloads % broken.len()], "was not reloaded; the old one goes on");
            reloads += 1;
        }
        fs::write(daemon.config(), &config).unwrap();
    });
    account.is_whole(&format!("reloaded {reloads} times, and told broken configurations as often"));
    account.is_undisturbed();
}

/// Whoever holds the socket keeps it open from one process to the next, as systemd does: who connects
/// meanwhile waits.
#[test]
fn replaced_again_and_again_while_the_socket_is_handed_over() {
    let Some(mut faulty) = Faulty::start(TCP, "", &[]) else { return };
    faulty.site.daemon.hold_socket();
    // Whoever looked whether Postfix answers met the socket between two owners.
    let before = faulty.site.postfix.log().len();
    let (mut random, mut replaced) = (Random(13), 0);
    let account = faulty.send(&Load::new(), |progress, daemon, _| {
        progress.wait(0.1);
        while progress.is_going_on() {
            daemon.hand_over();
            replaced += 1;
            random.pause(300, 1_500);
        }
    });
    let log = faulty.site.postfix.log();
    let refused = log[before..].matches("Connection refused").count();
    account.is_whole(&format!("replaced {replaced} times, {refused} connections refused"));
    assert_eq!((refused, account.twice), (0, 0), "{account}");
    let log = faulty.site.daemon.log();
    assert!(!log.contains("in use by another process"), "each has the store: {log}");
}
