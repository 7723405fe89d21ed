//! What recipients want, in `[policy.default]` and the files of `[policy] users`.
//!
//! Invariant: as in [`super`]. What is found in many places of those files is told at the first.

use tidegate_policy::{Action, Book, Subject};

use super::super::Written;
use super::super::assemble::place_of;
use super::super::mistake::Findings;
use super::super::settings::Settings;
use super::super::source::Place;
use super::super::tree::{Node, Value};

/// More points, and less done.
pub(super) fn actions_that_get_milder(written: &Written, book: &Book, findings: &mut Findings) {
    for pair in book.default_policy().milder_with_more_points() {
        let place = place_of(written, &["policy", "default", pair[1].0]);
        milder("policy.default", pair, place, findings);
    }
    for (table, subject, wants) in layers(written) {
        for pair in book.below_stored(&subject).milder_with_more_points() {
            // What another layer says is told there.
            let own = [pair[1].0, pair[0].0].into_iter().find_map(|key| wants.entry(&[key]));
            if let Some((origin, _)) = own {
                milder(&table, pair, written.sources.place(*origin), findings);
            }
        }
    }
}

fn milder(table: &str, pair: [(&str, Action); 2], place: Place, findings: &mut Findings) {
    let [(fewer, harder), (more, milder)] = pair;
    let what = format!(
        "[{table}] {more} = \"{milder}\" is milder than {fewer} = \"{harder}\": mail with more points \
         gets away with less"
    );
    findings.warning(place, what, format!("write {more} = \"{harder}\", or a milder '{fewer}'"));
}

/// Somebody waits for a mail that is not sent.
pub(super) fn digests_that_nobody_sends(
    settings: &Settings,
    written: &Written,
    findings: &mut Findings,
) {
    if settings.quarantine.enabled && settings.quarantine.digest.enabled {
        return;
    }
    let has_hour = |node: &&Node| matches!(node.value, Value::Integer(_));
    let default = written.root.find(&["policy", "default", "digest"]).filter(has_hour);
    let mut waiting = default
        .map(|node| ("policy.default".to_owned(), node.origin))
        .into_iter()
        .chain(layers(written).filter_map(|(table, _, wants)| {
            Some((table, wants.find(&["digest"]).filter(has_hour)?.origin))
        }));
    let Some((table, origin)) = waiting.next() else { return };
    let more = match waiting.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let off = if settings.quarantine.enabled { "quarantine.digest" } else { "quarantine" };
    let what = format!("[{table}] wants a digest{more}, and [{off}] is not enabled: none is sent");
    let remedy = format!("set [{off}] enabled = true, or digest = \"never\"");
    findings.warning(written.sources.place(origin), what, remedy);
}

/// Each table of the files of users, by its name there.
fn layers(written: &Written) -> impl Iterator<Item = (String, Subject, &Node)> {
    ["domain", "user"].into_iter().flat_map(move |kind| {
        let tables = written.users.find(&[kind]).and_then(Node::as_table);
        tables.into_iter().flat_map(|tables| &tables.0).filter_map(move |(name, (_, wants))| {
            let subject = match kind {
                "domain" => Subject::domain(name),
                _ => Subject::user(name),
            };
            Some((format!("{kind}.\"{name}\""), subject.ok()?, wants))
        })
    })
}
