//! What is agreed on when a connection opens: `SMFIC_OPTNEG`, in both directions.
//!
//! The numbers are those of `libmilter/mfdef.h` and `mfapi.h` (`SMFIF_*`, `SMFIP_*`, `SMFIM_*`).
//!
//! Invariant: bits this crate has no name for survive decoding and encoding.

use bitflags::bitflags;

use crate::wire::{DecodeError, Reader, Strings, put_string};

bitflags! {
    /// What a filter may do to a message (`SMFIF_*`).
    #[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
    pub struct Actions: u32 {
        /// Add header fields (`SMFIF_ADDHDRS`).
        const ADD_HEADERS = 0x001;
        /// Replace the body (`SMFIF_CHGBODY`).
        const CHANGE_BODY = 0x002;
        /// Add recipients (`SMFIF_ADDRCPT`).
        const ADD_RECIPIENTS = 0x004;
        /// Remove recipients (`SMFIF_DELRCPT`).
        const DELETE_RECIPIENTS = 0x008;
        /// Change and remove header fields (`SMFIF_CHGHDRS`).
        const CHANGE_HEADERS = 0x010;
        /// Have the MTA hold the message (`SMFIF_QUARANTINE`).
        const QUARANTINE = 0x020;
        /// Change the envelope sender (`SMFIF_CHGFROM`).
        const CHANGE_FROM = 0x040;
        /// Add recipients with ESMTP arguments (`SMFIF_ADDRCPT_PAR`).
        const ADD_RECIPIENTS_WITH_ARGS = 0x080;
        /// Say which macros are wanted (`SMFIF_SETSYMLIST`).
        const SET_SYMBOLS = 0x100;
        const _ = !0;
    }

    /// Which commands are sent, and which of them are answered (`SMFIP_*`).
    #[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
    pub struct Protocol: u32 {
        /// CONNECT is not sent (`SMFIP_NOCONNECT`).
        const NO_CONNECT = 0x0000_0001;
        /// HELO is not sent (`SMFIP_NOHELO`).
        const NO_HELO = 0x0000_0002;
        /// MAIL is not sent (`SMFIP_NOMAIL`).
        const NO_MAIL = 0x0000_0004;
        /// RCPT is not sent (`SMFIP_NORCPT`).
        const NO_RCPT = 0x0000_0008;
        /// The body is not sent (`SMFIP_NOBODY`).
        const NO_BODY = 0x0000_0010;
        /// Header fields are not sent (`SMFIP_NOHDRS`).
        const NO_HEADERS = 0x0000_0020;
        /// The end of the header is not sent (`SMFIP_NOEOH`).
        const NO_END_OF_HEADER = 0x0000_0040;
        /// A header field is not answered (`SMFIP_NR_HDR`).
        const SILENT_HEADER = 0x0000_0080;
        /// Unknown SMTP commands are not sent (`SMFIP_NOUNKNOWN`).
        const NO_UNKNOWN = 0x0000_0100;
        /// DATA is not sent (`SMFIP_NODATA`).
        const NO_DATA = 0x0000_0200;
        /// The MTA understands SKIP (`SMFIP_SKIP`).
        const SKIP = 0x0000_0400;
        /// Recipients which the MTA refused are sent too (`SMFIP_RCPT_REJ`).
        const REJECTED_RECIPIENTS = 0x0000_0800;
        /// CONNECT is not answered (`SMFIP_NR_CONN`).
        const SILENT_CONNECT = 0x0000_1000;
        /// HELO is not answered (`SMFIP_NR_HELO`).
        const SILENT_HELO = 0x0000_2000;
        /// MAIL is not answered (`SMFIP_NR_MAIL`).
        const SILENT_MAIL = 0x0000_4000;
        /// RCPT is not answered (`SMFIP_NR_RCPT`).
        const SILENT_RCPT = 0x0000_8000;
        /// DATA is not answered (`SMFIP_NR_DATA`).
        const SILENT_DATA = 0x0001_0000;
        /// Unknown SMTP commands are not answered (`SMFIP_NR_UNKN`).
        const SILENT_UNKNOWN = 0x0002_0000;
        /// The end of the header is not answered (`SMFIP_NR_EOH`).
        const SILENT_END_OF_HEADER = 0x0004_0000;
        /// A body chunk is not answered (`SMFIP_NR_BODY`).
        const SILENT_BODY = 0x0008_0000;
        /// Header values keep their leading white space, both ways (`SMFIP_HDR_LEADSPC`).
        const LEADING_SPACE = 0x0010_0000;
        /// Frames carry up to 256 KiB (`SMFIP_MDS_256K`).
        const DATA_256K = 0x1000_0000;
        /// Frames carry up to 1 MiB (`SMFIP_MDS_1M`).
        const DATA_1M = 0x2000_0000;
        const _ = !0;
    }
}

