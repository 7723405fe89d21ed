//! Writes made mail to a folder, with an index as milter-load reads it: `write-mail mix|strangers FOLDER COUNT`.
//!
//! `mix` is the fixed set, then the same mix over again in other words; of `strangers` each message brings domains of
//! its own.

use std::fmt::Write as _;
use std::path::Path;

use yardstick::{letters_of_strangers, more_samples};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, folder, count] = &arguments[..] else {
        return Err("usage: write-mail mix|strangers FOLDER COUNT".into());
    };
    let count: usize = count.parse()?;
    let messages: Vec<(&str, Vec<u8>)> = match what.as_str() {
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
