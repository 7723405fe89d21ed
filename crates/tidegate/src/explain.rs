//! A verdict as a person reads it: outcome, score bar, why, and the signals by weight with their
//! evidence.
//!
//! Invariant: everything that counted is shown, and what a stranger wrote can't disturb the
//! terminal: evidence has no control characters.

use std::fmt::Write as _;

use tidegate_checks::authentication::AuthResult;
use tidegate_engine::Judged;
use tidegate_policy::{Action, Verdict, explain};
use tidegate_signal::Signal;

use crate::advice::advice;

/// How the reader sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    /// Columns of a line.
    pub(crate) width: usize,
    /// Whether colours are understood.
    pub(crate) colour: bool,
}

/// What of an envelope was made out from the message itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inferred {
    /// Nothing: it was given.
    Nothing,
    /// Who sent it; the recipients were given.
    Origin,
    /// All of it.
    All,
}

/// Cells of the score bar.
const BAR: usize = 30;
/// Where the words behind a label begin.
const LABEL: usize = 11;
/// Recipients that are told one by one.
const MOST_RECIPIENTS: usize = 20;
/// A signal's evidence takes no more lines than these.
const MOST_LINES: usize = 4;

impl View {
    /// As standard output wants it: colours for a terminal only, and not with `NO_COLOR`.
    pub(crate) fn of_output() -> Self {
        use std::io::IsTerminal as _;
        let columns = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            width: columns.unwrap_or(110).clamp(60, 140),
            colour: std::io::stdout().is_terminal() && !plain,
        }
    }

    /// Explains a message.
    pub(crate) fn explain(self, name: &str, judged: &Judged, inferred: Inferred) -> String {
        let mut text = format!("{}\n", self.paint("1", name));
        self.outcome(&mut text, judged);
        self.labelled(&mut text, "because", &judged.reason());
        self.recipients(&mut text, judged);
        self.labelled(&mut text, "from", &envelope(judged, inferred));
        self.labelled(&mut text, "proof", &proof(judged));
        for (family, before, after) in &judged.decision.capped {
            let words = format!("{family} counts as {after:.2} of {before:.2} points");
            self.labelled(&mut text, "weighed", &words);
        }
        if judged.missing.any() {
            let words = format!(
                "{} of {} answers of DNS did not come; they count for nothing",
                judged.missing.unanswered, judged.missing.asked
            );
            self.labelled(&mut text, "partial", &words);
        }
        if !judged.left_out.is_empty() {
            let words = format!("{}; for overload", judged.left_out.join(", "));
            self.labelled(&mut text, "left out", &words);
        }
        self.signals(&mut text, judged);
        text
    }

    /// What whoever sends such mail could mend; nothing where there is nothing to mend.
    pub(crate) fn advise(self, judged: &Judged) -> String {
        let lines = advice(judged);
        if lines.is_empty() {
            return String::new();
        }
        let mut text = format!("  {}\n", self.paint("2", "If you send this mail"));
        for line in lines {
            let line = printable(&line);
            let _ = writeln!(text, "    {}", self.wrapped(&line, 6, MOST_LINES));
        }
        text
    }

    fn outcome(self, text: &mut String, judged: &Judged) {
        let decision = &judged.decision;
        let action = common_action(judged);
        let word = action.map_or("split", Action::as_str).to_uppercase();
        let limits = &decision.thresholds;
        let colour = colour_of(action.map_or(judged.verdict(), Action::verdict));
        let _ = writeln!(
            text,
            "  {} {:>6.2} points   {}   tag {} · quarantine {} · reject {}",
            self.paint(&format!("1;{colour}"), &format!("{word:<10}")),
            decision.score,
            self.paint(colour, &bar(decision.score, limits.tag, limits.quarantine, limits.reject)),
            limits.tag,
            limits.quarantine,
            limits.reject,
        );
    }

    /// Each recipient's outcome, where they differ.
    fn recipients(self, text: &mut String, judged: &Judged) {
        if !judged.is_split() {
            return;
        }
        for recipient in judged.recipients.iter().take(MOST_RECIPIENTS) {
            let address = printable(recipient.address.as_str());
            let (action, reason) = (recipient.own.decision.action, &recipient.reason);
            self.labelled(text, "for", &format!("{address}: {action}: {reason}"));
        }
        let more = judged.recipients.len().saturating_sub(MOST_RECIPIENTS);
        if more > 0 {
            self.labelled(text, "for", &format!("{more} more, whom --json tells"));
        }
    }

    fn labelled(self, text: &mut String, label: &str, words: &str) {
        if words.is_empty() {
            return;
        }
        let label = self.paint("2", &format!("{label:<width$}", width = LABEL - 2));
        let _ = writeln!(text, "  {label}{}", self.wrapped(words, LABEL, usize::MAX));
    }

    fn signals(self, text: &mut String, judged: &Judged) {
        let sorted = explain::by_weight(judged.told());
        let (counted, noticed): (Vec<&Signal>, Vec<&Signal>) =
            sorted.into_iter().partition(|signal| signal.score() != 0.0);
        let names = counted.iter().chain(&noticed).map(|signal| signal.name().len());
        let name_width = names.max().unwrap_or(0).min(36);
        let is_decisive =
            |signal: &Signal| judged.decision.decisive.iter().any(|name| name == signal.name());
        for signal in &counted {
            let mark = if is_decisive(signal) { '▸' } else { ' ' };
            let points = format!("{:+7.2}", signal.score());
            let colour = if signal.score() > 0.0 { "31" } else { "32" };
            let lead = format!("  {mark}{}  ", self.paint(colour, &points));
            self.signal(text, &lead, signal, name_width);
        }
        if !noticed.is_empty() {
            let _ = writeln!(text, "  {}", self.paint("2", "also noticed"));
        }
        for signal in noticed {
            self.signal(text, &" ".repeat(12), signal, name_width);
        }
        if !judged.decision.decisive.is_empty() {
            let words = "▸ decisive: without these it would have come out otherwise";
            let _ = writeln!(text, "  {}", self.paint("2", words));
        }
    }

    fn signal(self, text: &mut String, lead: &str, signal: &Signal, name_width: usize) {
        const FAMILY_WIDTH: usize = 14;
        let mut words = match signal.detail() {
            "" => signal.says().to_owned(),
            detail => format!("{}: {detail}", signal.says()),
        };
        if signal.is_damped() {
            words.insert_str(0, "(damped: users corrected it, see 'tidegate guard list') ");
        }
        let indent = 12 + name_width + 2 + FAMILY_WIDTH + 2;
        let _ = writeln!(
            text,
            "{lead}{:<name_width$}  {}  {}",
            signal.name(),
            self.paint("2", &format!("{:<FAMILY_WIDTH$}", signal.family().as_str())),
            self.wrapped(&words, indent, MOST_LINES),
        );
    }

    /// `words` from column `indent` on, broken at spaces, in at most so many lines.
    fn wrapped(self, words: &str, indent: usize, most_lines: usize) -> String {
        let room = self.width.saturating_sub(indent).max(24);
        let mut lines: Vec<Vec<char>> = vec![Vec::new()];
        for word in words.split(' ').filter(|word| !word.is_empty()) {
            let word: Vec<char> = word.chars().collect();
            match lines.last_mut() {
                Some(line) if line.is_empty() || line.len() + 1 + word.len() <= room => {
                    line.extend((!line.is_empty()).then_some(' '));
                    line.extend(word);
                }
                _ => lines.push(word),
            }
        }
        // What is longer than a line by itself, a link most often, is cut.
        let mut lines: Vec<String> = lines
            .iter()
            .flat_map(|line| line.chunks(room))
            .map(|line| line.iter().collect())
            .collect();
        if lines.len() > most_lines {
            lines.truncate(most_lines);
            lines.last_mut().into_iter().for_each(|last| last.push('…'));
        }
        lines.join(&format!("\n{}", " ".repeat(indent)))
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// What becomes of a message, in the recipients' own word where they all have the same.
fn common_action(judged: &Judged) -> Option<Action> {
    let mut each = judged.recipients.iter().map(|recipient| recipient.own.decision.action);
    let first = each.next().unwrap_or(judged.decision.action);
    each.all(|other| other == first).then_some(first)
}

const fn colour_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Accept => "32",
        Verdict::Tag => "33",
        Verdict::Quarantine => "35",
        Verdict::Defer => "36",
        Verdict::Reject => "31",
    }
}