impl Protocol {
    /// Most octets of data in one frame, its code not counted (`MILTER_MDS_*`).
    #[must_use]
    pub fn data_octets(self) -> u32 {
        const KIB: u32 = 1024;
        if self.contains(Self::DATA_1M) {
            1024 * KIB - 1
        } else if self.contains(Self::DATA_256K) {
            256 * KIB - 1
        } else {
            64 * KIB - 1
        }
    }
}

/// One side's word in the negotiation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Options<'a> {
    /// Version of the protocol: 2 to 6.
    pub version: u32,
    /// What the MTA lets be done, or what the filter will do.
    pub actions: Actions,
    /// What the MTA can leave out, or what the filter wants left out.
    pub protocol: Protocol,
    /// Which macros the filter wants at which stage; the MTA sends none.
    pub symbols: Symbols<'a>,
}

impl<'a> Options<'a> {
    pub(crate) fn read(mut data: Reader<'a>) -> Result<Self, DecodeError> {
        let options = Self {
            version: data.u32("a version")?,
            actions: Actions::from_bits_retain(data.u32("actions")?),
            protocol: Protocol::from_bits_retain(data.u32("protocol flags")?),
            symbols: Symbols::default(),
        };
        let start = data.rest();
        let mut lists = Reader::new(b'O', start);
        while !lists.is_empty() {
            lists.u32("the stage of a symbol list")?;
            lists.string("a symbol list")?;
        }
        Ok(Self { symbols: Symbols(start), ..options })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.version.to_be_bytes());
        out.extend_from_slice(&self.actions.bits().to_be_bytes());
        out.extend_from_slice(&self.protocol.bits().to_be_bytes());
        out.extend_from_slice(self.symbols.0);
    }
}

/// Macros a filter asks for, by stage, as they stand on the wire (`SMFIR_SETSYMLIST`).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Symbols<'a>(&'a [u8]);

impl<'a> Symbols<'a> {
    /// Writes lists into `buf`, and lends them from there.
    ///
    /// Each list is a stage and the names wanted there, divided by spaces: `"i {auth_authen}"`.
    #[must_use]
    pub fn write(lists: &[(SymbolStage, &str)], buf: &'a mut Vec<u8>) -> Self {
        buf.clear();
        for (stage, names) in lists {
            buf.extend_from_slice(&(*stage as u32).to_be_bytes());
            put_string(buf, names.as_bytes());
        }
        Self(buf)
    }

    /// Each list: the number of its stage (see [`SymbolStage`]) and the names.
    pub fn iter(self) -> impl Iterator<Item = (u32, &'a [u8])> {
        let mut lists = Reader::new(b'O', self.0);
        std::iter::from_fn(move || Some((lists.u32("").ok()?, lists.string("").ok()?)))
    }
}

/// The stages at which an MTA sends macros by list (`SMFIM_*`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum SymbolStage {
    /// With CONNECT (`SMFIM_CONNECT`).
    Connect = 0,
    /// With HELO (`SMFIM_HELO`).
    Helo = 1,
    /// With MAIL (`SMFIM_ENVFROM`).
    Mail = 2,
    /// With RCPT (`SMFIM_ENVRCPT`).
    Rcpt = 3,
    /// With DATA (`SMFIM_DATA`).
    Data = 4,
    /// With the end of the message (`SMFIM_EOM`).
    EndOfMessage = 5,
    /// With the end of the header (`SMFIM_EOH`).
    EndOfHeader = 6,
}

/// Writes ESMTP arguments after a path, where there are any.
pub(crate) fn put_path(out: &mut Vec<u8>, path: &[u8], args: Strings<'_>) {
    put_string(out, path);
    out.extend_from_slice(args.as_bytes());
}
