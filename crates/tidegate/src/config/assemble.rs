//! From sections as written to the parts of an engine.
//!
//! Invariant: building goes on past a mistake as far as it makes sense, so that all are told at
//! once; but what was built beside a mistake is never run.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tidegate_checks::lists::Lists;
use tidegate_checks::table::CHECKS;
use tidegate_checks::trust::{Trustmarks, bimi};
use tidegate_checks::{AnyCheck, Entry, InvalidSetting, Site};
use tidegate_dns::Resolver;
use tidegate_engine::{Parts, Unfetched};
use tidegate_policy::{InvalidThresholds, Policies, Policy, UserPolicy};
use tidegate_rules::{RuleFile, RuleSet};
use tidegate_signal::{Catalogue, Scores, SignalDef};

use super::mistake::{Findings, suggest};
use super::settings::{Settings, table, without_password};
use super::source::{Origin, Place, Sources};
use super::tree::{Node, Value};
use super::{
    Digests, Loaded, Summary, Written, built_in, digest, files, include, lint, marks, policies,
};

/// Builds everything that `written` asks for; `None` when there are mistakes, which are told.
pub(super) fn assemble(
    written: &Written,
    offline: bool,
    findings: &mut Findings,
) -> Option<Loaded> {
    let mut root = written.root.clone();
    let mut settings = Settings::read(&mut root, &written.defaults, &written.sources, findings);
    if !settings.lists.enabled {
        // Lists that vouch are lists, too.
        settings.trust.lists.clear();
    }
    let mut builder = Builder { written, findings, digests: Digests::default() };
    builder.find_shadow(&mut settings);
    files::find_those_of_the_store(written, &mut settings);
    let mut checks = builder.checks();
    let mark_roots = marks::set_up(&settings.trust.bimi, written, &mut checks, builder.findings);
    let lists = builder.lists(&settings);
    let trust = builder.trust(&settings);
    let mut catalogue = builder.catalogue(&lists, &trust);
    let rules = builder.rules(&settings, &mut catalogue);
    let scores = builder.scores(&catalogue);
    let policy = builder.policy(&settings);
    builder.guard(&settings);
    let resolver = builder.resolver(&settings, offline);
    let mut digests = builder.digests;
    let thresholds = policy.as_ref().map(|policy| policy.thresholds).unwrap_or_default();
    let default = UserPolicy { thresholds, ..UserPolicy::default() };
    let book = policies::book(written, &settings.policy, &default, findings);
    lint::lint(&settings, written, policy.as_ref(), &book, resolver.as_ref(), findings);
    if !findings.mistakes.is_empty() {
        return None;
    }
    let (lists, trust, rules) = (lists?, trust?, rules?);
    let summary = Summary {
        checks: checks.len(),
        rules: rules.stats().rules,
        zones: lists.zones().count() + trust.zones().count(),
        signals: catalogue.iter().count(),
        users: book.in_files(),
    };
    let parts = Parts {
        site: Site { id: server_id(&settings), trusted: settings.network.trusted.clone() },
        bounds: settings.message.clone(),
        checks,
        lists,
        trust,
        rules,
        // Whoever runs the engine knows who has the store.
        statistics: None,
        policy: policy?,
        policies: Arc::new(Policies::new(book)),
        // Whoever keeps the store knows them.
        correspondents: None,
        // Whoever runs a daemon fetches them.
        indicators: settings.trust.bimi.enabled.then(|| Arc::new(Unfetched) as _),
        scores,
        resolver: resolver?,
        deadline: Duration::from_millis(settings.dns.deadline_ms),
        // Whoever runs the engine knows what becomes of a recording.
        records: false,
    };
    let mut effective =
        written.root.as_table().map(super::tree::Table::to_toml).unwrap_or_default();
    if let Some(url) = effective.get_mut("store").and_then(|store| store.get_mut("url")) {
        let shown = url.as_str().map(without_password);
        *url = shown.unwrap_or_default().into();
    }
    digests.configuration = digest::of_settings(&effective, &parts.site.id);
    let warnings = std::mem::take(&mut findings.warnings);
    let files = files::of(written, &settings);
    Some(Loaded {
        settings,
        parts,
        mark_roots,
        warnings,
        summary,
        effective,
        digests,
        files,
        shadow: None,
    })
}

