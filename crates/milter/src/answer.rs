//! How a filter's decisions become replies.
//!
//! Invariant: header values are written as the agreed `SMFIP_HDR_LEADSPC` has them read, and no
//! frame carries more data than the agreed size.

use crate::modification::{Disposition, Modification};
use crate::reply::Reply;
use crate::wire::Strings;

/// Appends the reply that says what becomes of a message, or of a step of its session.
///
/// `skips`: the MTA understands SKIP here.
pub(crate) fn encode_disposition(disposition: &Disposition, skips: bool, out: &mut Vec<u8>) {
    match disposition {
        Disposition::Skip if skips => Reply::Skip.encode(out),
        Disposition::Continue | Disposition::Skip => Reply::Continue.encode(out),
        Disposition::Accept => Reply::Accept.encode(out),
        Disposition::Reject => Reply::Reject.encode(out),
        Disposition::TempFail => Reply::TempFail.encode(out),
        Disposition::Discard => Reply::Discard.encode(out),
        Disposition::Reply(words) => Reply::ReplyCode(&words.wire()).encode(out),
    }
}

/// Appends one change of a message: one reply, or several where a new body is longer than a frame.
pub(crate) fn encode_modification(
    modification: &Modification,
    leading_space: bool,
    data_octets: usize,
    out: &mut Vec<u8>,
) {
    // With SMFIP_HDR_LEADSPC the MTA puts nothing between colon and value: the space is ours.
    let space = if leading_space { " " } else { "" };
    match modification {
        Modification::AddHeader { name, value } => {
            let value = [space, value.as_str()].concat();
            Reply::AddHeader { name: name.as_str().as_bytes(), value: value.as_bytes() }
                .encode(out);
        }
        Modification::InsertHeader { index, name, value } => {
            let value = [space, value.as_str()].concat();
            let (name, value) = (name.as_str().as_bytes(), value.as_bytes());
            Reply::InsertHeader { index: *index, name, value }.encode(out);
        }
        Modification::ChangeHeader { name, index, value } => {
            let value = [space, value.as_str()].concat();
            let (name, value) = (name.as_str().as_bytes(), value.as_bytes());
            Reply::ChangeHeader { index: index.get(), name, value }.encode(out);
        }
        Modification::DeleteHeader { name, index } => {
            let name = name.as_str().as_bytes();
            Reply::ChangeHeader { index: index.get(), name, value: b"" }.encode(out);
        }
        Modification::ReplaceBody(body) if body.is_empty() => Reply::ReplaceBody(b"").encode(out),
        Modification::ReplaceBody(body) => {
            body.chunks(data_octets).for_each(|piece| Reply::ReplaceBody(piece).encode(out));
        }
        Modification::AddRecipient(path) => {
            Reply::AddRecipient(path.as_str().as_bytes()).encode(out);
        }
        Modification::AddRecipientWithArgs(path, args) => {
            let args = [args.as_str(), "\0"].concat();
            let args = Strings::new(args.as_bytes()).unwrap_or_default();
            Reply::AddRecipientWithArgs { path: path.as_str().as_bytes(), args }.encode(out);
        }
        Modification::DeleteRecipient(path) => {
            Reply::DeleteRecipient(path.as_str().as_bytes()).encode(out);
        }
        Modification::ChangeFrom(path, args) => {
            let args = args.as_ref().map(|args| [args.as_str(), "\0"].concat());
            let args = args.as_deref().and_then(|args| Strings::new(args.as_bytes()));
            let args = args.unwrap_or_default();
            Reply::ChangeFrom { path: path.as_str().as_bytes(), args }.encode(out);
        }
        Modification::Quarantine(reason) => {
            Reply::Quarantine(reason.as_str().as_bytes()).encode(out);
        }
    }
}
