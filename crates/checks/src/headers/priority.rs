//! Fields by which mail programs mark urgency, without the fields that those programs always write
//! beside them.
//!
//! Invariant: what a list's program may have removed is held against nobody, and one message raises
//! one of these signals.

use tidegate_dns::Answers;
use tidegate_signal::{Family, SignalDef, Signals};

use crate::bulk::precedence::of_a_list;
use crate::{Check, Known};

/// `X-MSMail-Priority` and no `X-MimeOLE`: Outlook writes both or neither.
pub static PRIORITY_NOT_OF_OUTLOOK: SignalDef = SignalDef::new(
    "PRIORITY_NOT_OF_OUTLOOK",
    Family::Headers,
    1.2,
    "The message has Outlook's mark of priority, and Outlook didn't write it",
);
/// `X-Priority`, and no program that says it wrote it.
pub static PRIORITY_OF_NO_PROGRAM: SignalDef = SignalDef::new(
    "PRIORITY_OF_NO_PROGRAM",
    Family::Headers,
    1.0,
    "The message has a mark of priority, and no mail program's name",
);

/// Looks at marks of priority.
#[derive(Default)]
pub struct Priority;

impl Check for Priority {
    const KEY: &'static str = "headers.priority";
    const RAISES: &'static [&'static SignalDef] =
        &[&PRIORITY_NOT_OF_OUTLOOK, &PRIORITY_OF_NO_PROGRAM];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(message) = known.message else { return };
        let has = |name: &str| message.field(name).is_some();
        if of_a_list(message) {
            return;
        }
        // Outlook since 2003 writes Thread-Index, and X-MimeOLE only when it sends by SMTP.
        let by_outlook = has("x-mimeole") || has("thread-index");
        let by_some_program = ["x-mailer", "user-agent", "x-newsreader"].into_iter().any(has);
        if let Some(field) = message.field("x-msmail-priority").filter(|_| !by_outlook) {
            signals.raise(&PRIORITY_NOT_OF_OUTLOOK, field.raw_text());
        } else if let Some(field) = message.field("x-priority")
            && !by_outlook
            && !by_some_program
        {
            signals.raise(&PRIORITY_OF_NO_PROGRAM, field.raw_text());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::raised;

    #[track_caller]
    fn check(header: &str, expect: &[&str]) {
        assert_eq!(raised::<Priority>(&format!("{header}\n\nHello\n")), expect, "{header}");
    }

    #[test]
    fn marks_of_honest_programs_raise_nothing() {
        check("X-Priority: 3\nX-Mailer: Example 1.0", &[]);
        check(
            "X-Priority: 3\nX-MSMail-Priority: Normal\nX-Mailer: Outlook\nX-MimeOLE: Produced By",
            &[],
        );
        check("X-Priority: 1\nList-Post: <mailto:a@lists.example.org>", &[]);
    }

    #[test]
    fn marks_without_their_program_are_told() {
        check("X-Priority: 1", &["PRIORITY_OF_NO_PROGRAM"]);
        check("X-MSMail-Priority: High\nX-Mailer: x", &["PRIORITY_NOT_OF_OUTLOOK"]);
        check("X-Priority: 1\nX-MSMail-Priority: High", &["PRIORITY_NOT_OF_OUTLOOK"]);
    }
}
