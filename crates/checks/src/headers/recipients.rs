//! Lists of recipients that were made from a list of addresses, not by a person.
//!
//! Invariant: a list of a handful of colleagues is never enough.

use tidegate_dns::Answers;
use tidegate_mail::{Mailbox, Message};
use tidegate_signal::{Family, SignalDef, Signals};

use crate::bulk::precedence::of_a_list;
use crate::{Check, Known};

/// In the order of the alphabet.
pub static RECIPIENTS_SORTED: SignalDef = SignalDef::new(
    "RECIPIENTS_SORTED",
    Family::Headers,
    1.2,
    "The recipients stand in the order of the alphabet",
);
/// With mailboxes that begin alike.
pub static RECIPIENTS_ALIKE: SignalDef = SignalDef::new(
    "RECIPIENTS_ALIKE",
    Family::Headers,
    1.0,
    "The recipients have names that begin alike, as in a list of addresses",
);
/// `undisclosed-recipients:;`.
pub static RECIPIENTS_UNDISCLOSED: SignalDef = SignalDef::new(
    "RECIPIENTS_UNDISCLOSED",
    Family::Headers,
    0.8,
    "The message says that its recipients are not disclosed",
);
/// Very many.
pub static RECIPIENTS_MANY: SignalDef = SignalDef::new(
    "RECIPIENTS_MANY",
    Family::Headers,
    0.0,
    "The message names very many recipients",
);

/// Looks at To and Cc.
#[derive(Default)]
pub struct Recipients;

/// Fewer than these may be in order, or alike, by chance.
const FEWEST: usize = 7;
const FEWEST_ALIKE: usize = 5;
const MANY: usize = 50;
/// More than these are not compared.
const MOST: usize = 200;

impl Check for Recipients {
    const KEY: &'static str = "headers.recipients";
    const RAISES: &'static [&'static SignalDef] =
        &[&RECIPIENTS_SORTED, &RECIPIENTS_ALIKE, &RECIPIENTS_UNDISCLOSED, &RECIPIENTS_MANY];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(message) = known.message else { return };
        let count = message.to().len() + message.cc().len();
        if count >= MANY {
            signals.raise(&RECIPIENTS_MANY, format!("{count} of them"));
        }
        // In a thread, those who answer are gathered; a list's program may sort them.
        if of_a_list(message) || message.field("in-reply-to").is_some() {
            return;
        }
        if says_undisclosed(message) {
            signals.raise(&RECIPIENTS_UNDISCLOSED, "");
        }
        if message.to().len().max(message.cc().len()) >= FEWEST && is_sorted(message) {
            signals.raise(&RECIPIENTS_SORTED, format!("{count} of them"));
        }
        if count >= FEWEST_ALIKE && are_alike(message, count) {
            signals.raise(&RECIPIENTS_ALIKE, format!("{count} of them"));
        }
    }
}

/// The name of the empty group that MTAs and programs write where there is no To; some make an
/// address of it.
fn says_undisclosed(message: &Message<'_>) -> bool {
    message.field("to").is_some_and(|to| {
        let mut words = to.value.split(|b| !b.is_ascii_alphabetic());
        words.any(|word| word.eq_ignore_ascii_case(b"undisclosed"))
    })
}

/// Addresses, not display names: people sort by surname.
fn is_sorted(message: &Message<'_>) -> bool {
    let list = if message.to().len() >= FEWEST { message.to() } else { message.cc() };
    let list = list.get(..MOST).unwrap_or(list);
    list.windows(2).all(|pair| {
        let [a, b] = pair else { return true };
        let lower = |mailbox: &Mailbox| mailbox.address.local().to_ascii_lowercase();
        lower(a) < lower(b)
    })
}

/// Whether neighbours begin with the same three letters, nearly everywhere.
fn are_alike(message: &Message<'_>, count: usize) -> bool {
    let all = || message.to().iter().chain(message.cc()).take(MOST);
    let alike = all()
        .zip(all().skip(1))
        .filter(|(a, b)| {
            let (a, b) = (a.address.local(), b.address.local());
            match (a.as_bytes().get(..3), b.as_bytes().get(..3)) {
                (Some(start), Some(next)) => start.eq_ignore_ascii_case(next) && a != b,
                _ => false,
            }
        })
        .count();
    alike * 4 >= (count.min(MOST) - 1) * 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::raised;

    #[track_caller]
    fn check(names: &str, expect: &[&str]) {
        let list: Vec<_> = names.split(' ').map(|name| format!("{name}@example.org")).collect();
        let raw = format!("From: a@b.example\nTo: {}\n\nHello\n", list.join(", "));
        assert_eq!(raised::<Recipients>(&raw), expect, "{names}");
    }

    #[test]
    fn lists_that_people_write_raise_nothing() {
        check("anna", &[]);
        check("anna berta carl dora", &[]);
        check("otto anna carl berta dora emil fritz gustav", &[]);
        check("info-a sales office press", &[]);
    }

    #[test]
    fn an_undisclosed_list_is_told() {
        let raw = "From: a@b.example\nTo: undisclosed-recipients:;\n\nHello\n";
        assert_eq!(raised::<Recipients>(raw), ["RECIPIENTS_UNDISCLOSED"]);
    }

    #[test]
    fn lists_from_a_list_are_told() {
        check("anna berta carl dora emil fritz gustav", &["RECIPIENTS_SORTED"]);
        check("jim jimmy jimbo jimx jim2 jim1", &["RECIPIENTS_ALIKE"]);
    }
}
