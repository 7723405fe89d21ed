//! Names for addresses in the log: the same address has the same one for some days, and nobody without
//! the key can tell whose it is. After that the key is destroyed, and with it the link.
//!
//! Invariant: a key is random, and in no other place than the store, which expires it.

use std::num::NonZeroU32;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use data_encoding::HEXLOWER;
use tidegate_store::{Batch, Secret, Space, Store, StoreError, Written, random};

const KEYS: Space = Space::new("log.key");
const DAY: u64 = 86_400;
/// Octets of a name that are written.
const OCTETS: usize = 6;

/// Gives names.
pub(crate) struct Pseudonyms {
    /// None: names last as long as the process.
    store: Option<Arc<dyn Store>>,
    days: u64,
    current: ArcSwapOption<Key>,
}

struct Key {
    period: u64,
    secret: Secret,
}

impl Pseudonyms {
    /// With names that last `days`, and can be told for as long again.
    pub(crate) fn new(store: Option<Arc<dyn Store>>, days: NonZeroU32) -> Self {
        Self { store, days: u64::from(days.get()), current: ArcSwapOption::empty() }
    }

    /// The name of `address` at `now`, such as `~3fa90c11d2e4`; a bare `~` when no key can be had. Reads
    /// and writes the store when a period begins.
    pub(crate) fn name(&self, address: &str, now: u64) -> String {
        let period = now / (self.days * DAY);
        let known = self.current.load();
        if let Some(key) = known.as_ref().filter(|key| key.period == period) {
            return named(&key.secret, address);
        }
        match self.key(period) {
            Ok(secret) => {
                let name = named(&secret, address);
                self.current.store(Some(Arc::new(Key { period, secret })));
                name
            }
            // The log calls this: it can't be told there.
            Err(_) => "~".to_owned(),
        }
    }

    /// The names that `address` has had and that can still be told, with the first day of each, in
    /// seconds since 1970: for whoever is asked what the log says of them.
    pub(crate) fn names(&self, address: &str, now: u64) -> Result<Vec<(u64, String)>, StoreError> {
        let Some(store) = &self.store else { return Ok(Vec::new()) };
        let this = now / (self.days * DAY);
        let mut names = Vec::new();
        for period in this.saturating_sub(1)..=this {
            if let Some(key) = store.get(KEYS, &period.to_be_bytes())? {
                names.push((period * self.days * DAY, named(&Secret::from_key(&key), address)));
            }
        }
        Ok(names)
    }

    fn key(&self, period: u64) -> Result<Secret, StoreError> {
        let Some(store) = &self.store else { return Ok(Secret::from_key(&random()?)) };
        loop {
            if let Some(key) = store.get(KEYS, &period.to_be_bytes())? {
                return Ok(Secret::from_key(&key));
            }
            let ends = (period + 2) * self.days * DAY;
            let mut batch = Batch::new();
            batch.expect(KEYS, &period.to_be_bytes(), None).put_until(
                KEYS,
                &period.to_be_bytes(),
                random()?.to_vec(),
                ends,
            );
            let (Written::Done | Written::Conflict) = store.write(&batch)?;
        }
    }
}

fn named(secret: &Secret, address: &str) -> String {
    format!("~{}", HEXLOWER.encode(&secret.tag(&[address.to_lowercase().as_bytes()])[..OCTETS]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_store::Memory;

    #[test]
    fn a_name_lasts_for_its_days_and_is_the_same_after_a_restart() {
        let store: Arc<dyn Store> = Arc::new(Memory::new());
        let names = || Pseudonyms::new(Some(Arc::clone(&store)), NonZeroU32::new(7).unwrap());
        let monday = 7 * DAY * 3_000;
        let name = names().name("anna@example.org", monday);
        assert_eq!(names().name("Anna@Example.org", monday + 6 * DAY), name);
        assert_ne!(names().name("bert@example.org", monday), name);
        assert_ne!(names().name("anna@example.org", monday + 7 * DAY), name);
        assert_eq!(names().names("anna@example.org", monday).unwrap(), [(monday, name)]);
    }

    #[test]
    fn without_its_key_nobody_can_tell_a_name() {
        let store: Arc<dyn Store> = Arc::new(Memory::new());
        let names = Pseudonyms::new(Some(Arc::clone(&store)), NonZeroU32::MIN);
        names.name("anna@example.org", 10 * DAY);
        store.expire(12 * DAY, 100).unwrap();
        assert_eq!(names.names("anna@example.org", 10 * DAY).unwrap(), []);
    }
}
