//! Another configuration while mail flows.
//!
//! Invariant: what is put to work was loaded without a mistake; else the old one goes on, and every
//! mistake is logged.

use std::sync::Arc;

use tidegate_bayes::Lessons;
use tidegate_dns::Prober;
use tidegate_engine::Engine;

use crate::config::{self, Loaded, Options, Settings, Statistics};
use crate::daemon::{Daemon, Running};
use crate::http::Status;
use crate::remembered::Remembered;

/// What belongs to the configuration at work and is not needed to judge.
pub(crate) struct AtWork {
    /// As written, to see what a reload can't change.
    settings: Settings,
    /// Proves the lists sound from time to time; ends when dropped.
    _prober: Prober,
}

/// Builds what runs from what was loaded, over what `lessons` know, and begins to prove its lists.
pub(crate) fn start(
    loaded: Loaded,
    lessons: &Arc<Lessons>,
    remembered: &Remembered,
) -> (Running, AtWork) {
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let Loaded { settings, mut parts, .. } = loaded;
    let Statistics { enabled, ref auto_learn, .. } = settings.statistics;
    parts.statistics = enabled.then(|| {
        let statistics = tidegate_engine::Statistics::new(Arc::clone(lessons));
        if auto_learn.enabled { statistics.keeping() } else { statistics }
    });
    remembered.configure(&settings);
    parts.scores = parts.scores.damping(remembered.damped().clone());
    let zones = parts.lists.zones().cloned().collect();
    let prober = Prober::start(parts.resolver.clone(), zones);
    let engine = Arc::new(Engine::new(parts));
    let running = Running::new(
        engine,
        settings.verdict.clone(),
        settings.log.addresses,
        settings.statistics.auto_learn.clone(),
    );
    (running, AtWork { settings, _prober: prober })
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
    let loaded = tokio::task::spawn_blocking(move || config::load(&options)).await;
    let mistakes = match loaded {
        Ok(Ok(loaded)) => {
            tell_what_needs_a_restart(&old.settings, &loaded.settings);
            let (running, at_work) = start(loaded, lessons, &daemon.remembered);
            daemon.put_to_work(running);
            status.reloaded(None);
            tracing::info!("the configuration was reloaded");
            return at_work;
        }
        Ok(Err(mistakes)) => mistakes.iter().map(ToString::to_string).collect(),
        Err(failed) => vec![failed.to_string()],
    };
    for mistake in &mistakes {
        tracing::error!("{mistake}");
    }
    let count = mistakes.len();
    tracing::error!(mistakes = count, "the configuration was not reloaded; the old one goes on");
    status.reloaded(Some(format!(
        "the last reload was refused because of {count} mistakes; the configuration before it is at work"
    )));
    daemon.metrics.reload_failed();
    old
}

/// Sockets stay as they are.
fn tell_what_needs_a_restart(old: &Settings, new: &Settings) {
    let changed = [
        ("[milter]", old.milter != new.milter),
        ("[http]", old.http != new.http),
        ("[store]", old.store != new.store),
        (
            "[log] level and format",
            (old.log.level, old.log.format) != (new.log.level, new.log.format),
        ),
    ];
    for (what, _) in changed.into_iter().filter(|(_, changed)| *changed) {
        tracing::warn!("{what} has changed, which takes effect at the next start");
    }
}