/// From 0 to the rejection; where outcomes begin is marked.
fn bar(score: f32, tag: f32, quarantine: f32, reject: f32) -> String {
    let cell = |points: f32| (points / reject * BAR as f32).round().clamp(0.0, BAR as f32) as usize;
    let (full, marks) = (cell(score), [cell(tag), cell(quarantine)]);
    let cells = (0..BAR).map(|at| match at {
        at if at < full => '█',
        at if marks.contains(&at) => '┊',
        _ => '·',
    });
    format!("▐{}▌", cells.collect::<String>())
}

fn envelope(judged: &Judged, inferred: Inferred) -> String {
    const FROM_HEADER: &str = " (as its header says; --ip, --helo and --from say otherwise)";
    let envelope = &judged.envelope;
    let mut words = match &envelope.sender {
        Some(sender) if sender.is_null() => "<>".to_owned(),
        Some(sender) => sender.as_str().to_owned(),
        None => "an unknown sender".to_owned(),
    };
    if let Some(client) = envelope.client {
        let name =
            envelope.client_name.as_deref().map(|name| format!("{name} ")).unwrap_or_default();
        let _ = write!(words, " by {name}[{client}]");
    }
    if let Some(helo) = &envelope.helo {
        let _ = write!(words, ", HELO {helo}");
    }
    if inferred == Inferred::Origin {
        words.push_str(FROM_HEADER);
    }
    if let [first, more @ ..] = &envelope.recipients[..] {
        let _ = write!(words, ", to {}", first.as_str());
        if !more.is_empty() {
            let _ = write!(words, " and {} more", more.len());
        }
    }
    if inferred == Inferred::All {
        words.push_str(FROM_HEADER);
    }
    printable(&words)
}

