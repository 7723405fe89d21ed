//! How a list fares: does it list what it must, and not what it must not (RFC 5782, section 5).
//!
//! Invariant: what is not known of a zone does not set it aside; what is known to be wrong does.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::{Listing, Resolver, Side, Zone};

/// Time for all answers of one probe.
const PROBE_DEADLINE: Duration = Duration::from_secs(10);

/// How a zone fares.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Health {
    /// Not probed yet.
    #[default]
    Unproven,
    /// It lists its test point, and nothing that it must not.
    Sound,
    /// It lists what nobody can list: it ended, or lies to us.
    ListsTheWorld,
    /// It does not list its own test point: it ended, or does not serve us.
    ListsNothing,
    /// It refuses to answer us.
    Refuses,
    /// It did not answer in time.
    Unreachable,
}

impl Health {
    const ALL: [Self; 6] = [
        Self::Unproven,
        Self::Sound,
        Self::ListsTheWorld,
        Self::ListsNothing,
        Self::Refuses,
        Self::Unreachable,
    ];

    /// Whether a zone that fares so is worth asking.
    #[must_use]
    pub const fn is_usable(self) -> bool {
        matches!(self, Self::Unproven | Self::Sound | Self::Unreachable)
    }
}

/// A [`Health`] that is shared.
#[derive(Debug, Default)]
pub(crate) struct State(AtomicU8);

impl State {
    pub(crate) fn health(&self) -> Health {
        Health::ALL.get(usize::from(self.0.load(Ordering::Relaxed))).copied().unwrap_or_default()
    }

    pub(crate) fn becomes(&self, health: Health, zone: &Zone) {
        let place = Health::ALL.iter().position(|it| *it == health).unwrap_or_default();
        let before = self.0.swap(u8::try_from(place).unwrap_or_default(), Ordering::Relaxed);
        if usize::from(before) != place {
            tell(health, zone);
        }
    }
}

/// Says what has changed, and what to do about it.
fn tell(health: Health, zone: &Zone) {
    let zone = zone.name().as_str();
    match health {
        Health::Unproven | Health::Sound => tracing::info!(zone, "the list is sound"),
        Health::ListsTheWorld => tracing::warn!(
            zone,
            "the list answers \"listed\" to what it can't list and is set aside; \
             it may have ended, or asks for payment: see its site, or switch it off"
        ),
        Health::ListsNothing => tracing::warn!(
            zone,
            "the list does not list its own test point and is set aside; \
             it may have ended, or serve registered users only: see its site, or switch it off"
        ),
        Health::Refuses => tracing::warn!(
            zone,
            "the list refuses to answer this resolver and is set aside, as lists do with public \
             resolvers and with those that ask too much: run a resolver of your own and name it \
             in [dns] servers, register with the list, or switch it off"
        ),
        Health::Unreachable => tracing::warn!(
            zone,
            "the list did not answer its test in time; what it answers later still counts"
        ),
    }
}

/// Asks `zone` for its test points, and takes note of how it fares.
pub async fn probe(resolver: &Resolver, zone: &Zone) -> Health {
    let deadline = Instant::now() + PROBE_DEADLINE;
    let never: Vec<_> =
        zone.unlisted_points().iter().map(|it| resolver.start_openly(it.clone())).collect();
    let listed = resolver.start_openly(zone.listed_point().clone()).until(deadline).await;
    let listed = zone.listing(&listed);
    let mut unlisted = Vec::with_capacity(never.len());
    for lookup in never {
        unlisted.push(zone.listing(&lookup.until(deadline).await));
    }
    let health = conclude(&listed, &unlisted);
    zone.fares(health);
    health
}

/// What the answers about the subject that is always listed, and about those that never are, prove.
fn conclude(listed: &Listing, unlisted: &[Listing]) -> Health {
    let lists = |it: &Listing| matches!(it, Listing::Listed(_) | Listing::Undocumented(_));
    let all = || unlisted.iter().chain([listed]);
    if all().any(|it| *it == Listing::Refused) {
        Health::Refuses
    } else if unlisted.iter().any(lists) {
        Health::ListsTheWorld
    } else if all().any(|it| matches!(it, Listing::Unknown(_))) {
        Health::Unreachable
    } else if lists(listed) {
        Health::Sound
    } else {
        Health::ListsNothing
    }
}

/// Operators whose zones both block and allow one subject: their answers are not to be had by this
/// resolver, whatever they look like, so neither counts. `listing` are the zones that list it.
#[must_use]
pub fn contradicted<'z>(listing: &[&'z Zone]) -> Vec<&'z str> {
    let allows = listing.iter().filter(|zone| zone.side() == Side::Allow);
    let mut operators: Vec<&str> = allows
        .map(|zone| zone.operator())
        .filter(|operator| !operator.is_empty())
        .filter(|operator| {
            listing.iter().any(|it| it.side() == Side::Block && it.operator() == *operator)
        })
        .collect();
    operators.sort_unstable();
    operators.dedup();
    operators
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Why, ZoneConfig};

    /// By letters: `y` listed, `?` listed by a strange code, `n` not listed, `r` refused, `.` lost. The
    /// first is what must be listed, the others what must not.
    #[track_caller]
    fn check(said: &str, expect: Health) {
        let said = said.chars().map(|it| match it {
            'y' => Listing::Listed(vec![0]),
            '?' => Listing::Undocumented([127, 0, 0, 99].into()),
            'n' => Listing::NotListed,
            'r' => Listing::Refused,
            _ => Listing::Unknown(Why::Late),
        });
        let said: Vec<Listing> = said.collect();
        assert_eq!(conclude(&said[0], &said[1..]), expect);
    }

    #[test]
    fn the_test_points_prove_a_list_or_set_it_aside() {
        check("ynn", Health::Sound);
        check("?n", Health::Sound);
        check("yny", Health::ListsTheWorld);
        check("n?", Health::ListsTheWorld);
        check(".y", Health::ListsTheWorld);
        check("nn", Health::ListsNothing);
        check("ry", Health::Refuses);
        check("nr", Health::Refuses);
        check(".n", Health::Unreachable);
        check("y.", Health::Unreachable);
    }

    fn zone(side: &str, operator: &str) -> Zone {
        let written = format!(
            "zone = 'a.example'\nkind = 'ip'\nside = '{side}'\noperator = '{operator}'\n\
             codes = [{{ match = '127.0.0.2', signal = 'LISTED', score = 1.0 }}]"
        );
        Zone::try_from(toml::from_str::<ZoneConfig>(&written).unwrap()).unwrap()
    }

    #[test]
    fn an_operator_that_blocks_and_allows_one_subject_is_not_believed() {
        let (block, allow) = (zone("block", "One"), zone("allow", "One"));
        let (other, nobody) = (zone("allow", "Two"), [zone("block", ""), zone("allow", "")]);
        assert_eq!(contradicted(&[&block, &allow, &other, &allow]), ["One"]);
        assert!(contradicted(&[&block, &other]).is_empty());
        assert!(contradicted(&[&nobody[0], &nobody[1]]).is_empty());
    }
}
