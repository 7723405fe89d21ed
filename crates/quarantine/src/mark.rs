//! The mark on mail of our own making: a header field by which the milter knows it again.
//!
//! ```text
//! X-Tidegate-Release: v=1; p=release; id=…; t=1795661451; mac=…
//! ```
//!
//! `mac` is an HMAC over purpose, id, time, the recipients, and what a reader is shown of the message.
//!
//! Invariant: a mark lets one message pass, to the recipients it was made for, once, within the hour.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tidegate_mail::{Address, Bounds, Message};
use tidegate_store::{Batch, Secret, Space, Store, StoreError, Written};

use crate::content;
use crate::id::{decode, encode, object_name};

/// The name of the field.
pub const MARK: &str = "X-Tidegate-Release";

/// Ids of marks that were used, until they would be too old anyway.
const USED: Space = Space::new("release.used");
/// Seconds that a mark is good for, and that clocks may differ by.
const GOOD_FOR: u64 = 3_600;
const CLOCKS_DIFFER: u64 = 300;
/// Octets of an HMAC.
const TAG: usize = 32;

/// What a marked message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A held message, as it came: fields in it that claim to be this site's own are not.
    Release,
    /// A copy for recipients who want a message in another form: its fields are as they are to be.
    Copy,
    /// A mail of the program itself.
    Digest,
}

impl Purpose {
    const ALL: [Self; 3] = [Self::Release, Self::Copy, Self::Digest];

    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Copy => "copy",
            Self::Digest => "digest",
        }
    }
}

/// What became of looking for a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// There is none.
    None,
    /// It is ours: the message passes as it is, without the field.
    Genuine(Purpose),
    /// It isn't, or was used, or is too old: the message is judged as any other, without the field.
    Void(&'static str),
}

/// Makes marks, and knows them again.
pub struct Marks {
    secret: Secret,
    store: Arc<dyn Store>,
    genuine: AtomicU64,
    void: AtomicU64,
}

/// The fields of a mark.
struct Mark {
    purpose: Purpose,
    id: String,
    time: u64,
    mac: Vec<u8>,
}

