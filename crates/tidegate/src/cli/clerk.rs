//! How a command of administration is carried out: by the running daemon, or here where none runs.
//!
//! Invariant: the store is opened by one process alone; a daemon that has it is asked.

use std::process::ExitCode;

use tidegate_store::FILE_NAME;

use super::Global;
use crate::api::client::Clerk;
use crate::knowledge;
use crate::services::Services;

/// Runs `command` with somebody to ask.
pub(super) fn with(
    global: &Global,
    command: impl AsyncFnOnce(&mut Clerk) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    let loaded = match global.load(true) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let folder = knowledge::folder(&loaded.settings);
        // With a server, what is looked for may be there.
        let is_shared = loaded.settings.store.server().is_some();
        let was_there = is_shared || folder.join(FILE_NAME).exists();
        let mut clerk = Clerk::find(&folder, || Services::open(loaded)).await?;
        if !was_there {
            // A forgotten --store would else look like a store in which there is nothing.
            let folder = folder.display();
            eprintln!("tidegate: there was no store in {folder}, and one was made; that of a daemon is named by --store or --config");
        }
        let code = command(&mut clerk).await?;
        clerk.end()?;
        Ok(code)
    })
}
