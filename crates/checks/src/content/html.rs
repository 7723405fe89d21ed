//! HTML that has no place in a letter: programs, forms, frames, marks that break words apart.
//!
//! Invariant: what newsletters need (tables, styles, remote pictures) raises nothing, and a tracking
//! pixel is told without points.

use tidegate_dns::Answers;
use tidegate_mail::Message;
use tidegate_signal::{Family, SignalDef, Signals};

use crate::{Check, Known};

/// No plain part beside the HTML.
pub static HTML_WITHOUT_PLAIN: SignalDef = SignalDef::new(
    "HTML_WITHOUT_PLAIN",
    Family::Content,
    0.3,
    "The message has HTML and no plain text beside it",
);
/// `Content-Type: text/html` and no character set.
pub static HTML_WITHOUT_CHARSET: SignalDef = SignalDef::new(
    "HTML_WITHOUT_CHARSET",
    Family::Content,
    0.4,
    "The message is HTML that doesn't say in which character set",
);
/// A form.
pub static HTML_HAS_FORM: SignalDef =
    SignalDef::new("HTML_HAS_FORM", Family::Content, 0.0, "The HTML has a form to be filled in");
/// A field for a password.
pub static HTML_ASKS_PASSWORD: SignalDef =
    SignalDef::new("HTML_ASKS_PASSWORD", Family::Content, 2.5, "The HTML asks for a password");
/// A script.
pub static HTML_HAS_SCRIPT: SignalDef =
    SignalDef::new("HTML_HAS_SCRIPT", Family::Content, 0.4, "The HTML carries a program");
/// Attributes that run a program.
pub static HTML_HAS_HANDLERS: SignalDef = SignalDef::new(
    "HTML_HAS_HANDLERS",
    Family::Content,
    0.4,
    "Elements of the HTML run a program when they are touched",
);
/// A frame or an embedded object.
pub static HTML_HAS_FRAME: SignalDef =
    SignalDef::new("HTML_HAS_FRAME", Family::Content, 0.0, "The HTML shows another page in itself");
/// `<meta http-equiv=refresh>`.
pub static HTML_REFRESHES: SignalDef =
    SignalDef::new("HTML_REFRESHES", Family::Content, 1.0, "The HTML leads away by itself");
/// `<base href>`.
pub static HTML_HAS_BASE: SignalDef = SignalDef::new(
    "HTML_HAS_BASE",
    Family::Content,
    0.0,
    "The HTML completes its links by an address that stands elsewhere",
);
/// Comments or made-up tags between the letters of words.
pub static HTML_BREAKS_WORDS: SignalDef = SignalDef::new(
    "HTML_BREAKS_WORDS",
    Family::Content,
    1.8,
    "The HTML breaks words apart by marks that nobody sees",
);
/// Tags that HTML doesn't have, in number.
pub static HTML_TAGS_UNKNOWN: SignalDef = SignalDef::new(
    "HTML_TAGS_UNKNOWN",
    Family::Content,
    0.6,
    "The HTML has tags in it that don't exist",
);
/// A picture that nobody sees.
pub static HTML_TRACKS_READER: SignalDef = SignalDef::new(
    "HTML_TRACKS_READER",
    Family::Content,
    0.0,
    "A picture that nobody sees tells the sender that the message was opened",
);

/// Looks at the HTML.
#[derive(Default)]
pub struct Html;

/// Words broken apart; a few stand in HTML that was converted from elsewhere.
const BROKEN_WORDS: u32 = 4;
const UNKNOWN_TAGS: u32 = 5;

