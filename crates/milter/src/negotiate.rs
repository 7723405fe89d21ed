//! What a filter wants, what the MTA offers, and what they agree on.
//!
//! Invariant: what is agreed on is always a part of what was offered. An MTA which sees a bit that
//! it did not offer takes the filter for broken, and stops asking it.

use bitflags::bitflags;
use thiserror::Error;

use crate::options::{Actions, Options, Protocol, SymbolStage, Symbols};

/// The oldest version that is spoken; versions 3 to 5 only added commands and flags.
const OLDEST: u32 = 2;
/// The newest version there is (`SMFI_PROT_VERSION`).
const NEWEST: u32 = 6;

bitflags! {
    /// Steps of an SMTP session at which an MTA can be answered.
    #[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
    pub struct Steps: u16 {
        /// A client connected.
        const CONNECT = 0x001;
        /// It greeted.
        const HELO = 0x002;
        /// It named the sender.
        const MAIL = 0x004;
        /// It named a recipient.
        const RCPT = 0x008;
        /// It is about to send the message.
        const DATA = 0x010;
        /// A header field was read.
        const HEADER = 0x020;
        /// The header has ended.
        const END_OF_HEADER = 0x040;
        /// A piece of the body was read.
        const BODY = 0x080;
        /// An SMTP command the MTA does not know was read.
        const UNKNOWN = 0x100;
    }
}

/// For each step: the flag that has it not answered, and the flag that has it not sent.
const FLAGS: [(Steps, Protocol, Protocol); 9] = [
    (Steps::CONNECT, Protocol::SILENT_CONNECT, Protocol::NO_CONNECT),
    (Steps::HELO, Protocol::SILENT_HELO, Protocol::NO_HELO),
    (Steps::MAIL, Protocol::SILENT_MAIL, Protocol::NO_MAIL),
    (Steps::RCPT, Protocol::SILENT_RCPT, Protocol::NO_RCPT),
    (Steps::DATA, Protocol::SILENT_DATA, Protocol::NO_DATA),
    (Steps::HEADER, Protocol::SILENT_HEADER, Protocol::NO_HEADERS),
    (Steps::END_OF_HEADER, Protocol::SILENT_END_OF_HEADER, Protocol::NO_END_OF_HEADER),
    (Steps::BODY, Protocol::SILENT_BODY, Protocol::NO_BODY),
    (Steps::UNKNOWN, Protocol::SILENT_UNKNOWN, Protocol::NO_UNKNOWN),
];

/// What a filter wants of an MTA. The default: every step told, none answered before the end of
/// the message, and no right to change anything.
#[derive(Clone, Debug, Default)]
pub struct Wants {
    /// Steps whose answer the MTA shall wait for. Each costs a round trip.
    pub early: Steps,
    /// Steps the MTA need not tell. It may tell them all the same.
    pub skip: Steps,
    /// Actions without which the filter cannot work.
    pub required: Actions,
    /// Actions the filter uses where the MTA offers them.
    pub optional: Actions,
    /// Macros to ask for in the place of those the MTA is configured to send: names divided by
    /// spaces, as in `"i {auth_authen}"`.
    pub symbols: Vec<(SymbolStage, &'static str)>,
}

/// Why filter and MTA cannot work together.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum NegotiateError {
    /// Version 1, or a number that is none.
    #[error("the MTA speaks version {0} of the protocol; {OLDEST} is the oldest supported")]
    Version(u32),
    /// The MTA does not let the filter do what it must.
    #[error("the MTA does not offer the actions {0:?}")]
    Actions(Actions),
}

/// What was agreed on for one connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Agreed {
    /// Version of the protocol: 2 to 6.
    pub version: u32,
    /// What the filter may do.
    pub actions: Actions,
    /// What the MTA leaves out.
    pub protocol: Protocol,
}

