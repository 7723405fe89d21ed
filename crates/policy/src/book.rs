//! All policies of a site, ready to be looked up: whoever receives mail has exactly one.
//!
//! The default is the site's; a domain's layer lies over it, a user's over that. At each of the two,
//! what the store keeps goes before what files say, since it was edited later.
//!
//! Invariant: a book never changes; looking up allocates nothing while nobody has a policy of their
//! own, and users of one policy share one value.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use tidegate_mail::Address;

use crate::{Digest, Folding, InvalidPolicy, Layer, Subject, UserPolicy};

/// The layers of one source.
pub type Layers = BTreeMap<Subject, Layer>;

/// All policies.
#[derive(Debug, Clone, Default)]
pub struct Book {
    folding: Folding,
    default: Arc<UserPolicy>,
    files: Arc<Layers>,
    stored: Arc<Layers>,
    domains: HashMap<String, Arc<UserPolicy>>,
    users: HashMap<String, Arc<UserPolicy>>,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The site's default.
    Default,
    /// A file, for the domain.
    DomainFile,
    /// The store, for the domain.
    DomainStore,
    /// A file, for the user.
    UserFile,
    /// The store, for the user.
    UserStore,
}

impl Origin {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Default => "the default",
            Self::DomainFile => "a file, for the domain",
            Self::DomainStore => "the store, for the domain",
            Self::UserFile => "a file, for the user",
            Self::UserStore => "the store, for the user",
        }
    }
}

/// One value in force.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InForce {
    /// Of which key.
    pub key: &'static str,
    /// The value.
    pub value: serde_json::Value,
    /// Where it comes from.
    pub from: Origin,
}

/// What is in force for one address, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effective {
    /// The user whose address it is.
    pub user: String,
    /// Each setting.
    pub values: Vec<InForce>,
}

impl Book {
    /// Puts a book together. Layers that are wrong are laid as far as they make sense.
    #[must_use]
    pub fn new(
        default: UserPolicy,
        folding: Folding,
        files: Arc<Layers>,
        stored: Arc<Layers>,
    ) -> Self {
        let mut book =
            Self { folding, default: Arc::new(default), files, stored, ..Self::default() };
        let subjects: Vec<Subject> = book.files.keys().chain(book.stored.keys()).cloned().collect();
        // Domains stand before users, and users lie over them.
        for subject in subjects.iter().filter(|subject| matches!(subject, Subject::Domain(_))) {
            let Subject::Domain(domain) = subject else { continue };
            let policy = Arc::new(book.laid(subject, &book.default));
            book.domains.insert(domain.clone(), policy);
        }
        for subject in subjects {
            let Subject::User(user) = &subject else { continue };
            let policy = Arc::new(book.laid(&subject, &book.of_domain(user)));
            book.users.insert(user.clone(), policy);
        }
        book
    }

    /// The same with other layers of the store.
    #[must_use]
    pub fn with_stored(&self, stored: Layers) -> Self {
        Self::new(
            (*self.default).clone(),
            self.folding.clone(),
            Arc::clone(&self.files),
            Arc::new(stored),
        )
    }

    fn laid(&self, subject: &Subject, below: &UserPolicy) -> UserPolicy {
        let layers = [&self.files, &self.stored].into_iter().filter_map(|all| all.get(subject));
        layers.fold(below.clone(), |below, layer| layer.over(&below))
    }

    fn of_domain(&self, user: &str) -> Arc<UserPolicy> {
        let domain = user.rsplit_once('@').and_then(|(_, domain)| self.domains.get(domain));
        Arc::clone(domain.unwrap_or(&self.default))
    }

    /// What the recipient with that address wants.
    #[must_use]
    pub fn policy(&self, address: &Address) -> Arc<UserPolicy> {
        if !self.has_own() {
            return Arc::clone(&self.default);
        }
        let user = self.folding.user(address);
        self.users.get(&user).map_or_else(|| self.of_domain(&user), Arc::clone)
    }

    /// What whoever has no policy of their own gets.
    #[must_use]
    pub const fn default_policy(&self) -> &Arc<UserPolicy> {
        &self.default
    }

