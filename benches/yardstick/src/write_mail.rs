//! Writes made mail to a folder, with an index as milter-load reads it.
//!
//! `mix` is the fixed set, then the same mix over again in other words; of `strangers` each message brings domains of
//! its own.

use std::fmt::Write as _;
use std::path::Path;

use yardstick::{letters_of_strangers, more_samples};

/// Writes so many messages, and the index.
pub(crate) fn run(
    what: &str,
    folder: &str,
    count: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let messages: Vec<(&str, Vec<u8>)> = match what {
        "strangers" => {
            letters_of_strangers(count as u64).into_iter().map(|raw| ("ham", raw)).collect()
        }
        "mix" => (0..)
            .flat_map(more_samples)
            .take(count)
            .map(|sample| (if sample.kind == "spam" { "spam" } else { "ham" }, sample.raw))
            .collect(),
        other => return Err(format!("'{other}' is neither mix nor strangers").into()),
    };
    let mut index = String::new();
    for (number, (class, raw)) in messages.iter().enumerate() {
        let name = format!("{number:05}.eml");
        std::fs::write(Path::new(folder).join(&name), raw)?;
        writeln!(index, "{class} {name}")?;
    }
    std::fs::write(Path::new(folder).join("index"), index)?;
    Ok(())
}
