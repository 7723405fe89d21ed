//! Held mail, on the side of the program: opened beside what was learned, kept within its bounds, counted.
//!
//! Invariant: a quarantine that can't be opened keeps no mail from being judged; the log says what is
//! missing, and mail that would be held is tagged.

mod holding;
pub(crate) mod upkeep;

use std::fmt::Write as _;
use std::sync::Arc;

use tidegate_quarantine::{Counted, OpenError, Quarantine};
use tidegate_store::Store;

use crate::config::Loaded;
use crate::knowledge;

/// Opens it over the store; `None` where it is switched off.
///
/// # Errors
/// When the index, the folder or the bucket can't be opened.
pub(crate) fn open(
    loaded: &Loaded,
    store: &Arc<dyn Store>,
) -> Result<Option<Arc<Quarantine>>, OpenError> {
    let settings = &loaded.settings;
    if !settings.quarantine.enabled {
        return Ok(None);
    }
    let (folder, site) = (knowledge::folder(settings), &loaded.parts.site.id);
    let mut config = settings.quarantine.clone();
    if settings.pages.enabled {
        // Where the users' pages are is known already.
        config.digest.public_url.get_or_insert_with(|| settings.pages.public_url.clone());
    }
    Quarantine::open(Arc::clone(store), &folder, config, site).map(|held| Some(Arc::new(held)))
}

/// The metrics, in Prometheus's text form.
pub(crate) fn metrics(counted: &Counted) -> String {
    let mut text = String::new();
    let mut say = |name: &str, kind: &str, help: &str, values: &[(&str, u64)]| {
        let _ = writeln!(text, "# HELP tidegate_{name} {help}\n# TYPE tidegate_{name} {kind}");
        for (label, value) in values {
            let _ = writeln!(text, "tidegate_{name}{label} {value}");
        }
    };
    let c = counted;
    say("quarantine_entries", "gauge", "Entries held, one a recipient.", &[("", c.entries)]);
    say("quarantine_messages", "gauge", "Messages held.", &[("", c.messages)]);
    say("quarantine_bytes", "gauge", "Bytes of the messages held.", &[("", c.bytes)]);
    say("quarantine_held_total", "counter", "Entries that came.", &[("", c.held)]);
    say(
        "quarantine_ended_total",
        "counter",
        "Entries that went, by why.",
        &[
            ("{why=\"released\"}", c.released),
            ("{why=\"deleted\"}", c.deleted),
            ("{why=\"expired\"}", c.expired),
        ],
    );
    say(
        "quarantine_failures_total",
        "counter",
        "Messages that could not be held (and were delivered), and releases that failed.",
        &[("{step=\"hold\"}", c.failed_holds), ("{step=\"release\"}", c.failed_releases)],
    );
    say("quarantine_digests_total", "counter", "Digests sent.", &[("", c.digests)]);
    say(
        "release_marks_total",
        "counter",
        "Messages that arrived with a mark of released mail.",
        &[("{mark=\"genuine\"}", c.marks_genuine), ("{mark=\"void\"}", c.marks_void)],
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_told_under_its_name() {
        let counted = Counted { entries: 3, expired: 7, failed_holds: 1, ..Counted::default() };
        let page = metrics(&counted);
        for line in [
            "tidegate_quarantine_entries 3",
            "tidegate_quarantine_ended_total{why=\"expired\"} 7",
            "tidegate_quarantine_failures_total{step=\"hold\"} 1",
        ] {
            assert!(page.lines().any(|it| it == line), "no {line} in\n{page}");
        }
    }
}
