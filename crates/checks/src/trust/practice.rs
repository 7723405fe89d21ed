//! Marks of good practice: fields by which a sender of bulk mail keeps the rules of the trade, covered
//! by a signature of the domain that they speak for.
//!
//! Nobody but the sender vouches here, so these are worth next to nothing by themselves. They matter to
//! what else is said of bulk mail, and to whoever explains a verdict.
//!
//! Invariant: a field counts where one passing signature covers it, of the author's organisation or of
//! the domain that the field's own specification asks for.

use tidegate_dns::Answers;
use tidegate_mail::{Address, Message};
use tidegate_signal::{Family, SignalDef};

use super::proof::{Proof, aligned, covers, is_within};
use super::{Class, FoundMark, Kind, Mark, MarkKind, MarkResult, OptIn};
use crate::authentication::{AuthResult, Authentication, Dkim};

/// RFC 2919, and signed.
pub static LIST_ID_SIGNED: SignalDef = SignalDef::new(
    "LIST_ID_SIGNED",
    Family::Trust,
    0.0,
    "The message names its list, and a signature of the list's domain vouches for it",
);
/// Signed.
pub static FEEDBACK_ID_SIGNED: SignalDef = SignalDef::new(
    "FEEDBACK_ID_SIGNED",
    Family::Trust,
    0.0,
    "The message says to which mailing complaints belong, and a signature vouches for it",
);
/// RFC 9477, section 3.1, and signed.
pub static COMPLAINT_ADDRESS_SIGNED: SignalDef = SignalDef::new(
    "COMPLAINT_ADDRESS_SIGNED",
    Family::Trust,
    0.0,
    "The sender wants to hear of complaints, and signs the address for them",
);

/// Looks for all of them.
pub(super) struct Practice;

impl Kind for Practice {
    fn find(&self, proof: &Proof<'_>, _: &Answers, marks: &mut Vec<FoundMark>) {
        let mut add =
            |subject: Option<String>, class, def: Option<&'static SignalDef>, what: &str| {
                let Some(subject) = subject else { return };
                marks.push(FoundMark {
                    mark: Mark {
                        kind: MarkKind::Practice,
                        certifier: "the sender".to_owned(),
                        subject,
                        class,
                        opt_in: OptIn::Unknown,
                    },
                    result: MarkResult::Verified,
                    why: what.to_owned(),
                    says: def.map(|def| (def.into(), def.score)),
                    told: None,
                });
            };
        // Its points are those of UNSUBSCRIBE_BY_ONE_CLICK.
        let one_click = proof.signatures().find(|it| {
            proof.is_of_author(&it.domain) && has_one_click(proof.message) && signs_one_click(it)
        });
        add(one_click.map(|it| it.domain.clone()), Class::List, None, "one click unsubscribes");
        add(proof.proved_list(), Class::List, Some(&LIST_ID_SIGNED), "List-Id");
        add(feedback_id(proof), Class::List, Some(&FEEDBACK_ID_SIGNED), "Feedback-ID");
        add(complaints(proof), Class::All, Some(&COMPLAINT_ADDRESS_SIGNED), "CFBL-Address");
    }
}

/// Whether a passing signature vouches for one click that unsubscribes (RFC 8058, section 4): one
/// signature over both fields, so that none of them can come from another message.
pub(crate) fn one_click_is_signed(authentication: &Authentication) -> bool {
    authentication
        .dkim
        .iter()
        .any(|it| it.result == AuthResult::Pass && !it.partial_body && signs_one_click(it))
}

fn signs_one_click(signature: &Dkim) -> bool {
    covers(signature, "List-Unsubscribe") && covers(signature, "List-Unsubscribe-Post")
}

/// Whether the header offers it: exactly the words of RFC 8058, section 3.1, and an https address.
pub(crate) fn has_one_click(message: &Message<'_>) -> bool {
    let once = |name| if message.count(name) == 1 { message.field(name) } else { None };
    let post = once("List-Unsubscribe-Post").is_some_and(|post| {
        post.raw_text().trim().eq_ignore_ascii_case("List-Unsubscribe=One-Click")
    });
    post && once("List-Unsubscribe")
        .is_some_and(|field| field.text().to_ascii_lowercase().contains("<https://"))
}

/// The last part of a Feedback-ID names the sender, in 5 to 15 letters; up to three go before it.
fn feedback_id(proof: &Proof<'_>) -> Option<String> {
    if proof.message.count("Feedback-ID") != 1 {
        return None;
    }
    let text = proof.message.field("Feedback-ID")?.raw_text();
    let parts: Vec<&str> = text.trim().split(':').collect();
    let sender = parts.last().filter(|last| (5..=15).contains(&last.len()))?;
    let by_author = |it: &Dkim| proof.is_of_author(&it.domain) && covers(it, "Feedback-ID");
    let signed = proof.signatures().any(by_author);
    (parts.len() <= 4 && signed).then(|| (*sender).to_owned())
}

/// The domain of the complaint address, where it has to do with the author as RFC 9477, section 3.1,
/// asks: the author's own or below it, signed by the author's domain or one above; or another's, which
/// signs beside the author.
fn complaints(proof: &Proof<'_>) -> Option<String> {
    let text = proof.message.field("CFBL-Address")?.raw_text();
    let address = Address::new(text.split(';').next().unwrap_or_default().trim());
    let (author, domain) = (proof.author()?, address.domain()?);
    let signs = |by: &dyn Fn(&str) -> bool| {
        proof.signatures().any(|it| covers(it, "CFBL-Address") && by(&it.domain))
    };
    let by_author = signs(&|signer| is_within(author, signer) && aligned(author, signer));
    let own = is_within(domain, author) && by_author;
    let others =
        signs(&|signer| signer == domain) && proof.signatures().any(|it| it.domain == author);
    (own || others).then(|| domain.to_owned())
}
