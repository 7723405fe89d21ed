//! Which fields of a header section have a name, without a look at each of them.
//!
//! Invariant: fields of one name are found in the order in which they stand.

use crate::Field;

/// Places of names; several names may share one.
const PLACES: usize = 64;

/// No field.
const NONE: u32 = u32::MAX;

/// Where the fields of each name stand.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    /// By place: the first field.
    first: [u32; PLACES],
    /// By field: the next one of the same place.
    next: Vec<u32>,
}

impl Index {
    pub(crate) fn new(fields: &[Field<'_>]) -> Self {
        let (mut first, mut next) = ([NONE; PLACES], vec![NONE; fields.len()]);
        for (at, field) in fields.iter().enumerate().rev() {
            let place = place(field.name);
            next[at] = first[place];
            first[place] = at as u32;
        }
        Self { first, next }
    }

    /// Where fields stand among which are all of that name.
    pub(crate) fn near(&self, name: &str) -> impl Iterator<Item = usize> {
        let known = |at: u32| (at != NONE).then_some(at as usize);
        let next = move |at: &usize| self.next.get(*at).copied().and_then(known);
        std::iter::successors(known(self.first[place(name)]), next)
    }
}

/// By length, first and last letter, their case aside.
#[inline]
fn place(name: &str) -> usize {
    let letter = |byte: Option<&u8>| usize::from(byte.map_or(0, |byte| byte | 0x20));
    let bytes = name.as_bytes();
    // Factors that spread the names that mail has.
    (bytes.len() * 6 + letter(bytes.first()) * 5 + letter(bytes.last()) * 31) % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bounds, Message};

    #[test]
    fn fields_of_a_name_are_found_in_their_order_whatever_shares_their_place() {
        let names: Vec<String> = (0..300).map(|n| format!("X-{}", n % 150)).collect();
        let places: std::collections::HashSet<usize> =
            names.iter().map(|name| place(name)).collect();
        assert!(places.len() < 150, "some names share a place");
        let raw: String =
            names.iter().enumerate().map(|(n, name)| format!("{name}: {n}\r\n")).collect();
        let message = Message::parse(raw.as_bytes(), &Bounds::default());
        for name in 0..150 {
            let found: Vec<_> =
                message.fields_named(&format!("x-{name}")).map(|field| field.raw_text()).collect();
            assert_eq!(found, [name.to_string(), (name + 150).to_string()]);
        }
        assert!(message.field("X-150").is_none() && message.field("").is_none());
    }
}
