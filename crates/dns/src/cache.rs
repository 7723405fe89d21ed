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

    /// The answer to `question`, when it holds at `now`.
    pub(crate) fn get(&self, question: &Question, now: Instant) -> Option<Answer> {
        let entry = self.store.get(question)?;
        (now < entry.until).then_some(entry.answer)
    }

    /// How long the answer to `question` still holds at `now`, if it is `answer`.
    pub(crate) fn holds(
        &self,
        question: &Question,
        answer: &Answer,
        now: Instant,
    ) -> Option<Duration> {
        let entry = self.store.peek(question).filter(|entry| entry.answer == *answer)?;
        entry.until.checked_duration_since(now)
    }

    /// Keeps `answer`, which came at `now`, for `ttl` within the bounds of its sort; without one, as short as allowed.
    pub(crate) fn keep(
        &self,
        question: Question,
        answer: Answer,
        ttl: Option<Duration>,
        now: Instant,
    ) {
        let ttl = ttl.unwrap_or(LEAST_TTL).max(LEAST_TTL);
        let ttl = match &answer {
            Answer::Found(_) => ttl.min(self.longest),
            Answer::NoData | Answer::NoSuchName => ttl.min(self.longest_negative),
            Answer::Unknown(_) => FAILURE_TTL,
        };
        self.store.insert(question, Entry { answer, until: now + ttl });
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

    #[test]
    fn an_answer_holds_for_its_time_within_bounds() {
        let config = Config { cache_max_ttl_s: 100, negative_ttl_s: 50, ..Config::default() };
        let cache = Cache::new(&config);
        let start = Instant::now();
        #[track_caller]
        fn check(cache: &Cache, start: Instant, answer: Answer, ttl: Option<u64>, expect: u64) {
            cache.keep(question("a.example"), answer, ttl.map(Duration::from_secs), start);
            let holds = |second| {
                let now = start + Duration::from_secs(second);
                cache.get(&question("a.example"), now).is_some()
            };
            assert_eq!((0..2_000).find(|second| !holds(*second)), Some(expect));
        }
        check(&cache, start, text(1), Some(10), 10);
        check(&cache, start, text(1), Some(0), 1);
        check(&cache, start, text(1), Some(1_000), 100);
        check(&cache, start, Answer::NoSuchName, Some(20), 20);
        check(&cache, start, Answer::NoData, Some(1_000), 50);
        check(&cache, start, Answer::NoData, None, 1);
        check(&cache, start, Answer::Unknown(Why::ServFail), None, 5);
    }

    #[test]
    fn large_answers_push_out_more_than_small_ones() {
        let config = Config { cache_entries: 1_000, ..Config::default() };
        let cache = Cache::new(&config);
        for number in 0..10_000 {
            let question = question(&format!("{number}.example"));
            cache.keep(question, text(10_000), Some(LEAST_TTL), Instant::now());
        }
        assert!((1..=25).contains(&cache.len()), "{} entries of 40 weigh over 1,000", cache.len());
    }
}