/// The configured id, or the host's name.
fn server_id(settings: &Settings) -> String {
    settings.server.id.clone().unwrap_or_else(|| {
        let name = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
        name.filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned())
    })
}

struct Builder<'w> {
    written: &'w Written,
    findings: &'w mut Findings,
    digests: Digests,
}

impl Builder<'_> {
    /// The place of the key at `path`, or of the nearest thing above it that is written.
    fn place(&self, path: &[&str]) -> Place {
        place_of(self.written, path)
    }

    /// Makes the path of the second configuration one from where the program was started.
    fn find_shadow(&self, settings: &mut Settings) {
        let node = self.written.root.find(&["shadow", "config"]);
        if let (Some(path), Some(node)) = (&mut settings.shadow.config, node) {
            *path = self.written.sources.folder(node.origin.source).join(&*path);
        }
    }

    fn checks(&mut self) -> Vec<Box<dyn AnyCheck>> {
        self.refuse_unknown_checks();
        CHECKS.iter().filter_map(|entry| self.check(entry)).collect()
    }

    /// The check, unless it is switched off or its settings are wrong.
    fn check(&mut self, entry: &Entry) -> Option<Box<dyn AnyCheck>> {
        let path: Vec<&str> = ["checks"].into_iter().chain(entry.key.split('.')).collect();
        let mut settings = match self.written.root.find(&path).map(Node::to_toml) {
            Some(toml::Value::Table(table)) => table,
            Some(_) => {
                let remedy = format!("write a table, as in [checks.{}]", entry.key);
                let what = format!("checks.{} is no table", entry.key);
                self.findings.mistake(self.place(&path), what, remedy);
                return None;
            }
            None => toml::Table::new(),
        };
        match settings.remove("enabled") {
            None | Some(toml::Value::Boolean(true)) => {}
            Some(toml::Value::Boolean(false)) => return None,
            Some(_) => {
                let place = self.place(&[&path[..], &["enabled"]].concat());
                let what = format!("checks.{}.enabled is not a truth value", entry.key);
                self.findings.mistake(place, what, "write true or false");
            }
        }
        let names: Vec<String> = settings.keys().cloned().collect();
        (entry.load)(settings).map_err(|invalid| self.invalid_setting(&path, &names, &invalid)).ok()
    }

    fn invalid_setting(&mut self, path: &[&str], names: &[String], invalid: &InvalidSetting) {
        // A message that names no key quotes it, as `key`.
        let quoted = names.iter().find(|name| invalid.problem.contains(&format!("`{name}`")));
        let key = quoted.filter(|_| invalid.key.is_empty()).unwrap_or(&invalid.key);
        let full = path.iter().copied().chain(key.split('.').filter(|part| !part.is_empty()));
        let place = self.place(&full.collect::<Vec<_>>());
        let table = format!("[{}]", path.join("."));
        let what = match invalid.problem.contains(&table) {
            true => invalid.problem.clone(),
            false => format!("{table} {}", invalid.problem),
        };
        self.findings.mistake(place, what, "");
    }

    fn refuse_unknown_checks(&mut self) {
        let known = CHECKS.iter().map(|entry| entry.key);
        for (family, (origin, node)) in
            table(&self.written.root, "checks").into_iter().flat_map(|t| &t.0)
        {
            let of_family = |key: &str| {
                key.strip_prefix(family.as_str()).is_some_and(|rest| rest.starts_with('.'))
            };
            let names: Vec<(String, Origin)> = match node.as_table() {
                Some(checks) if known.clone().any(of_family) => checks
                    .0
                    .iter()
                    .map(|(name, (origin, _))| (format!("{family}.{name}"), *origin))
                    .collect(),
                Some(checks) => match checks.0.first_key_value() {
                    Some((name, _)) => vec![(format!("{family}.{name}"), *origin)],
                    None => vec![(family.clone(), *origin)],
                },
                None => vec![(family.clone(), *origin)],
            };
            for (name, origin) in names {
                if !known.clone().any(|key| key == name) {
                    let remedy = suggest(&name, known.clone(), "the checks are");
                    let what = format!("there is no check '{name}'");
                    self.findings.mistake(self.written.sources.place(origin), what, remedy);
                }
            }
        }
    }

    fn lists(&mut self, settings: &Settings) -> Option<Lists> {
        match Lists::try_from(&settings.lists) {
            Ok(lists) => Some(lists),
            Err(mistakes) => {
                for invalid in mistakes {
                    let key = invalid.key.split('.').filter(|part| !part.is_empty());
                    let path: Vec<&str> = ["lists"].into_iter().chain(key).collect();
                    let what = format!("{}: {}", path.join("."), invalid.problem);
                    self.findings.mistake(self.place(&path), what, "");
                }
                None
            }
        }
    }

    fn trust(&mut self, settings: &Settings) -> Option<Trustmarks> {
        let read = |key: &str, file: &str| {
            let path: Vec<&str> = ["trust"].into_iter().chain(key.split('.')).collect();
            let written = self.written.root.find(&path);
            let folder = written.map(|node| self.written.sources.folder(node.origin.source));
            include::read_text(&folder.unwrap_or(Path::new("")).join(file))
        };
        Trustmarks::build(&settings.trust, &read)
            .map_err(|mistakes| {
                for invalid in mistakes {
                    let key = invalid.key.split('.').filter(|part| !part.is_empty());
                    let path: Vec<&str> = ["trust"].into_iter().chain(key).collect();
                    let what = format!("{}: {}", path.join("."), invalid.problem);
                    self.findings.mistake(self.place(&path), what, "");
                }
            })
            .ok()
    }

    /// What checks and lists can say, those that are switched off too: a rule that names the signal
    /// of one finds it not raised.
    fn catalogue(&mut self, lists: &Option<Lists>, trust: &Option<Trustmarks>) -> Catalogue {
        let mut catalogue = Catalogue::default();
        for def in CHECKS.iter().flat_map(|entry| entry.raises.iter().copied()) {
            if let Err(duplicate) = catalogue.add(def) {
                self.findings.mistake(self.place(&["checks"]), duplicate.to_string(), "");
            }
        }
        for def in tidegate_bayes::signals::ALL {
            if let Err(duplicate) = catalogue.add(def) {
                self.findings.mistake(self.place(&["statistics"]), duplicate.to_string(), "");
            }
        }
        for def in tidegate_policy::personal::SIGNALS {
            if let Err(duplicate) = catalogue.add(def) {
                self.findings.mistake(self.place(&["policy"]), duplicate.to_string(), "");
            }
        }
        for def in tidegate_engine::shed::signals() {
            if let Err(duplicate) = catalogue.add(def) {
                self.findings.mistake(self.place(&["verdict"]), duplicate.to_string(), "");
            }
        }
        for def in bimi::SIGNALS {
            if let Err(duplicate) = catalogue.add(def) {
                self.findings.mistake(self.place(&["trust"]), duplicate.to_string(), "");
            }
        }
        for def in lists.iter().flat_map(Lists::raises) {
            if let Err(duplicate) = catalogue.add(def) {
                self.findings.mistake(self.place(&["lists"]), duplicate.to_string(), "");
            }
        }
        for def in trust.iter().flat_map(Trustmarks::raises) {
            if let Err(duplicate) = catalogue.add(def) {
                self.findings.mistake(self.place(&["trust"]), duplicate.to_string(), "");
            }
        }
        catalogue
    }

    /// Compiles the rules, and adds what they can say to `catalogue`.
    fn rules(&mut self, settings: &Settings, catalogue: &mut Catalogue) -> Option<RuleSet> {
        let mut files = Vec::new();
        if settings.rules.builtin {
            files.extend(built_in::RULES.iter().map(|(name, text)| RuleFile {
                name: format!("built-in rules/{name}"),
                text: (*text).to_owned(),
            }));
        }
        self.rule_files(&mut files);
        self.digests.rules = digest::of_rules(&files);
        let off: HashSet<String> = settings.rules.disabled.iter().cloned().collect();
        let rules = match RuleSet::compile(&files, catalogue, &off) {
            Ok(rules) => rules,
            Err(errors) => {
                for error in errors {
                    let place = Place::at(error.file, error.line, error.column);
                    self.findings.mistake(place, error.what, error.remedy);
                }
                return None;
            }
        };
        self.refuse_unknown_rules(&files, &off, &rules);
        for def in rules.defs() {
            // The compiler has refused names that checks have.
            let _ = catalogue.add(def);
        }
        Some(rules)
    }

    /// Reads the operator's rule files.
    fn rule_files(&mut self, files: &mut Vec<RuleFile>) {
        let Some(Value::List(patterns)) =
            self.written.root.find(&["rules", "files"]).map(|node| &node.value)
        else {
            return;
        };
        for node in patterns {
            let Some(pattern) = node.as_text() else { continue };
            let folder = self.written.sources.folder(node.origin.source);
            let read = include::expand(folder, pattern).and_then(|paths| {
                paths.iter().map(|path| rule_file(path)).collect::<Result<Vec<_>, _>>()
            });
            match read {
                Ok(read) => {
                    if read.is_empty() {
                        let place = self.written.sources.place(node.origin);
                        include::nothing_found(pattern, place, self.findings);
                    }
                    files.extend(read);
                }
                Err(error) => {
                    let what = format!("the rules \"{pattern}\" can't be read: {error}");
                    let remedy = "name files that exist, relative to this file";
                    self.findings.mistake(self.written.sources.place(node.origin), what, remedy);
                }
            }
        }
    }

    /// A name that is turned off and is that of no rule is most likely mistyped.
    fn refuse_unknown_rules(&mut self, files: &[RuleFile], off: &HashSet<String>, rules: &RuleSet) {
        for name in off {
            if files.iter().any(|file| declares(&file.text, name)) {
                continue;
            }
            let known = rules.defs().map(|def| def.name.as_ref());
            let remedy = match tidegate_signal::nearest(name, known) {
                Some(near) => format!("did you mean '{near}'?"),
                None => "take it out of the list".to_owned(),
            };
            let place = self.place(&["rules", "disabled"]);
            self.findings.mistake(place, format!("there is no rule '{name}' to disable"), remedy);
        }
    }

    fn scores(&mut self, catalogue: &Catalogue) -> Scores {
        let Some(table) = table(&self.written.root, "scores") else { return Scores::default() };
        let mut scores = Vec::new();
        for (name, (origin, node)) in &table.0 {
            let sources: &Sources = &self.written.sources;
            let score = match node.value {
                Value::Integer(number) => number as f64,
                Value::Float(number) => number,
                _ => f64::NAN,
            };
            // Past this, points are a slip of the finger, and would drown every other evidence.
            if !(-1_000.0..=1_000.0).contains(&score) {
                let what = format!("the score of {name} is no number from -1000 to 1000");
                let default = catalogue.get(name).map_or(1.0, |def| def.score);
                let remedy = format!("write for example {name} = {default:.1}");
                self.findings.mistake(sources.place(node.origin), what, remedy);
            } else if catalogue.get(name).is_none()
                && sources.is_written_by_operator(*origin)
                && !self.is_silent(name)
            {
                let remedy = match catalogue.nearest(name) {
                    Some(near) => format!("did you mean '{near}'?"),
                    None if SignalDef::is_valid_name(name) => "take the line out".to_owned(),
                    None => "names of signals are like MISSING_DATE".to_owned(),
                };
                let what = format!("no signal is named '{name}'");
                self.findings.mistake(sources.place(*origin), what, remedy);
            } else {
                scores.push((name.clone(), score as f32));
            }
        }
        scores.into_iter().collect()
    }

    /// Whether something that is switched off would raise it.
    fn is_silent(&self, name: &str) -> bool {
        let root = &self.written.root;
        let zones = [["lists", "zones"], ["trust", "lists"]].into_iter();
        let zones: Vec<toml::Value> =
            zones.filter_map(|path| root.find(&path).map(Node::to_toml)).collect();
        let zones = zones.iter().filter_map(|zones| zones.as_table()).flatten();
        let codes = zones.filter_map(|(_, zone)| zone.get("codes"));
        let mut of_lists = codes
            .filter_map(|codes| codes.as_array())
            .flatten()
            .filter_map(|code| code.get("signal")?.as_str());
        of_lists.any(|signal| signal == name)
            || built_in::RULES.iter().any(|(_, text)| declares(text, name))
            || matches!(
                root.find(&["rules", "disabled"]).map(|node| &node.value),
                Some(Value::List(names)) if names.iter().any(|node| node.as_text() == Some(name))
            )
    }

    fn policy(&mut self, settings: &Settings) -> Option<Policy> {
        for invalid in settings.verdict.mistakes() {
            let key = match &invalid {
                // Whichever of the two the operator has set.
                InvalidThresholds::OutOfOrder { milder, harder, .. } if !self.is_set(harder) => {
                    (*milder).to_owned()
                }
                invalid => invalid.key(),
            };
            let path: Vec<&str> = ["verdict"].into_iter().chain(key.split('.')).collect();
            self.findings.mistake(self.place(&path), format!("[verdict] {invalid}"), "");
        }
        Policy::try_from(&settings.verdict).ok()
    }

    /// Whether the operator has set a key of `[verdict]`.
    fn is_set(&self, key: &str) -> bool {
        let entry = self.written.root.entry(&["verdict", key]);
        entry.is_some_and(|(origin, _)| self.written.sources.is_written_by_operator(*origin))
    }

    fn guard(&mut self, settings: &Settings) {
        for invalid in settings.guard.mistakes() {
            let place = self.place(&["guard", invalid.key()]);
            self.findings.mistake(place, format!("[guard] {invalid}"), "");
        }
    }

    fn resolver(&mut self, settings: &Settings, offline: bool) -> Option<Resolver> {
        if offline {
            return Some(Resolver::offline());
        }
        Resolver::new(&settings.dns)
            .map_err(|error| {
                let place = self.place(&["dns", "servers"]);
                let remedy =
                    "write the addresses of your resolvers, as in servers = [\"127.0.0.1:53\"]";
                self.findings.mistake(place, format!("[dns] {error}"), remedy);
            })
            .ok()
    }
}

fn rule_file(path: &Path) -> std::io::Result<RuleFile> {
    Ok(RuleFile { name: path.display().to_string(), text: include::read_text(path)? })
}

/// Whether a rule file has a rule of that name.
fn declares(file: &str, rule: &str) -> bool {
    let table = file.parse::<toml::Table>().unwrap_or_default();
    table.get("rules").and_then(|rules| rules.get(rule)).is_some()
}

/// The place of the key at `path`, or of the nearest thing above it that is written.
pub(super) fn place_of(written: &Written, path: &[&str]) -> Place {
    let entry = (1..=path.len()).rev().find_map(|length| written.root.entry(&path[..length]));
    written.sources.place(entry.map_or(written.root.origin, |(origin, _)| *origin))
}
