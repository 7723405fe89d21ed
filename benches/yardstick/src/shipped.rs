//! The engine as it ships: checks, lists, certifiers, rules, model and scores of the source tree.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tidegate_bayes::{Estimate, Extractor, Lessons, Limits, Model};
use tidegate_checks::auth::{Authenticator, Extent, Verified};
use tidegate_checks::authentication::{Authentication, Spf};
use tidegate_checks::bulk::probability::Bulk;
use tidegate_checks::lists::{Lists, ListsConfig};
use tidegate_checks::table::CHECKS;
use tidegate_checks::trust::{TrustConfig, Trustmarks, bimi};
use tidegate_checks::{AnyCheck, Known, Questions, Site, Stage};
use tidegate_dns::{Answers, Question, Resolver};
use tidegate_engine::{Again, Engine, Parts, Recording, Statistics, Unfetched};
use tidegate_mail::{Bounds, Message};
use tidegate_rules::{RuleFile, RuleSet};
use tidegate_signal::{Catalogue, Signals};
use tidegate_store::Memory;

use crate::{Sample, world};

/// When the set arrives: 24 November 2026, 09:15 UTC.
const NOW: i64 = 1_795_511_700;
/// Questions lead to questions, but not for ever.
const MOST_ROUNDS: usize = 16;

/// The engine, and its stages one by one.
pub struct Shipped {
    engine: Arc<Engine>,
    authenticator: Authenticator,
    lessons: Arc<Lessons>,
}

/// Puts the engine together.
///
/// # Panics
/// When a file of the source tree has a mistake.
#[must_use]
pub fn shipped() -> Shipped {
    let lists = Lists::try_from(&section::<ListsConfig>("lists.toml", "lists")).unwrap();
    let trust = section::<TrustConfig>("trust.toml", "trust");
    let trust =
        Trustmarks::build(&trust, &|_, file| std::fs::read_to_string(config(file))).unwrap();
    let mut known = Catalogue::default();
    let of_checks = CHECKS.iter().flat_map(|entry| entry.raises.iter().copied());
    let fixed = of_checks
        .chain(tidegate_bayes::signals::ALL)
        .chain(tidegate_policy::personal::SIGNALS)
        .chain(bimi::SIGNALS);
    fixed.for_each(|def| known.add(def).unwrap());
    lists.raises().for_each(|def| known.add(def).unwrap());
    trust.raises().for_each(|def| known.add(def).unwrap());
    let lessons = Arc::new(
        Lessons::open(
            Arc::new(Memory::new()),
            Arc::new(Model::shipped().unwrap()),
            Limits::default(),
            0,
        )
        .unwrap()
        .0,
    );
    let engine = Engine::new(Parts {
        site: Site { id: "mx.example.test".to_owned(), ..Site::default() },
        bounds: Bounds::default(),
        checks: CHECKS.iter().map(|entry| (entry.load)(toml::Table::new()).unwrap()).collect(),
        lists,
        trust,
        rules: RuleSet::compile(&rules(), &known, &HashSet::new()).unwrap(),
        statistics: Some(Statistics::new(Arc::clone(&lessons))),
        policy: Default::default(),
        policies: Default::default(),
        correspondents: None,
        indicators: Some(Arc::new(Unfetched)),
        scores: section::<BTreeMap<String, f32>>("scores.toml", "scores").into_iter().collect(),
        resolver: Resolver::offline(),
        deadline: Duration::from_secs(2),
        records: false,
    });
    Shipped { engine: Arc::new(engine), authenticator: Authenticator::new(), lessons }
}

/// A message with all that its stages need, each as the stage before leaves it.
pub struct Ready<'s> {
    sample: &'s Sample,
    message: Message<'s>,
    answers: Answers,
    spf: Spf,
    authentication: Authentication,
    signals: Signals,
    features: Vec<u64>,
    again: Again,
}

