//! DNS that is silent, slow or lies, and MTAs that vanish or never say what they began.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tidegate_dns::testing::Failure;

use super::support::load::{Load, Random};
use super::{Faulty, TCP, UNIX};

/// What is not known counts against nobody: each message comes to be where it would have.
#[test]
fn dns_dead_slow_and_lying() {
    let Some(mut faulty) = Faulty::start(UNIX, "", &[]) else { return };
    let failures = [
        Failure::Silent,
        Failure::Garbage,
        Failure::Forged,
        Failure::Truncated,
        Failure::ServFail,
        Failure::Refused,
    ];
    let mut load = Load::new();
    let share = 1.0 / (failures.len() + 2) as f64;
    load.messages = load.messages.max(100);
    let account = faulty.send(&load, |progress, _, dns| {
        let mut end = 0.0;
        for failure in failures {
            dns.fail("", failure);
            end += share;
            progress.wait(end);
        }
        dns.fail("", None).delay("", Duration::from_millis(1_500));
        progress.wait(end + share);
        dns.delay("", Duration::ZERO);
    });
    account.is_whole("DNS silent, garbage, forged, truncated, failing, refusing, late");
    account.is_undisturbed();
}

/// Half a frame: a length, and less than that of what it announces.
const HALF: &[u8] = &[0, 0, 0, 13, b'O', 0, 0, 0, 6];

#[test]
fn a_thousand_connections_that_say_half_and_no_more() {
    let mut faulty = match Faulty::start(TCP, "", &[]) {
        Some(faulty) => faulty,
        None => return,
    };
    faulty.site.daemon.stop();
    let config = std::fs::read_to_string(faulty.site.daemon.config()).unwrap();
    let config = config.replace("[milter]\n", "[milter]\nstall_seconds = 3\nconnections = 300\n");
    std::fs::write(faulty.site.daemon.config(), config).unwrap();
    faulty.site.daemon.restart();
    let port = faulty.site.daemon.tcp;
    let mut open = Vec::new();
    let account = faulty.send(&Load::new(), |progress, _, _| {
        progress.wait(0.2);
        for number in 0..1_000 {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            // One in four says nothing at all.
            if number % 4 > 0 {
                stream.write_all(HALF).unwrap();
            }
            open.push(stream);
        }
    });
    account.is_whole("1,000 connections of half a frame, with places for 300");
    // All are let go of, also those that said nothing.
    let began = Instant::now();
    while faulty.site.metric("tidegate_connections") > 40 {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", faulty.site.daemon.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    let late = faulty.site.metric("tidegate_protocol_errors_total{kind=\"timeout\"}");
    let turned_away = faulty.site.metric("tidegate_connections_refused_total");
    assert!(late + turned_away >= 900, "{late} were late, {turned_away} turned away");
}

/// An MTA that is gone in the middle of a message leaves nothing behind.
#[test]
fn mtas_that_vanish_in_the_middle_of_a_message() {
    let Some(mut faulty) = Faulty::start(TCP, "", &[]) else { return };
    let port = faulty.site.daemon.tcp;
    let dialogue = dialogue();
    let (mut random, mut vanished) = (Random(19), 0_usize);
    let account = faulty.send(&Load::new(), |progress, _, _| {
        while progress.is_going_on() {
            let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { continue };
            let told = random.below(dialogue.len() as u64) as usize;
            // It may be refused in the middle, too.
            let _ = stream.write_all(&dialogue[..told]);
            random.pause(0, 10);
            vanished += 1;
        }
    });
    account.is_whole(&format!("{vanished} MTAs vanished"));
    account.is_undisturbed();
}

/// What an MTA says up to the body of a message that would be held.
fn dialogue() -> Vec<u8> {
    let header = |name: &str, value: &str| format!("L{name}\0{value}\0").into_bytes();
    let frames = [
        [&b"O"[..], &6_u32.to_be_bytes(), &0x1ff_u32.to_be_bytes(), &0x1f_ffff_u32.to_be_bytes()]
            .concat(),
        b"Cmail.shop.example\x004\x00\x19203.0.113.9\0".to_vec(),
        b"Hmail.shop.example\0".to_vec(),
        b"M<anna@shop.example>\0".to_vec(),
        b"R<hold@example.test>\0".to_vec(),
        b"T".to_vec(),
        header("From", "Anna Berg <anna@shop.example>"),
        header("Subject", "doubtful 1 Minutes"),
        header("Message-ID", "<load-1@shop.example>"),
        b"N".to_vec(),
        [&b"B"[..], &b"So much to say.\r\n".repeat(2_000)].concat(),
    ];
    frames
        .iter()
        .flat_map(|frame| [&(frame.len() as u32).to_be_bytes()[..], frame].concat())
        .collect()
}
