//! Another configuration while mail flows.
//!
//! Invariant: what is put to work was loaded without a mistake; else the old one goes on, and every
//! mistake is logged.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tidegate_bayes::Lessons;
use tidegate_dns::Prober;
use tidegate_engine::Engine;
use tidegate_policy::Policies;

use crate::beside::Beside;
use crate::config::{self, Digests, Loaded, Options, Settings, Statistics, Summary};
use crate::daemon::{Daemon, Running};
use crate::http::Status;
use crate::indicators::{self, Indicators};
use crate::journal::{self, Journal, Keep, Versions};
use crate::knowledge;
use crate::metrics::Metrics;
use crate::names::Names;
use crate::policies::StoredPolicies;
use crate::remembered::Remembered;
use crate::shadow::{self, Shadow};

/// What belongs to the configuration at work and is not needed to judge.
pub(crate) struct AtWork {
    /// As written, to see what a reload can't change.
    settings: Settings,
    /// The folder of the store, which stays the one of the start.
    store: PathBuf,
    /// Go on when nothing was changed about them.
    journal: Option<Arc<Journal>>,
    shadow: Option<Arc<Shadow>>,
    indicators: Arc<Indicators>,
    /// Proves the lists sound from time to time; ends when dropped.
    _prober: Prober,
}

/// What outlives a configuration.
pub(crate) struct Lasting<'l> {
    /// What was learned.
    pub(crate) lessons: &'l Arc<Lessons>,
    pub(crate) remembered: &'l Arc<Remembered>,
    /// The policies that the store keeps.
    pub(crate) policies: Option<&'l StoredPolicies>,
    pub(crate) indicators: &'l Arc<Indicators>,
    pub(crate) metrics: &'l Metrics,
    pub(crate) names: &'l Arc<Names>,
}

/// Builds what runs from what was loaded, over what lasts, and begins to prove its lists. `old` is what
/// ran before.
pub(crate) fn start(
    loaded: Loaded,
    lasting: &Lasting<'_>,
    old: Option<&AtWork>,
) -> (Running, AtWork) {
    let Lasting { lessons, remembered, policies, indicators, metrics, names } = *lasting;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let Loaded { settings, mut parts, mark_roots, digests, shadow, .. } = loaded;
    let versions = versions(digests, settings.statistics.enabled.then_some(lessons));
    let store = old.map_or_else(|| knowledge::folder(&settings), |old| old.store.clone());
    let journal = journal(&settings, metrics, &store, old);
    let shadow = shadow.and_then(|second| {
        shadowing(&settings, *second, lessons, remembered, metrics, &store, old)
    });
    parts.records = journal.is_some() || shadow.is_some();
    let keeps = journal.as_ref().is_some_and(|journal| journal.keep() == Keep::Features);
    let Statistics { enabled, ref auto_learn, .. } = settings.statistics;
    parts.statistics = enabled.then(|| {
        let statistics = tidegate_engine::Statistics::new(Arc::clone(lessons));
        if auto_learn.enabled || keeps { statistics.keeping() } else { statistics }
    });
    remembered.configure(&settings);
    names.configure(&settings.log);
    parts.scores = parts.scores.damping(remembered.damped().clone());
    parts.correspondents = settings.correspondents.enabled.then(|| Arc::clone(remembered) as _);
    let bimi = &settings.trust.bimi;
    let known = || indicators.configure(bimi, &mark_roots, &parts.resolver);
    if tokio::task::block_in_place(known) {
        parts.indicators = Some(Arc::new(indicators::Known(Arc::clone(indicators))));
    }
    lay(policies, &parts.policies);
    let zones = parts.lists.zones().chain(parts.trust.zones()).cloned().collect();
    let prober = Prober::start(parts.resolver.clone(), zones);
    let resolver = parts.resolver.clone();
    let engine = Arc::new(Engine::new(parts));
    let running = Running::new(
        engine,
        settings.verdict.clone(),
        Arc::clone(names),
        settings.statistics.auto_learn.clone(),
        settings.policy.split_timeout_ms,
    );
    let versions = Arc::new(versions);
    let at_work = AtWork {
        settings,
        store,
        journal: journal.clone(),
        shadow: shadow.clone(),
        indicators: Arc::clone(indicators),
        _prober: prober,
    };
    (running.telling(Beside { journal, shadow, versions, resolver }), at_work)
}

/// What judges, as records tell it; without lessons where statistics are switched off.
pub(crate) fn versions(digests: Digests, lessons: Option<&Lessons>) -> Versions {
    let Digests { configuration, rules } = digests;
    let model = lessons.map(|lessons| format!("{:016x}", lessons.model().checksum()));
    let model = model.unwrap_or_default();
    Versions { program: env!("CARGO_PKG_VERSION").to_owned(), configuration, rules, model }
}