    /// Whether any domain or user has a policy of their own.
    #[must_use]
    pub fn has_own(&self) -> bool {
        !self.domains.is_empty() || !self.users.is_empty()
    }

    /// Domains and users that files have a layer of.
    #[must_use]
    pub fn in_files(&self) -> usize {
        self.files.len()
    }

    /// How addresses are folded.
    #[must_use]
    pub const fn folding(&self) -> &Folding {
        &self.folding
    }

    /// What lies below the layer that the store has, or could have, of `subject`.
    #[must_use]
    pub fn below_stored(&self, subject: &Subject) -> UserPolicy {
        let below = match subject {
            Subject::Domain(_) => Arc::clone(&self.default),
            Subject::User(user) => self.of_domain(user),
        };
        match self.files.get(subject) {
            Some(layer) => layer.over(&below),
            None => (*below).clone(),
        }
    }

    /// Every mistake in the layers of files. A domain's layer is judged over the default, a user's
    /// over that of the domain.
    #[must_use]
    pub fn mistakes(&self) -> Vec<(Subject, InvalidPolicy)> {
        let mut found = Vec::new();
        for (subject, layer) in self.files.iter() {
            let below = match subject {
                Subject::Domain(_) => Arc::clone(&self.default),
                Subject::User(user) => self.of_domain(user),
            };
            found.extend(layer.mistakes(&below).into_iter().map(|it| (subject.clone(), it)));
        }
        found
    }

    /// What is in force for `address`, and which layer says so.
    ///
    /// # Errors
    /// None in practice: every setting has a form in JSON.
    pub fn effective(&self, address: &Address) -> serde_json::Result<Effective> {
        let user = self.folding.user(address);
        let own = Subject::User(user.clone());
        let domain = user.rsplit_once('@').map(|(_, domain)| Subject::Domain(domain.to_owned()));
        let mut layers = vec![(Origin::Default, Layer::from(&*self.default))];
        let of =
            |all: &Layers, subject: Option<&Subject>| subject.and_then(|it| all.get(it)).cloned();
        for (origin, all, subject) in [
            (Origin::DomainFile, &self.files, domain.as_ref()),
            (Origin::DomainStore, &self.stored, domain.as_ref()),
            (Origin::UserFile, &self.files, Some(&own)),
            (Origin::UserStore, &self.stored, Some(&own)),
        ] {
            layers.extend(of(all, subject).map(|layer| (origin, layer)));
        }
        let whole = serde_json::to_value(Layer::from(&*self.policy(address)))?;
        let mut said = Vec::new();
        for (origin, layer) in layers {
            said.push((origin, serde_json::to_value(layer)?));
        }
        let in_force = |key: &'static str| {
            let last = said.iter().rev().find(|(_, layer)| layer.get(key).is_some());
            let value = plain(whole.get(key).cloned().unwrap_or_default());
            InForce { key, value, from: last.map_or(Origin::Default, |(origin, _)| *origin) }
        };
        Ok(Effective { user, values: Layer::KEYS.into_iter().map(in_force).collect() })
    }
}

/// Points without the digits of a binary fraction.
fn plain(value: serde_json::Value) -> serde_json::Value {
    match value.as_f64().filter(|_| value.is_f64()) {
        Some(points) => ((points * 1_000.0).round() / 1_000.0).into(),
        None => value,
    }
}

impl From<&UserPolicy> for Layer {
    /// A layer that says everything.
    fn from(policy: &UserPolicy) -> Self {
        Self {
            filtering: Some(policy.filtering),
            tag: Some(policy.thresholds.tag),
            quarantine: Some(policy.thresholds.quarantine),
            reject: Some(policy.thresholds.reject),
            at_tag: Some(policy.at_tag),
            at_quarantine: Some(policy.at_quarantine),
            at_reject: Some(policy.at_reject),
            subject_prefix: Some((*policy.subject_prefix).to_owned()),
            allowed: Some(policy.allowed.to_vec()),
            blocked: Some(policy.blocked.to_vec()),
            languages: Some(policy.languages.to_vec()),
            trusted_lists: Some(policy.trusted_lists.to_vec()),
            bulk: Some(policy.bulk),
            keep_days: Some(policy.keep_days),
            digest: Some(policy.digest.map_or(Digest::Never, Digest::At)),
        }
    }
}

