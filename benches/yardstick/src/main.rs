//! The yardstick as a program, for the scripts in `benches`.
//!
//!     yardstick stages                     every stage over the fixed set, to be counted by valgrind
//!     yardstick show                       a line a message of the set: its score, and what was found
//!     yardstick floor                      the least that a verdict can cost on this machine
//!     yardstick mail mix|strangers FOLDER COUNT   writes made mail, with an index

mod floor;
mod stages;
mod write_mail;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["stages"] => Ok(stages::run()?),
        ["show"] => Ok(stages::show()?),
        ["floor"] => floor::run(),
        ["mail", what, folder, count] => write_mail::run(what, folder, count.parse()?),
        _ => Err("usage: yardstick stages | show | floor | mail mix|strangers FOLDER COUNT".into()),
    }
}