/// What strangers wrote, without what would disturb the terminal.
fn printable(words: &str) -> String {
    words.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

fn proof(judged: &Judged) -> String {
    let proof = &judged.authentication;
    let word = |result: AuthResult| match result {
        AuthResult::TempError if judged.missing.offline => "not asked",
        result => result.as_str(),
    };
    let dkim: Vec<String> = proof
        .dkim
        .iter()
        .take(3)
        .map(|signature| format!("{} ({})", word(signature.result), signature.domain))
        .collect();
    format!(
        "SPF {}, DKIM {}, DMARC {}, ARC {}",
        word(proof.spf.result),
        if dkim.is_empty() { "none".to_owned() } else { dkim.join(" ") },
        word(proof.dmarc.result),
        word(proof.arc.result),
    )
}

#[cfg(test)]
mod tests {
    use tidegate_engine::{Fields, Missing, Timings};
    use tidegate_mail::{Address, Envelope};
    use tidegate_policy::Policy;
    use tidegate_signal::{Family, SignalDef, Signals};

    use super::*;

    static LATE: SignalDef =
        SignalDef::new("DATE_IN_FUTURE", Family::Headers, 8.0, "The date lies in the future");
    static LINK: SignalDef =
        SignalDef::new("LINK_TEXT_LIES", Family::Links, 14.0, "A link claims to lead elsewhere");
    static GOOD: SignalDef =
        SignalDef::new("DKIM_PASS", Family::Authentication, -0.1, "A signature verifies");
    static SEEN: SignalDef =
        SignalDef::new("LIST_UNSUBSCRIBE", Family::Bulk, 0.0, "Offers a way to unsubscribe");

    fn judged(signals: Signals) -> Judged {
        Judged {
            envelope: Envelope {
                client: Some("203.0.113.9".parse().unwrap()),
                client_name: Some("mail.shop.example".to_owned()),
                helo: Some("mail.shop.example".to_owned()),
                sender: Some(Address::new("anna@shop.example")),
                recipients: vec![Address::new("b@example.test"), Address::new("c@example.test")],
                ..Envelope::default()
            },
            decision: Policy::default().decide(&signals),
            signals,
            own_signals: None,
            recipients: Vec::new(),
            authentication: Default::default(),
            trust: Default::default(),
            fields: Fields::default(),
            missing: Missing { asked: 20, unanswered: 3, offline: false },
            left_out: Vec::new(),
            learnable: None,
            recording: None,
            timings: Timings::default(),
        }
    }

    #[test]
    fn a_rejection_is_explained() {
        let mut signals = Signals::new();
        signals.raise(&GOOD, "shop.example");
        signals.raise(&SEEN, "");
        signals.raise(&LATE, "by 3 days");
        let link =
            "\"www.bank.example\" leads to http://203.0.113.77/~u1234/www.bank.example/login.php";
        signals.raise(&LINK, link);
        let view = View { width: 100, colour: false };
        insta::assert_snapshot!(view.explain("mail.eml", &judged(signals), Inferred::All));
    }

    #[test]
    fn mail_of_which_nothing_is_said_is_explained() {
        let view = View { width: 100, colour: false };
        insta::assert_snapshot!(view.explain(
            "mail.eml",
            &judged(Signals::new()),
            Inferred::Nothing
        ));
    }

    #[test]
    fn colours_mark_the_outcome() {
        let view = View { width: 100, colour: true };
        let text = view.explain("mail.eml", &judged(Signals::new()), Inferred::Nothing);
        assert!(text.starts_with("\x1b[1mmail.eml\x1b[0m\n  \x1b[1;32mACCEPT"), "{text:?}");
    }

    #[test]
    fn the_bar_is_full_at_the_rejection_and_marks_what_comes_before() {
        assert_eq!(bar(0.0, 5.0, 8.0, 15.0), "▐··········┊·····┊·············▌");
        assert_eq!(bar(6.0, 5.0, 8.0, 15.0), "▐████████████····┊·············▌");
        assert_eq!(bar(99.0, 5.0, 8.0, 15.0), format!("▐{}▌", "█".repeat(30)));
        assert_eq!(bar(-4.0, 5.0, 8.0, 15.0), bar(0.0, 5.0, 8.0, 15.0));
    }

    #[test]
    fn words_are_wrapped_within_the_width_and_long_ones_are_cut() {
        let view = View { width: 40, colour: false };
        let text = view.wrapped("one two three four five six seven eight", 10, 9);
        assert_eq!(text, "one two three four five six\n          seven eight");
        let link = format!("http://{}", "x".repeat(100));
        let text = view.wrapped(&link, 10, 3);
        assert!(text.lines().all(|line| line.trim().chars().count() <= 31), "{text}");
        assert!(text.ends_with('…'), "{text}");
    }
}