impl Shipped {
    /// The engine. It asks no network.
    #[must_use]
    pub const fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Reads and authenticates `sample`, with every question answered.
    #[must_use]
    pub fn ready<'s>(&self, sample: &'s Sample) -> Ready<'s> {
        let message = self.parse(&sample.raw);
        let mut answers = Answers::default();
        let (mut spf, mut authentication) = (Spf::default(), Authentication::default());
        for _ in 0..MOST_ROUNDS {
            let mut questions = self.questions(sample, &message, &authentication);
            let mut more =
                |verified: Vec<Question>| verified.into_iter().for_each(|it| questions.ask(it));
            spf = match self.authenticator.spf(&sample.envelope, &answers) {
                Verified::Done(spf) => spf,
                Verified::Needs { so_far, questions } => {
                    more(questions.into_iter().collect());
                    so_far
                }
            };
            authentication = match self.verify(sample, &message, &spf, &answers) {
                Verified::Done(authentication) => authentication,
                Verified::Needs { so_far, questions } => {
                    more(questions.into_iter().collect());
                    so_far
                }
            };
            let before = answers.len();
            for question in questions {
                let answer = world::answer(&question);
                answers.insert(question, answer);
            }
            if answers.len() == before {
                break;
            }
        }
        let recording = Recording { answers: answers.clone(), ..Recording::default() };
        let again = Again {
            recording: Arc::new(recording),
            further: false,
            recorded_estimate: false,
            recorded_policies: false,
        };
        let signals = Signals::new();
        let features = Vec::new();
        let mut ready =
            Ready { sample, message, answers, spf, authentication, signals, features, again };
        ready.signals = self.checks(&ready);
        self.rules_into(&ready.message, sample, &mut ready.signals);
        ready.features = Extractor::new().features_with(&ready.message, &ready.signals).to_vec();
        ready
    }

    fn questions(
        &self,
        sample: &Sample,
        message: &Message<'_>,
        authentication: &Authentication,
    ) -> Questions {
        let mut questions = Questions::default();
        let parts = self.engine.parts();
        let known = self.known(sample, message, Some(authentication));
        for stage in [
            Stage::Connect,
            Stage::Helo,
            Stage::Mail,
            Stage::Headers,
            Stage::Message,
            Stage::Authenticated,
        ] {
            parts.checks.iter().for_each(|check| check.ask(stage, &known, &mut questions));
            parts.lists.ask(stage, &known, &mut questions);
            parts.trust.ask(stage, &known, &mut questions);
        }
        self.authenticator.prefetch(&sample.envelope, message, &mut questions);
        questions
    }

    fn known<'k>(
        &'k self,
        sample: &'k Sample,
        message: &'k Message<'k>,
        authentication: Option<&'k Authentication>,
    ) -> Known<'k> {
        let site = &self.engine.parts().site;
        Known {
            envelope: &sample.envelope,
            message: Some(message),
            authentication,
            trust: None,
            bulk: None,
            site,
            now: NOW,
        }
    }

    fn verify(
        &self,
        sample: &Sample,
        message: &Message<'_>,
        spf: &Spf,
        answers: &Answers,
    ) -> Verified<Authentication> {
        self.authenticator.verify(
            &sample.envelope,
            message,
            Extent::Whole,
            spf.clone(),
            answers,
            NOW,
        )
    }

    /// The view of a message, or of a header section alone.
    #[must_use]
    pub fn parse<'m>(&self, raw: &'m [u8]) -> Message<'m> {
        Message::parse(raw, &self.engine.parts().bounds)
    }

    /// SPF, DKIM, DMARC and ARC.
    #[must_use]
    pub fn authentication(&self, ready: &Ready<'_>) -> (Spf, Authentication) {
        let spf = self.authenticator.spf(&ready.sample.envelope, &ready.answers).so_far();
        let verified = self.verify(ready.sample, &ready.message, &ready.spf, &ready.answers);
        (spf, verified.so_far())
    }

    /// What the checks, the lists and the certifiers say.
    #[must_use]
    pub fn checks(&self, ready: &Ready<'_>) -> Signals {
        let parts = self.engine.parts();
        let known = self.known(ready.sample, &ready.message, Some(&ready.authentication));
        let trust = parts.trust.find(&known, &ready.answers);
        let bulk = Bulk::of(&ready.message, &ready.sample.envelope);
        let known = Known { trust: Some(&trust), bulk: Some(&bulk), ..known };
        let mut signals = Signals::new();
        parts.checks.iter().for_each(|check| check.judge(&known, &ready.answers, &mut signals));
        parts.lists.judge(&known, &ready.answers, &mut signals);
        parts.trust.judge(&trust, &mut signals);
        signals
    }

    /// What the rules say.
    #[must_use]
    pub fn rules(&self, ready: &Ready<'_>) -> Signals {
        let mut signals = Signals::new();
        self.rules_into(&ready.message, ready.sample, &mut signals);
        signals
    }

    fn rules_into(&self, message: &Message<'_>, sample: &Sample, signals: &mut Signals) {
        self.engine.parts().rules.judge(message, &sample.envelope, signals);
    }

    /// How many features the statistics find.
    #[must_use]
    pub fn features(&self, ready: &Ready<'_>, extractor: &mut Extractor) -> usize {
        extractor.features_with(&ready.message, &ready.signals).len()
    }

    /// What the statistics make of them.
    #[must_use]
    pub fn scorers(&self, ready: &Ready<'_>) -> Estimate {
        self.lessons.estimate(&ready.features, None)
    }

    /// The whole verdict, whose answers are there at once: its score.
    pub async fn whole(&self, ready: &Ready<'_>) -> f32 {
        let (envelope, raw) = (ready.sample.envelope.clone(), &ready.sample.raw);
        self.engine.judge_again(envelope, raw, NOW, ready.again.clone()).await.decision.score
    }
}

impl<'s> Ready<'s> {
    /// The message as it came.
    #[must_use]
    pub const fn sample(&self) -> &'s Sample {
        self.sample
    }

    /// Its header section, with the empty line that ends it.
    #[must_use]
    pub fn header_section(&self) -> &'s [u8] {
        self.message.header_bytes()
    }

    /// One line that tells whether the set still is what it should be.
    #[must_use]
    pub fn summary(&self) -> String {
        let results = self.authentication.dkim.iter().map(|it| it.result.as_str());
        let signals: Vec<_> = self.signals.iter().map(|signal| signal.name().to_owned()).collect();
        format!(
            "{} {} bytes, spf={} dkim={} {}",
            self.sample.kind,
            self.sample.raw.len(),
            self.spf.result.as_str(),
            results.collect::<Vec<_>>().join("/"),
            signals.join(" ")
        )
    }
}

fn config(file: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../config")).join(file)
}

/// A section of a configuration file.
fn section<T: DeserializeOwned>(file: &str, name: &str) -> T {
    let text = std::fs::read_to_string(config(file)).unwrap();
    let mut table: toml::Table = text.parse().unwrap();
    table.remove(name).unwrap().try_into().unwrap()
}

fn rules() -> Vec<RuleFile> {
    let files = std::fs::read_dir(config("rules")).unwrap();
    let mut files: Vec<_> = files
        .map(|entry| entry.unwrap().path())
        .map(|path| RuleFile {
            name: path.file_name().unwrap().to_string_lossy().into_owned(),
            text: std::fs::read_to_string(&path).unwrap(),
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}
