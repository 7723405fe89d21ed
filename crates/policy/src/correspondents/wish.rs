//! Addresses at which programs take wishes: to join a list, to confirm that one did, to leave it.
//!
//! There is no standard for them; these are the forms of Mailman (`list-join`, `list-confirm+TOKEN`,
//! `list-request` with a word in the subject), ezmlm (`list-subscribe`, `list-sc.TIME.TOKEN-user=host`), mlmmj
//! and Google Groups (`list+subscribe`, `list+confsub-TOKEN`), and of shops (`confirm-TOKEN`, `unsubscribe`).
//! Who confirms by a link in a browser, as most newsletters ask, is not seen here.
//!
//! Invariant: what may mean that somebody leaves never counts as a wish to join.

use tidegate_mail::{Address, registered_domain};

/// What an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// To join, or to confirm it.
    Join,
    /// To leave, or to confirm it.
    Leave,
    /// Something else about the list.
    Other,
}

const JOIN: [&str; 6] = ["subscribe", "join", "confirm", "confsub", "subconf", "optin"];
const LEAVE: [&str; 8] =
    ["unsubscribe", "unsub", "leave", "confunsub", "unsubconf", "optout", "signoff", "remove"];
const OTHER: [&str; 6] = ["request", "owner", "owners", "bounces", "bounce", "help"];
/// Words of a subject, which is in the user's language but for what programs wrote.
const LEAVING: [&str; 7] = ["unsub", "leav", "remov", "signoff", "opt out", "opt-out", "abmeld"];

/// An address of that kind, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    /// What it is for.
    pub(super) wish: Wish,
    /// Of what list: `list@host`; `@organisation` where the address names no list. As it is remembered.
    pub(super) of: String,
}

impl Command {
    /// Of a message to `address` with this subject; `None` where it is an address like others.
    pub(super) fn of(address: &Address, subject: Option<&str>) -> Option<Self> {
        let domain = address.domain()?;
        let local = address.local().to_lowercase();
        let local = local.replace("opt-in", "optin").replace("opt-out", "optout");
        let (list, wish) = words(&local).find_map(|(at, word)| {
            let is_token = || local[at + word.len()..].starts_with('.');
            let wish = match word {
                "sc" if is_token() => Wish::Join,
                "uc" if is_token() => Wish::Leave,
                _ if JOIN.contains(&word) => Wish::Join,
                _ if LEAVE.contains(&word) => Wish::Leave,
                _ if OTHER.contains(&word) && at > 0 => Wish::Other,
                _ => return None,
            };
            Some((local[..at].trim_end_matches(['-', '+']), wish))
        })?;
        let subject = subject.unwrap_or_default().to_lowercase();
        let leaves = LEAVING.iter().any(|word| subject.contains(word));
        let wish = match wish {
            Wish::Join if leaves => Wish::Leave,
            Wish::Other if local.ends_with("-request") && leaves => Wish::Leave,
            Wish::Other if local.ends_with("-request") => {
                let mut words = words(&subject);
                if words.any(|(_, word)| JOIN.contains(&word)) { Wish::Join } else { wish }
            }
            wish => wish,
        };
        let of = match list {
            "" => organisation(domain)?,
            list => format!("{list}@{domain}"),
        };
        Some(Self { wish, of })
    }
}

/// A domain's organisation, as it is remembered.
pub(super) fn organisation(domain: &str) -> Option<String> {
    Some(format!("@{}", registered_domain(domain)?))
}

/// The words of a text, and where each begins.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let start = text.as_ptr() as usize;
    let all = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    all.map(move |word| (word.as_ptr() as usize - start, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(local: &str, subject: &str, expect: Option<(Wish, &str)>) {
        let address = Address::new(&format!("{local}@lists.shop.example"));
        let found = Command::of(&address, Some(subject));
        let expect = expect.map(|(wish, of)| Command { wish, of: of.to_owned() });
        assert_eq!(found, expect, "{local}, {subject}");
    }

    #[test]
    fn addresses_at_which_one_joins_are_told_with_their_list() {
        let news = "news@lists.shop.example";
        for local in [
            "news-join",
            "News-Subscribe",
            "news-subscribe-anna=site.example",
            "news-confirm+0123456789abcdef",
            "news-sc.1200000000.abcdefghij-anna=site.example",
            "news+subscribe",
            "news+confsub-0123456789abcdef",
        ] {
            check(local, "Re: your wish", Some((Wish::Join, news)));
        }
        check("shop-news-join", "", Some((Wish::Join, "shop-news@lists.shop.example")));
        check("news-request", "subscribe", Some((Wish::Join, news)));
        check("news-request", "question", Some((Wish::Other, news)));
    }

    #[test]
    fn an_address_without_a_list_is_of_its_organisation() {
        for local in ["confirm-8d8f7d", "confirm+8d8f7d", "subscribe", "opt-in.77"] {
            check(local, "", Some((Wish::Join, "@shop.example")));
        }
        check("unsubscribe-8d8f7d", "", Some((Wish::Leave, "@shop.example")));
    }

    #[test]
    fn what_may_mean_leaving_is_no_wish_to_join() {
        let news = "news@lists.shop.example";
        for local in ["news-leave", "news-unsubscribe", "news-uc.1.ab", "news+confunsub-1"] {
            check(local, "", Some((Wish::Leave, news)));
        }
        check("news-request", "unsubscribe", Some((Wish::Leave, news)));
        check("news-confirm+12", "Re: Your confirmation to leave news", Some((Wish::Leave, news)));
        check("confirm-12", "Abmeldung", Some((Wish::Leave, "@shop.example")));
    }

    #[test]
    fn people_are_no_commands() {
        for local in ["anna", "anna+shop", "joiner", "help", "owner", "sc", "anna.sc", "request"] {
            check(local, "Please subscribe", None);
        }
    }
}
