//! The way a message came, as the hosts on it tell (RFC 5321, section 4.4).
//!
//! Fields of this kind follow no grammar but each program's own. They are read as words, by what
//! words stand before them, as mail-parser reads them.
//!
//! Invariant: only what hosts of one's own wrote is to be believed; here it is only read.

mod keywords;
mod words;

use std::net::IpAddr;

use mail_parser::DateTime;

use self::words::{Kind, Word, Words};
use crate::date;

/// One Received field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hop {
    /// What the sending host called itself.
    pub from_name: Option<String>,
    /// Its reverse name, as the receiving host found it.
    pub from_host: Option<String>,
    /// Its address.
    pub from_ip: Option<IpAddr>,
    /// The receiving host.
    pub by: Option<String>,
    /// The protocol, such as `ESMTPS` (RFC 3848).
    pub with: Option<&'static str>,
    /// When, in seconds since 1970, UTC.
    pub date: Option<i64>,
}

impl Hop {
    /// Reads the value of a field, as it is folded.
    pub(crate) fn read(value: &[u8]) -> Self {
        let mut reading = Reading { words: Words::of(value), ..Reading::default() };
        reading.all();
        reading.hop()
    }
}

/// A host as a field names it.
#[derive(Clone, Copy)]
enum Host<'v> {
    Name(&'v [u8]),
    Address(IpAddr),
}

impl Host<'_> {
    fn name(self) -> Option<String> {
        match self {
            Self::Name(name) => {
                let name = str::from_utf8(name).unwrap_or_default().trim();
                (!name.is_empty()).then(|| name.to_ascii_lowercase())
            }
            Self::Address(address) => Some(format!("[{address}]")),
        }
    }

    const fn address(self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(address),
            Self::Name(_) => None,
        }
    }
}

/// Which clause of the field is being read.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Clause {
    #[default]
    None,
    From,
    Date,
    Other,
}

#[derive(Default)]
struct Reading<'v> {
    words: Words<'v>,
    clause: Clause,
    from: Option<Host<'v>>,
    helo: Option<Host<'v>>,
    from_host: Option<&'v [u8]>,
    from_ip: Option<IpAddr>,
    by: Option<Host<'v>>,
    with: Option<&'static str>,
    /// Day, month, year, hour, minute, second, zone: as many as have been read.
    date: [i64; 7],
    dated: usize,
}

impl<'v> Reading<'v> {
    fn all(&mut self) {
        while let Some(word) = self.words.next() {
            let outside = word.comments == 0;
            match word.kind {
                Kind::From if self.from.is_none() => {
                    self.from = self.host(b"[");
                    self.clause = Clause::From;
                }
                Kind::By if outside => {
                    self.by = self.host(b"[<").or(self.by);
                    self.clause = Clause::Other;
                }
                Kind::For if outside => {
                    self.skip(b"=<");
                    self.words.next_if(|word| word.kind == Kind::Mailbox);
                    self.clause = Clause::Other;
                }
                Kind::Id if outside => {
                    self.host(b"=<[:");
                    self.clause = Clause::Other;
                }
                Kind::Via if outside => {
                    self.host(b"=");
                    self.clause = Clause::Other;
                }
                Kind::With if outside => {
                    self.protocol();
                    self.clause = Clause::Other;
                }
                Kind::Ident if !outside => {
                    self.host(b"=<[:");
                }
                Kind::Separator(b';') => self.clause = Clause::Date,
                Kind::Greeting if self.clause == Clause::From && !outside => {
                    self.helo = self.host(b"=[:").or(self.helo);
                }
                Kind::Address(address)
                    if self.clause == Clause::From
                        && (word.brackets || !outside && self.from_ip.is_none()) =>
                {
                    self.from_ip = Some(address);
                }
                Kind::Domain if self.clause == Clause::From && !outside => {
                    self.from_host = Some(word.text);
                }
                Kind::Number(number) | Kind::Month(number) if self.clause == Clause::Date => {
                    if let Some(part) = self.date.get_mut(self.dated) {
                        *part = number;
                        self.dated += 1;
                    }
                }
                _ => {}
            }
        }
    }

    /// Goes past `separators`.
    fn skip(&mut self, separators: &[u8]) {
        let is_one =
            |word: &Word<'_>| matches!(word.kind, Kind::Separator(it) if separators.contains(&it));
        while self.words.next_if(is_one).is_some() {}
    }

    /// The host, or whatever stands in its place, behind `separators`.
    fn host(&mut self, separators: &[u8]) -> Option<Host<'v>> {
        self.skip(separators);
        let word = self.words.next_if(|word| !matches!(word.kind, Kind::Separator(_)))?;
        Some(match word.kind {
            Kind::Address(address) => Host::Address(address),
            _ => Host::Name(word.text),
        })
    }

    fn protocol(&mut self) {
        let ends = |kind| {
            matches!(
                kind,
                Kind::Separator(b';')
                    | Kind::TlsVersion
                    | Kind::By
                    | Kind::For
                    | Kind::From
                    | Kind::Id
                    | Kind::Via
                    | Kind::With
            )
        };
        while let Some(word) = self.words.next_if(|word| !ends(word.kind)) {
            if let Kind::Protocol(protocol) = word.kind {
                self.with = Some(protocol);
                return;
            }
        }
    }

    fn hop(&self) -> Hop {
        let lower = |name| str::from_utf8(name).unwrap_or_default().to_ascii_lowercase();
        let from_ip = self.from_ip.or_else(|| self.from.and_then(Host::address));
        Hop {
            from_name: self.helo.or(self.from).and_then(Host::name),
            from_host: self.from_host.map(lower),
            from_ip: from_ip.map(|address| address.to_canonical()),
            by: self.by.and_then(Host::name),
            with: self.with,
            date: (self.dated >= 6).then(|| self.date()).and_then(date::seconds),
        }
    }

    fn date(&self) -> DateTime {
        let [day, month, year, hour, minute, second, zone] = self.date;
        DateTime {
            year: if (1..=99).contains(&year) { year + 1900 } else { year } as u16,
            month: month as u8,
            day: day as u8,
            hour: hour as u8,
            minute: minute as u8,
            second: second as u8,
            tz_before_gmt: zone < 0,
            tz_hour: (zone.saturating_abs() / 100) as u8,
            tz_minute: (zone.saturating_abs() % 100) as u8,
        }
    }
}

#[cfg(test)]
mod tests;
