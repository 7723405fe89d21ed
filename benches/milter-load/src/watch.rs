//! What the filter costs: CPU and memory of its processes, as Linux counts them in /proc.
//!
//! Invariant: a daemon's children count with it; those that have ended count where their parent has
//! waited for them.

use std::collections::HashMap;
use std::fs;

/// Clock ticks a second: USER_HZ, which is 100 on every Linux that this runs on.
const TICKS: f64 = 100.0;

/// What a daemon and its children have used.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Used {
    /// Seconds of CPU.
    pub(crate) cpu: f64,
    /// Processes.
    pub(crate) processes: usize,
    /// The most memory that one of them has had, in MB of 1,000,000 bytes (VmHWM).
    pub(crate) peak_of_one: f64,
    /// The sum of their memory now, in MB (Pss, which shares what is shared).
    pub(crate) memory_of_all: f64,
}

/// What `pid` and everything below it have used.
pub(crate) fn used(pid: u32) -> Used {
    let mut used = Used::default();
    for pid in family(pid) {
        let Some(ticks) = ticks(pid) else { continue };
        used.cpu += ticks / TICKS;
        used.processes += 1;
        used.peak_of_one = used.peak_of_one.max(kilobytes(pid, "status", "VmHWM:"));
        used.memory_of_all += kilobytes(pid, "smaps_rollup", "Pss:");
    }
    used
}

fn family(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if let Some(parent) = stat(pid).and_then(|fields| fields.get(1)?.parse().ok()) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        found.extend(children.get(&pid).into_iter().flatten());
        next += 1;
    }
    found
}

/// The fields of /proc/PID/stat from the third on: state, parent, …
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses, and may hold some.
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

/// utime, stime, and those of children that were waited for: fields 14 to 17 (proc(5)).
fn ticks(pid: u32) -> Option<f64> {
    stat(pid)?.get(11..15)?.iter().map(|field| field.parse::<f64>().ok()).sum()
}

fn kilobytes(pid: u32, file: &str, name: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    number.unwrap_or(0.0) * 1_024.0 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something() {
        let used = used(std::process::id());
        assert!(used.processes >= 1 && used.peak_of_one > 0.5, "{used:?}");
    }
}