/// The journal, where one is to be kept: the one that is kept already, if that is the same.
fn journal(
    settings: &Settings,
    metrics: &Metrics,
    store: &Path,
    old: Option<&AtWork>,
) -> Option<Arc<Journal>> {
    let config = settings.journal;
    if !config.enabled {
        return None;
    }
    let folder = journal::folder(store);
    let known = old.and_then(|old| old.journal.as_ref());
    if let Some(known) = known.filter(|known| known.is(config, &folder)) {
        return Some(Arc::clone(known));
    }
    let started = Journal::start(config, folder, &metrics.beside);
    started.inspect_err(|error| tracing::error!("no journal is kept: {error}")).ok().map(Arc::new)
}

/// The second configuration, judging beside the first: the one that does already, if that is the same.
fn shadowing(
    settings: &Settings,
    second: Loaded,
    lessons: &Arc<Lessons>,
    remembered: &Remembered,
    metrics: &Metrics,
    store: &Path,
    old: Option<&AtWork>,
) -> Option<Arc<Shadow>> {
    let Loaded { settings: of_second, mut parts, digests, .. } = second;
    let Versions { configuration, rules, .. } = versions(digests, None);
    let version = format!("{configuration}-{rules}");
    let known = old.and_then(|old| old.shadow.as_ref());
    if let Some(known) = known.filter(|known| known.is(&settings.shadow, &version)) {
        return Some(Arc::clone(known));
    }
    let of_second = of_second.statistics.enabled;
    parts.statistics = of_second.then(|| tidegate_engine::Statistics::new(Arc::clone(lessons)));
    parts.scores = parts.scores.damping(remembered.damped().clone());
    let (file, engine) = (shadow::report::path(store), Arc::new(Engine::new(parts)));
    let started = Shadow::start(&settings.shadow, engine, version, file, &metrics.beside);
    started
        .inspect_err(|error| tracing::error!("the shadow doesn't judge: {error}"))
        .ok()
        .map(Arc::new)
}

/// Lays over the files' policies what the store keeps; without it, mail is judged by those alone.
fn lay(stored: Option<&StoredPolicies>, policies: &Policies) {
    let lay = |stored: &StoredPolicies| tokio::task::block_in_place(|| stored.lay_over(policies));
    // A shared store that is away is told by whoever follows it.
    if let Some(Err(error)) = stored.map(lay)
        && !error.is_away()
    {
        tracing::error!("the policies in the store can't be read, and don't count: {error}");
    }
}

/// Loads the configuration again; what is at work afterwards.
pub(crate) async fn reload(
    old: AtWork,
    options: &Options,
    daemon: &Daemon,
    lessons: &Arc<Lessons>,
    status: &Status,
) -> AtWork {
    let options = options.clone();
    // Compiling rules takes processor time that messages in flight have a better use for.
    let loaded = tokio::task::spawn_blocking(move || config::load_with_shadow(&options)).await;
    let mistakes = match loaded {
        Ok(Ok(loaded)) => {
            tell_what_needs_a_restart(&old.settings, &loaded.settings);
            let Summary { checks, rules, zones, users, .. } = loaded.summary;
            let stored = daemon.policies.as_deref();
            let names = Arc::clone(&daemon.running().names);
            let lasting = Lasting {
                lessons,
                remembered: &daemon.remembered,
                policies: stored,
                indicators: &old.indicators,
                metrics: &daemon.metrics,
                names: &names,
            };
            let (running, at_work) = start(loaded, &lasting, Some(&old));
            daemon.put_to_work(running);
            // Once more: what was edited meanwhile went into the book that is gone.
            lay(stored, &daemon.running().engine.parts().policies);
            status.reloaded(None);
            tracing::info!(checks, rules, zones, users, "the configuration was reloaded");
            return at_work;
        }
        Ok(Err(mistakes)) => mistakes.iter().map(ToString::to_string).collect(),
        Err(failed) => vec![failed.to_string()],
    };
    for mistake in &mistakes {
        tracing::error!("{mistake}");
    }
    let count = mistakes.len();
    tracing::error!(
        mistakes = count,
        "the configuration was not reloaded; the old one goes on ('tidegate check' tells the same, with \
         addresses in full)"
    );
    status.reloaded(Some(format!(
        "the last reload was refused because of {count} mistakes; the configuration before it is at work"
    )));
    daemon.metrics.reload_failed();
    old
}

/// Sockets stay as they are.
fn tell_what_needs_a_restart(old: &Settings, new: &Settings) {
    let changed = [
        (
            "user, group or sandbox of [server]",
            (&old.server.user, &old.server.group, old.server.sandbox)
                != (&new.server.user, &new.server.group, new.server.sandbox),
        ),
        ("[milter]", old.milter != new.milter),
        ("[http]", old.http != new.http),
        ("[pages]", old.pages != new.pages),
        ("[store]", old.store != new.store),
        ("[quarantine]", old.quarantine != new.quarantine),
        (
            "[log] level and format",
            (old.log.level, old.log.format) != (new.log.level, new.log.format),
        ),
    ];
    for (what, _) in changed.into_iter().filter(|(_, changed)| *changed) {
        tracing::warn!("{what} has changed, which takes effect at the next start");
    }
}
