//! The program; what it does stands in `lib.rs`, so that fuzzing reaches it as well.

use std::process::ExitCode;

fn main() -> ExitCode {
    tidegate::run()
}