impl Check for Html {
    const KEY: &'static str = "content.html";
    const RAISES: &'static [&'static SignalDef] = &[
        &HTML_WITHOUT_PLAIN,
        &HTML_WITHOUT_CHARSET,
        &HTML_HAS_FORM,
        &HTML_ASKS_PASSWORD,
        &HTML_HAS_SCRIPT,
        &HTML_HAS_HANDLERS,
        &HTML_HAS_FRAME,
        &HTML_REFRESHES,
        &HTML_HAS_BASE,
        &HTML_BREAKS_WORDS,
        &HTML_TAGS_UNKNOWN,
        &HTML_TRACKS_READER,
    ];

    fn judge(&self, known: &Known<'_>, _: &Answers, signals: &mut Signals) {
        let Some(message) = known.message else { return };
        if message.html_source().is_empty() {
            return;
        }
        if !has_plain(message) {
            signals.raise(&HTML_WITHOUT_PLAIN, "");
        }
        let whole = message.parts().first();
        if whole.is_some_and(|part| part.content_type == "text/html" && part.charset.is_none()) {
            signals.raise(&HTML_WITHOUT_CHARSET, "");
        }
        let html = message.html();
        let counted = [
            (html.forms, &HTML_HAS_FORM),
            (html.password_inputs, &HTML_ASKS_PASSWORD),
            (html.scripts, &HTML_HAS_SCRIPT),
            (html.event_handlers, &HTML_HAS_HANDLERS),
            (html.frames, &HTML_HAS_FRAME),
            (html.tracking_pixels, &HTML_TRACKS_READER),
        ];
        for (count, def) in counted.into_iter().filter(|(count, _)| *count > 0) {
            signals.raise(def, if count == 1 { String::new() } else { format!("{count} times") });
        }
        if html.refresh {
            signals.raise(&HTML_REFRESHES, "");
        }
        if html.base {
            signals.raise(&HTML_HAS_BASE, "");
        }
        // A few unknown tags are an editor's own; many, against the whole, are noise.
        if html.unknown_tags >= UNKNOWN_TAGS && html.unknown_tags * 10 >= html.tags {
            let evidence = format!("{} of {}", html.unknown_tags, html.tags);
            signals.raise(&HTML_TAGS_UNKNOWN, evidence);
        }
        if html.broken_words >= BROKEN_WORDS {
            signals.raise(&HTML_BREAKS_WORDS, format!("{} times", html.broken_words));
        }
    }
}

/// Whether there is a plain part, even an empty one.
fn has_plain(message: &Message<'_>) -> bool {
    !message.plain().trim().is_empty()
        || message.parts().iter().any(|part| part.declared && part.content_type == "text/plain")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::testing::raised;

    #[track_caller]
    fn check(html: &str, expect: &[&str]) {
        let raw = format!(
            "From: a@b.example\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=x\n\n\
             --x\nContent-Type: text/plain\n\nHello\n\
             --x\nContent-Type: text/html\n\n<html><body>{html}</body></html>\n--x--\n"
        );
        assert_eq!(raised::<Html>(&raw), expect, "{html}");
    }

    #[test]
    fn a_newsletter_raises_nothing() {
        check("<table><tr><td style=\"color:red\">Hello</td></tr></table>", &[]);
        check(
            "<!-- head --><p>One<!-- comment --> two</p><img src=\"https://a.example/x.png\">",
            &[],
        );
    }

    #[test]
    fn what_has_no_place_in_a_letter_is_told() {
        check("<form action=\"https://a.example/\"><input name=a></form>", &["HTML_HAS_FORM"]);
        check(
            "<form action=\"https://a.example/\"><input type=password></form>",
            &["HTML_HAS_FORM", "HTML_ASKS_PASSWORD"],
        );
        check("<script>alert(1)</script>", &["HTML_HAS_SCRIPT"]);
        check("<iframe src=\"https://a.example/\"></iframe>", &["HTML_HAS_FRAME"]);
        check("V<!--a-->i<!--b-->a<!--c-->g<!--d-->ra", &["HTML_BREAKS_WORDS"]);
    }

    #[test]
    fn html_alone_is_told() {
        let raw = "Content-Type: text/html; charset=utf-8\n\n<p>Hello</p>\n";
        assert_eq!(raised::<Html>(raw), ["HTML_WITHOUT_PLAIN"]);
        let raw = "Content-Type: text/html\n\n<p>Hello</p>\n";
        assert_eq!(raised::<Html>(raw), ["HTML_WITHOUT_PLAIN", "HTML_WITHOUT_CHARSET"]);
    }
}