impl Marks {
    /// The marks of the site whose store this is.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub fn of(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let secret = Secret::of(&*store, "release")?;
        Ok(Self { secret, store, genuine: AtomicU64::new(0), void: AtomicU64::new(0) })
    }

    /// `raw` with a mark on top, made at `now` for these recipients.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn seal(
        &self,
        raw: &[u8],
        recipients: &[Address],
        purpose: Purpose,
        now: u64,
    ) -> Result<Vec<u8>, StoreError> {
        let id = object_name()?;
        let mac = self.mac(raw, recipients, purpose, &id, now);
        let field = format!(
            "{MARK}: v=1; p={}; id={id}; t={now};\r\n\tmac={}\r\n",
            purpose.word(),
            encode(&mac)
        );
        Ok([field.as_bytes(), raw].concat())
    }

    /// Whether `raw` bears a mark that is good for these recipients at `now`; that it was not used yet is
    /// [`Marks::arrived`]'s to say.
    #[must_use]
    pub fn verify(&self, raw: &[u8], recipients: &[Address], now: u64) -> Found {
        match self.good(raw, recipients, now) {
            Ok(Some(mark)) => Found::Genuine(mark.purpose),
            Ok(None) => Found::None,
            Err(why) => Found::Void(why),
        }
    }

    /// Looks at a message that arrives; `header` is the beginning of `raw`. A mark that is good is used up.
    /// Costs next to nothing where there is none.
    pub async fn arrived(
        &self,
        raw: &[u8],
        header: &[u8],
        recipients: &[Address],
        now: u64,
    ) -> Found {
        if !has_mark(header) {
            return Found::None;
        }
        let found = self.used_up(raw, recipients, now).await;
        match found {
            Found::None => {}
            Found::Genuine(_) => drop(self.genuine.fetch_add(1, Relaxed)),
            Found::Void(_) => drop(self.void.fetch_add(1, Relaxed)),
        }
        found
    }

    /// How many marks arrived that were good, and how many that were not.
    pub(crate) fn counted(&self) -> (u64, u64) {
        (self.genuine.load(Relaxed), self.void.load(Relaxed))
    }

    async fn used_up(&self, raw: &[u8], recipients: &[Address], now: u64) -> Found {
        let mark = match self.good(raw, recipients, now) {
            Ok(Some(mark)) => mark,
            Ok(None) => return Found::None,
            Err(why) => return Found::Void(why),
        };
        let store = Arc::clone(&self.store);
        let id = mark.id.into_bytes();
        let used = tokio::task::spawn_blocking(move || {
            let mut batch = Batch::new();
            let until = now + GOOD_FOR + CLOCKS_DIFFER;
            batch.expect(USED, &id, None).put_until(USED, &id, Vec::new(), until);
            store.write(&batch)
        });
        match used.await {
            Ok(Ok(Written::Done)) => Found::Genuine(mark.purpose),
            Ok(Ok(Written::Conflict)) => Found::Void("was used already"),
            // Passing it could not be kept to once; judging it loses nothing.
            Ok(Err(_)) | Err(_) => Found::Void("could not be noted as used"),
        }
    }

    /// The mark, when it is good; the error says why it isn't.
    fn good(
        &self,
        raw: &[u8],
        recipients: &[Address],
        now: u64,
    ) -> Result<Option<Mark>, &'static str> {
        let bounds =
            Bounds { parts: 1, text_bytes: 0, links: 0, archive_bytes: 0, ..Bounds::default() };
        let message = Message::parse(raw, &bounds);
        // Ours is on top; a message that is released may have come with another.
        let Some(field) = message.field(MARK) else { return Ok(None) };
        let mark = Mark::parse(&field.raw_text()).ok_or("is no mark of ours")?;
        let whole = self.parts(raw, recipients, mark.purpose, &mark.id, mark.time);
        let parts: Vec<&[u8]> = whole.iter().map(Vec::as_slice).collect();
        if !self.secret.verifies(&parts, &mark.mac) {
            return Err("was not made for this message and these recipients");
        }
        if now > mark.time.saturating_add(GOOD_FOR) || mark.time > now + CLOCKS_DIFFER {
            return Err("is too old");
        }
        Ok(Some(mark))
    }

    fn mac(
        &self,
        raw: &[u8],
        recipients: &[Address],
        purpose: Purpose,
        id: &str,
        time: u64,
    ) -> [u8; TAG] {
        let whole = self.parts(raw, recipients, purpose, id, time);
        self.secret.tag(&whole.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// What the HMAC is over.
    fn parts(
        &self,
        raw: &[u8],
        recipients: &[Address],
        purpose: Purpose,
        id: &str,
        time: u64,
    ) -> Vec<Vec<u8>> {
        let mut to: Vec<String> = recipients.iter().map(|to| to.as_str().to_lowercase()).collect();
        to.sort_unstable();
        to.dedup();
        let said = [purpose.word().into(), id.into(), time.to_be_bytes().to_vec()];
        let to = to.into_iter().map(String::into_bytes);
        said.into_iter().chain([content::as_read(raw).to_vec()]).chain(to).collect()
    }
}

impl Mark {
    fn parse(value: &str) -> Option<Self> {
        let of = |name: &str| {
            let mut tags = value.split(';').filter_map(|tag| tag.trim().split_once('='));
            tags.find(|(tag, _)| *tag == name).map(|(_, value)| value.trim())
        };
        let purpose = of("p")?;
        let id = of("id").filter(|id| id.len() <= 64)?;
        (of("v")? == "1").then_some(())?;
        Some(Self {
            purpose: Purpose::ALL.into_iter().find(|known| known.word() == purpose)?,
            id: id.to_owned(),
            time: of("t")?.parse().ok()?,
            mac: decode(of("mac")?).filter(|mac| mac.len() == TAG)?,
        })
    }
}

/// Whether a line of the header section begins as a mark does.
fn has_mark(header: &[u8]) -> bool {
    header.split(|byte| *byte == b'\n').any(|line| {
        line.get(..MARK.len()).is_some_and(|name| name.eq_ignore_ascii_case(MARK.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use tidegate_store::Memory;

    use super::*;

    const RAW: &[u8] = b"From: anna@shop.example\r\nSubject: Offer\r\n\r\nBuy\r\n";

    fn to(addresses: &[&str]) -> Vec<Address> {
        addresses.iter().map(|address| Address::new(address)).collect()
    }

    fn marks() -> Marks {
        Marks::of(Arc::new(Memory::new())).unwrap()
    }

    async fn arrived(marks: &Marks, raw: &[u8], recipients: &[Address], now: u64) -> Found {
        let end = raw.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 2;
        marks.arrived(raw, &raw[..end], recipients, now).await
    }

    #[tokio::test]
    async fn a_mark_lets_its_message_pass_once() {
        let (marks, bert) = (marks(), to(&["Bert@Example.test"]));
        let sealed = marks.seal(RAW, &bert, Purpose::Release, 1_000).unwrap();
        // An MTA puts its field on top, and spells the recipient as it likes.
        let sealed = [b"Received: by mx\r\n".as_slice(), &sealed].concat();
        let bert = to(&["bert@example.test"]);
        assert_eq!(arrived(&marks, &sealed, &bert, 1_005).await, Found::Genuine(Purpose::Release));
        assert_eq!(arrived(&marks, &sealed, &bert, 1_006).await, Found::Void("was used already"));
    }

    #[tokio::test]
    async fn a_mark_is_void_for_all_else() {
        let (marks, bert) = (marks(), to(&["bert@example.test"]));
        let sealed = marks.seal(RAW, &bert, Purpose::Copy, 1_000).unwrap();
        let text = String::from_utf8(sealed.clone()).unwrap();
        let other = "was not made for this message and these recipients";
        for (raw, recipients, now, why) in [
            (text.replace("Buy", "Sell"), bert.clone(), 1_001, other),
            (text.replace("p=copy", "p=digest"), bert.clone(), 1_001, other),
            (text.replace("t=1000", "t=1001"), bert.clone(), 1_001, other),
            (text.replace("mac=", "mac=0"), bert.clone(), 1_001, "is no mark of ours"),
            (text.clone(), to(&["carl@example.test"]), 1_001, other),
            (text.clone(), to(&["bert@example.test", "carl@example.test"]), 1_001, other),
            (text.clone(), bert.clone(), 5_000, "is too old"),
            (text.clone(), bert.clone(), 100, "is too old"),
        ] {
            assert_eq!(
                arrived(&marks, raw.as_bytes(), &recipients, now).await,
                Found::Void(why),
                "{raw}"
            );
        }
        assert_eq!(
            super::tests::marks().verify(&sealed, &bert, 1_001),
            Found::Void(other),
            "another site"
        );
        assert_eq!(arrived(&marks, RAW, &bert, 1_001).await, Found::None);
        assert_eq!(marks.verify(&sealed, &bert, 1_001), Found::Genuine(Purpose::Copy));
    }
}
