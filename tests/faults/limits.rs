//! File descriptors and memory used up.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::support::daemon::Daemon;
use super::support::load::Load;
use super::{Faulty, TCP, UNIX};

/// Sets a limit of the daemon, as `prlimit` writes it; whether it still runs.
fn limit(daemon: &mut Daemon, limit: &str) -> bool {
    let pid = daemon.pid().to_string();
    let set = Command::new("prlimit").args(["--pid", &pid, limit]).status().unwrap().success();
    assert!(set || daemon.has_ended().is_some(), "{limit}");
    set
}

#[test]
fn file_descriptors_used_up_for_a_while() {
    let Some(mut faulty) = Faulty::start(TCP, "", &[]) else { return };
    let account = faulty.send(&Load::new(), |progress, daemon, _| {
        for share in [0.2, 0.5] {
            progress.wait(share);
            let open = fs::read_dir(format!("/proc/{}/fd", daemon.pid())).unwrap().count();
            limit(daemon, &format!("--nofile={}:", open.saturating_sub(8)));
            std::thread::sleep(Duration::from_secs(3));
            limit(daemon, "--nofile=4096:");
        }
    });
    account.is_whole("file descriptors used up twice");
    let log = faulty.site.daemon.log();
    assert!(log.contains("cannot accept a connection"), "{log}");
}

/// Octets of memory that are left: less than one message takes.
const ROOM: u64 = 256 << 10;

/// Who has no more memory ends at once, and whoever looks after it starts it again.
#[test]
fn memory_used_up() {
    let Some(mut faulty) = Faulty::start(UNIX, "", &[]) else { return };
    let mut load = Load::new();
    load.padding = 1 << 20;
    let mut ends = 0;
    let account = faulty.send(&load, |progress, daemon, _| {
        for share in [0.1, 0.3, 0.5] {
            progress.wait(share);
            limit(daemon, &format!("--data={}:", data(daemon) + ROOM));
            daemon.ends(Duration::from_secs(5));
            if !limit(daemon, "--data=unlimited:") {
                daemon.restart();
                ends += 1;
            }
        }
    });
    assert!(ends > 0, "{account}");
    account.is_whole(&format!("memory used up three times, at which it ended {ends} times"));
}

/// The kernel's own way, of containers and `MemoryMax=`: at the limit of its control group it is killed.
#[test]
fn killed_by_the_kernel_at_the_limit_of_its_control_group() {
    let Some(group) = ControlGroup::new() else { return };
    let Some(mut faulty) = Faulty::start(UNIX, "", &[]) else { return };
    let mut load = Load::new();
    load.padding = 1 << 20;
    let mut kills = 0;
    let account = faulty.send(&load, |progress, daemon, _| {
        for share in [0.1, 0.3, 0.5] {
            progress.wait(share);
            group.take_in(daemon.pid());
            if daemon.ends(Duration::from_secs(5)) {
                kills += 1;
            } else {
                // Most senders were done.
                daemon.kill();
            }
            daemon.restart();
        }
    });
    assert!(
        kills > 0 && group.kills() >= kills,
        "{kills} ends, {} kills: {account}",
        group.kills()
    );
    account.is_whole(&format!("killed {kills} times by the kernel for want of memory"));
}

/// A control group that has no room for the memory of a few messages, whoever of both hierarchies is there.
struct ControlGroup {
    folder: PathBuf,
    is_unified: bool,
}

impl ControlGroup {
    /// What it has beside what a process has already that comes into it.
    const ROOM: &str = "2097152";

    /// None where the kernel lets nobody make one, as in most containers.
    fn new() -> Option<Self> {
        let name = format!("tidegate-test-{}", std::process::id());
        for (root, limit, is_unified) in [
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", false),
            ("/sys/fs/cgroup", "memory.max", true),
        ] {
            let group = Self { folder: Path::new(root).join(&name), is_unified };
            if fs::create_dir(&group.folder).is_err() {
                continue;
            }
            // What is swapped out counts for nothing, where there is anything to swap to.
            let _ = fs::write(group.folder.join("memory.swap.max"), "0");
            if fs::write(group.folder.join(limit), Self::ROOM).is_ok() {
                return Some(group);
            }
        }
        println!("skipped: no control group can be made here");
        None
    }

    fn take_in(&self, pid: u32) {
        fs::write(self.folder.join("cgroup.procs"), pid.to_string()).unwrap();
    }

    /// Processes that the kernel killed for what they wanted.
    fn kills(&self) -> u64 {
        let file = if self.is_unified { "memory.events" } else { "memory.oom_control" };
        let told = fs::read_to_string(self.folder.join(file)).unwrap();
        told.lines().find_map(|line| line.strip_prefix("oom_kill ")?.parse().ok()).unwrap()
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        // One that has processes yet can't be removed; it ends with the machine.
        let _ = fs::remove_dir(&self.folder);
    }
}

/// Octets that it may write to and shares with nobody, as proc(5) tells them in kB.
fn data(daemon: &Daemon) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    let told = status.lines().find_map(|line| line.strip_prefix("VmData:")).unwrap();
    told.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
}
