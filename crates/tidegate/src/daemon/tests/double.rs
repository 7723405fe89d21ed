//! A holder of messages that can be made to fail, in the place of the quarantine.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use anyhow::bail;
use futures_util::future::{BoxFuture, FutureExt};

use tidegate_quarantine::{CopyNote, EntryId};

use super::super::holder::{Copy, Copying, Holder, Holding, Unsettled};

/// Sends a copy: envelope sender, recipients, message.
pub(super) type Send = dyn Fn(&str, &[&str], &[u8]) + std::marker::Send + Sync;

/// The name of the entry of a recipient: their address, as 24 letters of an id can hold it.
pub(super) fn entry_of(whom: &str) -> EntryId {
    let letters = whom.bytes().map(|byte| char::from(b"0123456789abcdef"[usize::from(byte % 16)]));
    letters.chain(std::iter::repeat('0')).take(24).collect::<String>().parse().unwrap()
}

/// Keeps in memory what it holds and sends.
#[derive(Default)]
pub(super) struct Double {
    pub(super) hold_fails: AtomicBool,
    pub(super) hold_hangs: AtomicBool,
    pub(super) copy_fails: AtomicBool,
    /// For whom, and why.
    pub(super) held: Mutex<Vec<(String, String)>>,
    pub(super) confirmed: Mutex<Vec<EntryId>>,
    /// To whom, and what.
    pub(super) copies: Mutex<Vec<(Vec<String>, String)>>,
    /// How copies leave; `None`: they are only kept.
    pub(super) send: Option<Box<Send>>,
}

impl Double {
    pub(super) fn held_for(&self) -> Vec<String> {
        self.held.lock().unwrap().iter().map(|(whom, _)| whom.clone()).collect()
    }

    pub(super) fn copied_to(&self) -> Vec<Vec<String>> {
        self.copies.lock().unwrap().iter().map(|(to, _)| to.clone()).collect()
    }
}

impl Holder for Double {
    fn hold<'h>(&'h self, holding: &'h Holding<'h>) -> BoxFuture<'h, anyhow::Result<Vec<EntryId>>> {
        async move {
            if self.hold_hangs.load(Relaxed) {
                std::future::pending::<()>().await;
            }
            if self.hold_fails.load(Relaxed) {
                bail!("the disk is full");
            }
            assert!(!holding.raw.is_empty() && holding.now > 0);
            assert!(!holding.judged.envelope.recipients.is_empty());
            let mut held = self.held.lock().unwrap();
            let each = holding.recipients.iter().map(|recipient| {
                let whom = recipient.address.as_str().to_owned();
                held.push((whom.clone(), recipient.reason.to_string()));
                entry_of(&whom)
            });
            Ok(each.collect())
        }
        .boxed()
    }

    fn copying<'h>(&'h self, _: &'h Copying<'h>) -> BoxFuture<'h, Option<CopyNote>> {
        async { None }.boxed()
    }

    fn confirm<'h>(&'h self, unsettled: &'h Unsettled) -> BoxFuture<'h, ()> {
        async move { self.confirmed.lock().unwrap().extend_from_slice(&unsettled.entries) }.boxed()
    }

    fn inject<'h>(&'h self, copy: &'h Copy<'h>) -> BoxFuture<'h, anyhow::Result<()>> {
        async move {
            if self.copy_fails.load(Relaxed) {
                bail!("nobody answers");
            }
            if let Some(send) = &self.send {
                tokio::task::block_in_place(|| send(copy.sender, &copy.recipients, copy.raw));
            }
            let to = copy.recipients.iter().map(|to| (*to).to_owned()).collect();
            let raw = String::from_utf8_lossy(copy.raw).into_owned();
            self.copies.lock().unwrap().push((to, raw));
            Ok(())
        }
        .boxed()
    }
}