impl Agreed {
    /// Settles what both sides can do. Data sizes of 256 KiB and 1 MiB are taken where a frame of
    /// that size fits into `longest` octets.
    ///
    /// # Errors
    /// When the MTA is too old, or does not offer what the filter requires.
    pub fn settle(
        wants: &Wants,
        offer: &Options<'_>,
        longest: u32,
    ) -> Result<Self, NegotiateError> {
        if offer.version < OLDEST {
            return Err(NegotiateError::Version(offer.version));
        }
        let lacking = wants.required - offer.actions;
        if !lacking.is_empty() {
            return Err(NegotiateError::Actions(lacking));
        }
        let mut actions = wants.required | wants.optional;
        if !wants.symbols.is_empty() {
            actions |= Actions::SET_SYMBOLS;
        }
        let mut protocol = Protocol::SKIP | Protocol::LEADING_SPACE;
        for (step, silent, absent) in FLAGS {
            protocol.set(silent, !wants.early.contains(step));
            protocol.set(absent, wants.skip.contains(step));
        }
        let size = [Protocol::DATA_1M, Protocol::DATA_256K]
            .into_iter()
            .find(|&size| offer.protocol.contains(size) && size.data_octets() < longest);
        protocol |= size.unwrap_or_default();
        Ok(Self {
            version: offer.version.min(NEWEST),
            actions: actions & offer.actions,
            protocol: protocol & offer.protocol,
        })
    }

    /// The reply that tells the MTA; the lists of macros are written into `buf`.
    pub(crate) fn reply<'a>(&self, wants: &Wants, buf: &'a mut Vec<u8>) -> Options<'a> {
        let asked = self.actions.contains(Actions::SET_SYMBOLS);
        let lists = if asked { wants.symbols.as_slice() } else { &[] };
        Options {
            version: self.version,
            actions: self.actions,
            protocol: self.protocol,
            symbols: Symbols::write(lists, buf),
        }
    }

    /// Whether the MTA waits for an answer at this step.
    #[must_use]
    pub fn answers(&self, step: Steps) -> bool {
        !FLAGS.iter().any(|&(of, silent, _)| of == step && self.protocol.contains(silent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Postfix 3.7 offers.
    fn postfix() -> Options<'static> {
        Options {
            version: 6,
            actions: Actions::from_bits_retain(0x1ff),
            protocol: Protocol::from_bits_retain(0x1f_ffff),
            symbols: Symbols::default(),
        }
    }

    #[test]
    fn by_default_no_step_is_answered_and_all_are_told() {
        let agreed = Agreed::settle(&Wants::default(), &postfix(), 1 << 16).unwrap();
        assert_eq!(agreed.protocol.bits(), 0x1f_f480);
        assert!(Steps::all().iter().all(|step| !agreed.answers(step)));
        assert_eq!(agreed.actions, Actions::empty());
    }

    #[test]
    fn an_early_step_is_answered_and_a_skipped_one_is_not_told() {
        let wants = Wants { early: Steps::RCPT, skip: Steps::UNKNOWN, ..Wants::default() };
        let agreed = Agreed::settle(&wants, &postfix(), 1 << 16).unwrap();
        assert!(agreed.answers(Steps::RCPT) && !agreed.answers(Steps::MAIL));
        assert!(agreed.protocol.contains(Protocol::NO_UNKNOWN));
    }

    #[test]
    fn an_mta_of_version_2_is_asked_for_nothing_it_does_not_know() {
        let offer = Options {
            version: 2,
            actions: Actions::from_bits_retain(0x3f),
            protocol: Protocol::from_bits_retain(0x7f),
            ..postfix()
        };
        let wants = Wants { optional: Actions::all(), ..Wants::default() };
        let agreed = Agreed::settle(&wants, &offer, 1 << 16).unwrap();
        assert_eq!((agreed.version, agreed.actions.bits()), (2, 0x3f));
        assert!(Steps::all().iter().all(|step| agreed.answers(step)));
    }

    #[test]
    fn an_mta_which_lacks_a_required_action_is_refused() {
        let wants = Wants { required: Actions::CHANGE_FROM, ..Wants::default() };
        let offer = Options { actions: Actions::ADD_HEADERS, ..postfix() };
        let refused = Agreed::settle(&wants, &offer, 1 << 16);
        assert_eq!(refused, Err(NegotiateError::Actions(Actions::CHANGE_FROM)));
        let old = Agreed::settle(&wants, &Options { version: 1, ..postfix() }, 1 << 16);
        assert_eq!(old, Err(NegotiateError::Version(1)));
    }

    #[test]
    fn the_largest_data_size_that_fits_the_bound_is_taken() {
        let sizes = Protocol::DATA_256K | Protocol::DATA_1M;
        let offer = Options { protocol: sizes, ..postfix() };
        for (longest, octets) in [(1 << 16, 65_535), (1 << 19, 262_143), (1 << 20, 1_048_575)] {
            let agreed = Agreed::settle(&Wants::default(), &offer, longest).unwrap();
            assert_eq!(agreed.protocol.data_octets(), octets);
        }
    }
}
