//! Whether a reply can be delivered: the domains of the envelope sender and of From have a mail
//! exchanger or an address (RFC 5321, section 5.1), and don't say that they take no mail (RFC 7505).
//!
//! Invariant: said only when every lookup of that domain was answered.

use tidegate_dns::{Answers, Name, Question};
use tidegate_signal::{Family, SignalDef, Signals};

use crate::{Check, Known, Questions, Stage};

/// Neither MX nor address.
pub static SENDER_DOMAIN_MISSING: SignalDef = SignalDef::new(
    "SENDER_DOMAIN_MISSING",
    Family::Client,
    2.0,
    "The domain of the envelope sender has no mail server",
);
/// The same for From.
pub static FROM_DOMAIN_MISSING: SignalDef = SignalDef::new(
    "FROM_DOMAIN_MISSING",
    Family::Client,
    1.2,
    "The domain of the author has no mail server",
);
/// A null MX: bounces and replies are refused by intent.
pub static SENDER_TAKES_NO_MAIL: SignalDef = SignalDef::new(
    "SENDER_TAKES_NO_MAIL",
    Family::Client,
    1.0,
    "The domain of the sender says that it takes no mail",
);

/// Looks for a way back.
#[derive(Default)]
pub struct SenderDomain;

impl Check for SenderDomain {
    const KEY: &'static str = "client.sender_domain";
    const STAGE: Stage = Stage::Headers;
    const COST: crate::Cost = crate::Cost::Network;
    const RAISES: &'static [&'static SignalDef] =
        &[&SENDER_DOMAIN_MISSING, &FROM_DOMAIN_MISSING, &SENDER_TAKES_NO_MAIL];

    fn ask(&self, known: &Known<'_>, questions: &mut Questions) {
        for (domain, _) in domains(known) {
            for question in routes(&domain) {
                questions.ask(question);
            }
        }
    }

    fn judge(&self, known: &Known<'_>, answers: &Answers, signals: &mut Signals) {
        for (domain, missing) in domains(known) {
            match way_back(&domain, answers) {
                WayBack::Refused => signals.raise(&SENDER_TAKES_NO_MAIL, domain.as_str()),
                WayBack::Missing => signals.raise(missing, domain.as_str()),
                WayBack::ThereOrUnknown => {}
            }
        }
    }
}

/// The sender's domain and the author's, each with what is said when it has no mail server.
fn domains<'k>(known: &'k Known<'_>) -> impl Iterator<Item = (Name, &'static SignalDef)> + 'k {
    let stranger = known.stranger().is_some();
    let sender = known.envelope.sender.as_ref().and_then(|sender| sender.domain());
    let author = known
        .message
        .and_then(|message| message.from().first())
        .and_then(|from| from.address.domain());
    let author = author.filter(|author| Some(*author) != sender);
    [(sender, &SENDER_DOMAIN_MISSING), (author, &FROM_DOMAIN_MISSING)]
        .into_iter()
        .filter(move |_| stranger)
        .filter_map(|(domain, missing)| Some((Name::try_from(domain?).ok()?, missing)))
}

fn routes(domain: &Name) -> [Question; 3] {
    [Question::Mx(domain.clone()), Question::A(domain.clone()), Question::Aaaa(domain.clone())]
}

enum WayBack {
    Refused,
    Missing,
    ThereOrUnknown,
}

fn way_back(domain: &Name, answers: &Answers) -> WayBack {
    let [mx, a, aaaa] = routes(domain).map(|question| answers.get(&question));
    if let [only] = mx.mx()
        && only.exchange.as_str().is_empty()
    {
        return WayBack::Refused;
    }
    if mx.is_nothing() && a.is_nothing() && aaaa.is_nothing() {
        return WayBack::Missing;
    }
    WayBack::ThereOrUnknown
}
