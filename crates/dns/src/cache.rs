//! Answers that still hold, positive and negative (RFC 2308), and failures for a moment (RFC 9520).
//!
//! Invariant: bounded by weight; an answer is never given past its time to live.

use std::time::Duration;

use quick_cache::Weighter;
use quick_cache::sync::Cache as Store;
use tokio::time::Instant;

use crate::{Answer, Config, Question, Records};

/// Least time any answer is kept: RFC 9520, section 3.2, asks for a second even after failures, and
/// a time to live of 0 is no reason to ask a thousand times a second.
const LEAST_TTL: Duration = Duration::from_secs(1);
/// Time a failure is kept (RFC 9520, section 3.2).
const FAILURE_TTL: Duration = Duration::from_secs(5);
/// Octets of an answer that weigh as much as an entry.
const OCTETS_AN_ENTRY: usize = 256;

#[derive(Debug)]
pub(crate) struct Cache {
    store: Store<Question, Entry, Weight>,
    longest: Duration,
    longest_negative: Duration,
}

#[derive(Clone, Debug)]
struct Entry {
    answer: Answer,
    until: Instant,
}

/// An entry weighs 1, and 1 more for each [`OCTETS_AN_ENTRY`].
#[derive(Clone, Debug)]
struct Weight;

impl Cache {
    pub(crate) fn new(config: &Config) -> Self {
        let entries = config.cache_entries;
        Self {
            store: Store::with_weighter(entries, entries as u64, Weight),
            longest: Duration::from_secs(config.cache_max_ttl_s.into()),
            longest_negative: Duration::from_secs(config.negative_ttl_s.into()),
        }
    }

    /// The answer to `question`, when it still holds.
    pub(crate) fn get(&self, question: &Question) -> Option<Answer> {
        let entry = self.store.get(question)?;
        (Instant::now() < entry.until).then_some(entry.answer)
    }

    /// Keeps `answer` for `ttl` within the bounds of its sort; without one, as short as allowed.
    pub(crate) fn keep(&self, question: Question, answer: Answer, ttl: Option<Duration>) {
        let ttl = ttl.unwrap_or(LEAST_TTL).max(LEAST_TTL);
        let ttl = match &answer {
            Answer::Found(_) => ttl.min(self.longest),
            Answer::NoData | Answer::NoSuchName => ttl.min(self.longest_negative),
            Answer::Unknown(_) => FAILURE_TTL,
        };
        self.store.insert(question, Entry { answer, until: Instant::now() + ttl });
    }

    pub(crate) fn len(&self) -> usize {
        self.store.len()
    }
}

impl Weighter<Question, Entry> for Weight {
    fn weight(&self, _: &Question, entry: &Entry) -> u64 {
        let octets = match &entry.answer {
            Answer::Found(Records::A(all)) => all.len() * 4,
            Answer::Found(Records::Aaaa(all)) => all.len() * 16,
            Answer::Found(Records::Mx(all)) => {
                all.iter().map(|mx| 4 + mx.exchange.as_str().len()).sum()
            }
            Answer::Found(Records::Txt(all)) => all.iter().map(|text| 16 + text.len()).sum(),
            Answer::Found(Records::Ptr(all)) => {
                all.iter().map(|name| 16 + name.as_str().len()).sum()
            }
            Answer::NoData | Answer::NoSuchName | Answer::Unknown(_) => 0,
        };
        1 + (octets / OCTETS_AN_ENTRY) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Name, Why};

    fn question(name: &str) -> Question {
        Question::Txt(Name::try_from(name).unwrap())
    }

    fn text(octets: usize) -> Answer {
        Answer::Found(Records::Txt([vec![b'x'; octets].into_boxed_slice()].into()))
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_holds_for_its_time_within_bounds() {
        #[track_caller]
        fn holds(cache: &Cache, name: &str) -> bool {
            cache.get(&question(name)).is_some()
        }
        let config = Config { cache_max_ttl_s: 100, negative_ttl_s: 50, ..Config::default() };
        let cache = Cache::new(&config);
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        cache.keep(question("short.example"), text(1), seconds(0));
        cache.keep(question("unsaid.example"), Answer::NoSuchName, None);
        cache.keep(question("failure.example"), Answer::Unknown(Why::ServFail), None);
        cache.keep(question("negative.example"), Answer::NoSuchName, seconds(1_000));
        cache.keep(question("long.example"), text(1), seconds(1_000));
        let mut gone = Vec::new();
        let all =
            ["short", "unsaid", "failure", "negative", "long"].map(|it| format!("{it}.example"));
        for second in 0..=120 {
            for name in &all {
                if !holds(&cache, name) && !gone.iter().any(|(it, _)| it == name) {
                    gone.push((name.clone(), second));
                }
            }
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        let gone: Vec<_> = gone.iter().map(|(name, second)| (name.as_str(), *second)).collect();
        let expect = [("short.example", 1), ("unsaid.example", 1), ("failure.example", 5)];
        assert_eq!(gone[..3], expect);
        assert_eq!(gone[3..], [("negative.example", 50), ("long.example", 100)]);
    }

    #[tokio::test]
    async fn large_answers_push_out_more_than_small_ones() {
        let config = Config { cache_entries: 1_000, ..Config::default() };
        let cache = Cache::new(&config);
        for number in 0..10_000 {
            cache.keep(question(&format!("{number}.example")), text(10_000), Some(LEAST_TTL));
        }
        assert!((1..=25).contains(&cache.len()), "{} entries of 40 weigh over 1,000", cache.len());
    }
}
