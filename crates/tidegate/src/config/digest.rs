//! Short names of what was configured, by which two verdicts are known to come from the same.
//!
//! Invariant: equal digests mean equal rules, or equal settings that have a say in verdicts; where
//! something is kept, heard or logged has none.

use ring::digest::{Context, SHA256};
use tidegate_rules::RuleFile;

/// Sections without a say. Of `[server]` the name of the site has one, and is told apart.
const SILENT: [&str; 7] = ["server", "milter", "http", "store", "journal", "shadow", "log"];
/// Bytes of a digest that are shown: enough to tell apart what one operator writes.
const SHOWN: usize = 8;

/// Of all settings in force, with the name of the site, which may be the host's.
pub(super) fn of_settings(effective: &toml::Table, id: &str) -> String {
    let mut context = Context::new(&SHA256);
    part(&mut context, id);
    for (section, value) in effective.iter().filter(|(name, _)| !SILENT.contains(&name.as_str())) {
        part(&mut context, section);
        part(&mut context, &value.to_string());
    }
    shown(context)
}

/// Of the text of all rules.
pub(super) fn of_rules(files: &[RuleFile]) -> String {
    let mut context = Context::new(&SHA256);
    for file in files {
        part(&mut context, &file.text);
    }
    shown(context)
}

/// With its length, so that what ends one part can't begin the next.
fn part(context: &mut Context, text: &str) {
    context.update(&(text.len() as u64).to_le_bytes());
    context.update(text.as_bytes());
}

fn shown(context: Context) -> String {
    let digest = context.finish();
    digest.as_ref().iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_say_in_a_verdict_makes_no_difference() {
        let of = |text: &str| of_settings(&text.parse().unwrap(), "mx.example");
        let base = of("[verdict]\ntag = 5.0\n[log]\nlevel = 'info'\n");
        assert_eq!(of("[log]\nlevel = 'debug'\n[verdict]\ntag = 5.0\n"), base);
        assert_ne!(of("[verdict]\ntag = 6.0\n"), base);
        assert_ne!(of_settings(&"[verdict]\ntag = 5.0\n".parse().unwrap(), "mx2.example"), base);
        assert_eq!(base.len(), 16);
    }
}