/// The book at work, which an edit or a reload replaces whole.
#[derive(Debug, Default)]
pub struct Policies(ArcSwap<Book>);

impl Policies {
    /// With this book.
    #[must_use]
    pub fn new(book: Book) -> Self {
        Self(ArcSwap::from_pointee(book))
    }

    /// The book at work now.
    #[must_use]
    pub fn book(&self) -> Arc<Book> {
        self.0.load_full()
    }

    /// Puts another book to work.
    pub fn replace(&self, book: Book) {
        self.0.store(Arc::new(book));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, Bulk};

    fn layers(list: &[(&str, &str)]) -> Arc<Layers> {
        let read = |(subject, toml): &(&str, &str)| {
            (subject.parse().unwrap(), toml::from_str(toml).unwrap())
        };
        Arc::new(list.iter().map(read).collect())
    }

    fn book(files: &[(&str, &str)], stored: &[(&str, &str)]) -> Book {
        let folding = Folding::new("+", &BTreeMap::new()).unwrap();
        Book::new(UserPolicy::default(), folding, layers(files), layers(stored))
    }

    fn of(book: &Book, address: &str) -> Arc<UserPolicy> {
        book.policy(&Address::new(address))
    }

    #[test]
    fn a_user_lies_over_a_domain_and_the_store_over_files() {
        let book = book(
            &[
                ("@a.example", "tag = 3.0\nbulk = 'tag'\nat_tag = 'tag-subject'"),
                ("anna@a.example", "tag = 2.0"),
            ],
            &[("@a.example", "bulk = 'quarantine'"), ("anna@a.example", "at_tag = 'accept'")],
        );
        let anna = of(&book, "Anna+shop@a.example");
        assert_eq!((anna.thresholds.tag, anna.bulk), (2.0, Bulk::Quarantine));
        assert_eq!(anna.at_tag, Action::Accept);
        let bert = of(&book, "bert@a.example");
        assert_eq!((bert.thresholds.tag, bert.at_tag), (3.0, Action::TagSubject));
        assert_eq!(of(&book, "carl@b.example"), *book.default_policy());
    }

    #[test]
    fn users_of_one_policy_share_it() {
        let book = book(&[("@a.example", "tag = 3.0")], &[]);
        assert!(Arc::ptr_eq(&of(&book, "anna@a.example"), &of(&book, "bert@a.example")));
        assert!(Arc::ptr_eq(&of(&book, "x@b.example"), &of(&book, "y@c.example")));
    }

    #[test]
    fn each_value_tells_which_layer_it_is_of() {
        let book = book(
            &[("@a.example", "tag = 3.3\nfiltering = true")],
            &[("anna@a.example", "filtering = false\ndigest = 7")],
        );
        let effective = book.effective(&Address::new("anna+x@a.example")).unwrap();
        assert_eq!(effective.user, "anna@a.example");
        let told = |key: &str| {
            let found = effective.values.iter().find(|value| value.key == key).unwrap();
            (found.value.to_string(), found.from)
        };
        assert_eq!(told("tag"), ("3.3".to_owned(), Origin::DomainFile));
        assert_eq!(told("filtering"), ("false".to_owned(), Origin::UserStore));
        assert_eq!(told("digest"), ("7".to_owned(), Origin::UserStore));
        assert_eq!(told("reject"), ("15.0".to_owned(), Origin::Default));
    }

    #[test]
    fn a_layer_is_judged_over_what_lies_below() {
        let book =
            book(&[("@a.example", "tag = 7.0"), ("anna@a.example", "quarantine = 6.0")], &[]);
        let [(subject, mistake)] = &book.mistakes()[..] else { panic!("{:?}", book.mistakes()) };
        assert_eq!((subject.to_string().as_str(), mistake.key), ("anna@a.example", "quarantine"));
        assert_eq!(of(&book, "anna@a.example").thresholds.quarantine, 7.0, "laid all the same");
    }
}
