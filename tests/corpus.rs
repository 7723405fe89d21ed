//! Recorded mail through the whole program: nothing crashes, nothing is lost, nothing takes long.
//!
//! An optimised build judges every message; an unoptimised one a part, since it is many times
//! slower.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use support::corpus;
use support::daemon::{DEAD_DNS, Daemon};

/// Of how many messages one is judged.
const ONE_IN: usize = if cfg!(debug_assertions) { 12 } else { 1 };

#[test]
fn every_message_is_scanned_and_explained() {
    let Some((folder, files)) = corpus::files() else { return };
    let files: Vec<String> = files.into_iter().step_by(ONE_IN).map(|(_, file)| file).collect();
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("list");
    std::fs::write(&list, files.join("\n")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["scan", "--offline", "--json", "--list"])
        .arg(&list)
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<serde_json::Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let judged: Vec<&str> = lines.iter().map(|line| line["file"].as_str().unwrap()).collect();
    assert_eq!(judged, files, "each file once, in order");
    for line in &lines {
        assert!(line["verdict"].is_string() && line["score"].is_number(), "{line}");
    }
}

#[test]
fn every_message_through_the_milter_is_answered() {
    let Some((folder, files)) = corpus::files() else { return };
    let files: Vec<String> = files.into_iter().step_by(ONE_IN).map(|(_, file)| file).collect();
    // Each message waits for DNS as long as it may, since nobody answers.
    let daemon = Daemon::start(DEAD_DNS, "deadline_ms = 100\n");
    let (next, answered) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut milter = Milter::connect(daemon.tcp);
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let verdict = milter.judge(&folder.join(file));
                    assert!(b"act rdy".contains(&verdict), "{file}: {}", verdict as char);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(answered.into_inner(), files.len());
    let (_, metrics) = daemon.get("/metrics").unwrap();
    let told: usize = metrics
        .lines()
        .filter(|line| line.starts_with("tidegate_messages_total{"))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap())
        .sum();
    assert_eq!(told, files.len(), "the metrics count each message once");
}

/// The MTA's side of the milter protocol, written out by hand.
struct Milter {
    stream: TcpStream,
}

impl Milter {
    fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let mut milter = Self { stream };
        // Version 6, every action, and no-reply and skip on offer.
        let options = [6u32, 0x1ff, 0x1f_ffff].map(u32::to_be_bytes).concat();
        let mut out = Vec::new();
        frame(&mut out, b'O', &options);
        milter.stream.write_all(&out).unwrap();
        let (command, agreed) = milter.reply();
        assert_eq!(command, b'O');
        let steps = u32::from_be_bytes(agreed[8..12].try_into().unwrap());
        // SMFIP_NR_CONN, _HELO, _MAIL, _RCPT, _DATA, _UNKN, _EOH, _BODY, _HDR.
        assert_eq!(steps & 0x000f_f080, 0x000f_f080, "no step is answered: {steps:#x}");
        out.clear();
        frame(&mut out, b'C', b"mail.shop.example\x004\x30\x39203.0.113.9\0");
        frame(&mut out, b'H', b"mail.shop.example\0");
        milter.stream.write_all(&out).unwrap();
        milter
    }

    /// Sends one message; the command of the final reply.
    fn judge(&mut self, path: &Path) -> u8 {
        let raw = std::fs::read(path).unwrap();
        let text = String::from_utf8_lossy(&raw).replace("\r\n", "\n");
        let (header, body) = text.split_once("\n\n").unwrap_or((&text, ""));
        let mut out = Vec::with_capacity(raw.len() + 1024);
        frame(&mut out, b'M', b"<anna@shop.example>\0");
        frame(&mut out, b'R', b"<bert@example.test>\0");
        frame(&mut out, b'T', b"");
        for field in unfolded(header) {
            if let Some((name, value)) = field.split_once(':') {
                frame(&mut out, b'L', format!("{name}\0{value}\0").as_bytes());
            }
        }
        frame(&mut out, b'N', b"");
        for chunk in body.replace('\n', "\r\n").as_bytes().chunks(65_535) {
            frame(&mut out, b'B', chunk);
        }
        frame(&mut out, b'E', b"");
        self.stream.write_all(&out).unwrap();
        loop {
            let (command, _) = self.reply();
            // Accept, continue, tempfail, reject, discard, reply code: final. The rest are changes.
            if b"actrdy".contains(&command) {
                return command;
            }
        }
    }

    fn reply(&mut self) -> (u8, Vec<u8>) {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).unwrap();
        let mut frame = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut frame).unwrap();
        (frame[0], frame.split_off(1))
    }
}

fn frame(out: &mut Vec<u8>, command: u8, data: &[u8]) {
    out.extend_from_slice(&(data.len() as u32 + 1).to_be_bytes());
    out.push(command);
    out.extend_from_slice(data);
}

/// The fields of a header section, each with its folds.
fn unfolded(header: &str) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for line in header.lines() {
        match fields.last_mut() {
            Some(field) if line.starts_with([' ', '\t']) => {
                field.push('\n');
                field.push_str(line);
            }
            _ => fields.push(line.to_owned()),
        }
    }
    fields
}
