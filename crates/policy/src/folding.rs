//! Whose mail an address is: sub-addresses (RFC 5233) and aliases, folded as the site is configured.
//!
//! Invariant: folding an address that is folded already leaves it as it is, unless it is an alias.

use std::collections::{BTreeMap, HashMap};

use tidegate_mail::Address;

use crate::sender_pattern::{is_domain, is_local};

/// How addresses are folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folding {
    /// Letters that divide a mailbox from its sub-address.
    separators: String,
    /// Addresses, and domains with their `@`, in lower case.
    aliases: HashMap<String, String>,
}

/// Something that can't be an alias, by the name it has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{name}' can't stand for '{target}'; write \"info@example.org\" = \"anna@example.org\", or \
     \"@example.net\" = \"@example.org\" for a domain"
)]
pub struct InvalidAlias {
    /// The alias.
    pub name: String,
    /// What it stands for.
    pub target: String,
}

impl Folding {
    /// `separators`: each letter of it divides; empty: none does. `aliases`: other names of users, as
    /// addresses, and of domains, with an `@` before them. An alias of an alias isn't followed.
    ///
    /// # Errors
    /// Every alias that is neither of an address nor of a domain.
    pub fn new(
        separators: &str,
        aliases: &BTreeMap<String, String>,
    ) -> Result<Self, Vec<InvalidAlias>> {
        let (mut known, mut wrong) = (HashMap::new(), Vec::new());
        for (name, target) in aliases {
            let kinds = [kind(name), kind(target)];
            if kinds[0].is_some() && kinds[0] == kinds[1] {
                known.insert(name.to_lowercase(), target.to_lowercase());
            } else {
                wrong.push(InvalidAlias { name: name.clone(), target: target.clone() });
            }
        }
        let folding = Self { separators: separators.to_owned(), aliases: known };
        if wrong.is_empty() { Ok(folding) } else { Err(wrong) }
    }

    /// The user whose address this is, in lower case.
    #[must_use]
    pub fn user(&self, address: &Address) -> String {
        let local = address.local();
        let local = match local.find(|c| self.separators.contains(c)) {
            // What is quoted is one word, and what begins with it has no other name.
            Some(at) if at > 0 && !local.starts_with('"') => &local[..at],
            _ => local,
        };
        let local = local.to_lowercase();
        let Some(domain) = address.domain() else { return local };
        let user = match self.aliases.get(&format!("@{domain}")) {
            Some(target) => format!("{local}{target}"),
            None => format!("{local}@{domain}"),
        };
        self.aliases.get(&user).cloned().unwrap_or(user)
    }
}

impl Folding {
    /// The addresses that are known to be `user`'s: itself, and what the aliases say. Sub-addresses are
    /// without number, and not among them.
    #[must_use]
    pub fn names(&self, user: &str) -> Vec<String> {
        let mut names = vec![user.to_owned()];
        let named = |target: &str| -> Vec<&String> {
            let names = self.aliases.iter().filter(|(_, it)| *it == target);
            names.map(|(name, _)| name).collect()
        };
        names.extend(named(user).into_iter().cloned());
        for at in 0..names.len() {
            let Some((local, domain)) = names[at].rsplit_once('@') else { continue };
            let target = format!("@{domain}");
            let others = named(&target).into_iter().map(|name| format!("{local}{name}"));
            let others: Vec<String> = others.collect();
            names.extend(others);
        }
        names.retain(|name| self.user(&Address::new(name)) == user);
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Whether it is that of a domain; `None`: it is neither.
fn kind(name: &str) -> Option<bool> {
    match name.rsplit_once('@') {
        Some(("", domain)) if is_domain(domain) => Some(true),
        Some((local, domain)) if is_local(local) && is_domain(domain) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folding(separators: &str) -> Folding {
        let aliases = [
            ("Info@example.org", "anna@example.org"),
            ("@example.net", "@example.org"),
            ("sales@example.org", "info@example.org"),
        ];
        let aliases = aliases.map(|(name, target)| (name.to_owned(), target.to_owned()));
        Folding::new(separators, &aliases.into()).unwrap()
    }

    #[test]
    fn sub_addresses_and_aliases_are_their_users() {
        for (separators, address, user) in [
            ("+", "Anna+shop@Example.org", "anna@example.org"),
            ("+", "info@example.net", "anna@example.org"),
            ("+", "info+x@example.net", "anna@example.org"),
            ("+", "anna-shop@example.org", "anna-shop@example.org"),
            ("+-", "anna-shop@example.org", "anna@example.org"),
            ("", "anna+shop@example.org", "anna+shop@example.org"),
            ("+", "+shop@example.org", "+shop@example.org"),
            ("+", "\"a+b\"@example.org", "\"a+b\"@example.org"),
            ("+", "sales@example.org", "info@example.org"),
            ("+", "postmaster", "postmaster"),
        ] {
            assert_eq!(folding(separators).user(&Address::new(address)), user, "{address}");
        }
    }

    #[test]
    fn a_user_has_the_names_that_aliases_say() {
        let names = folding("+").names("anna@example.org");
        let expect =
            ["anna@example.net", "anna@example.org", "info@example.net", "info@example.org"];
        assert_eq!(names, expect);
        assert_eq!(folding("+").names("bert@other.example"), ["bert@other.example"]);
    }

    #[test]
    fn what_is_no_alias_is_refused() {
        for (name, target) in [("info", "anna@a.example"), ("@a.example", "anna@a.example")] {
            let aliases = [(name.to_owned(), target.to_owned())].into();
            let wrong = Folding::new("+", &aliases).unwrap_err();
            assert_eq!(wrong[0].name, name);
        }
    }
}
