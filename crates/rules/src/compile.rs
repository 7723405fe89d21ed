//! From rule files as written to a [`RuleSet`], or to every mistake in them.
//!
//! Invariant: a set is built only from files without a mistake; one that exists can run.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, Mutex};

use tidegate_signal::{Catalogue, SignalDef, nearest};

use crate::RuleFile;
use crate::bits::Bits;
use crate::error::{Mistakes, Origin, Position, RuleError, suggest};
use crate::expression::{Expression, Word};
use crate::number::Number;
use crate::order;
use crate::pattern::{self, Pattern};
use crate::place::Place;
use crate::rule_set::{Example, Limits, Operand, Rule, RuleSet, Wanted};
use crate::scan::Scanners;
use crate::source::{self, Placed, Written};

impl RuleSet {
    /// Compiles `files`. `known`: the signals of checks, which expressions may name. `off`: names of
    /// rules to leave out; they are still read, and an expression that names one finds it not to hold.
    ///
    /// # Errors
    /// Every mistake in every file, in the order of the files.
    pub fn compile(
        files: &[RuleFile],
        known: &Catalogue,
        off: &HashSet<String>,
    ) -> Result<Self, Vec<RuleError>> {
        let mut mistakes = Mistakes::default();
        let mut written = Vec::new();
        let mut all_read = true;
        for file in files {
            let origin = Origin { file: &file.name, text: &file.text };
            match source::read(origin, &mut mistakes) {
                Some(rules) => written.extend(rules.into_iter().map(|rule| (origin, rule))),
                None => all_read = false,
            }
        }
        // A rule that could not be read is missing from the names, and would be told again.
        all_read &= mistakes.all.is_empty();
        let mut compiler = Compiler {
            mistakes,
            names: HashMap::new(),
            known,
            all_read,
            patterns: Vec::new(),
            members: Vec::new(),
            signals: HashMap::new(),
        };
        let count = compiler.declare(&written, off);
        let mut parts: Vec<Option<Part<'_>>> = Vec::new();
        parts.resize_with(count, || None);
        for (origin, rule) in written {
            let number = compiler.names.get(&rule.name.0).copied();
            let part = compiler.rule(origin, rule);
            if let Some(Operand::Rule(number)) = number {
                parts[number] = part;
            }
        }
        let rules = order::in_order(parts, &mut compiler.mistakes);
        if !compiler.mistakes.all.is_empty() {
            return Err(compiler.mistakes.all);
        }
        let Compiler { patterns, members, signals, .. } = compiler;
        let mut rule_of = vec![0; patterns.len()];
        for (number, rule) in rules.iter().enumerate() {
            let any_of = rule.patterns.iter().flat_map(|wanted| wanted.any_of.clone());
            any_of.for_each(|pattern| rule_of[pattern] = number);
        }
        let scanners = Scanners::new(members, patterns);
        let without = |(number, rule): (usize, &Rule)| rule.patterns.is_none().then_some(number);
        let without_patterns = Bits::new(rules.len(), rules.iter().enumerate().filter_map(without));
        Ok(Self { rules, scanners, rule_of, without_patterns, signals, idle: Mutex::default() })
    }
}

struct Compiler<'c> {
    mistakes: Mistakes,
    /// What each rule's name stands for: [`Operand::Rule`] counts rules in the order of the files.
    names: HashMap<String, Operand>,
    known: &'c Catalogue,
    /// Whether `names` has every name that the files declare.
    all_read: bool,
    patterns: Vec<Pattern>,
    /// Which patterns look at each place.
    members: Vec<(Place, Vec<usize>)>,
    signals: HashMap<String, usize>,
}

/// A rule, and where to tell of a mistake that shows only beside other rules.
pub(crate) struct Part<'f> {
    pub(crate) rule: Rule,
    pub(crate) origin: Origin<'f>,
    pub(crate) at: Range<usize>,
}

impl Compiler<'_> {
    /// Gives each rule its place; how many there are.
    fn declare(&mut self, written: &[(Origin<'_>, Written)], off: &HashSet<String>) -> usize {
        let mut first: HashMap<&str, Origin<'_>> = HashMap::new();
        let mut count = 0;
        for (origin, rule) in written {
            let (name, at) = &rule.name;
            if let Some(other) = first.get(name.as_str()) {
                let what = format!("{name}: a rule of this name is in {}", other.file);
                self.mistakes.at(*origin, at, what, "rename one of them");
                continue;
            }
            if self.known.get(name).is_some() {
                let what = format!("{name}: a check has a signal of this name");
                self.mistakes.at(*origin, at, what, "rename the rule");
            }
            first.insert(name, *origin);
            let operand = if off.contains(name) {
                Operand::Never
            } else {
                count += 1;
                Operand::Rule(count - 1)
            };
            self.names.insert(name.clone(), operand);
        }
        count
    }

    fn rule<'f>(&mut self, origin: Origin<'f>, written: Written) -> Option<Part<'f>> {
        let before = self.mistakes.all.len();
        let (name, at) = written.name.clone();
        let patterns = self.wanted(origin, &written);
        let number = self.limits(origin, &written);
        let when = self.expression(origin, &name, written.when.as_ref());
        let unless = self.expression(origin, &name, written.unless.as_ref());
        if self.mistakes.all.len() == before
            && patterns.is_none()
            && number.is_none()
            && when.is_none()
        {
            let what = format!("{name}: nothing makes it hold");
            self.mistakes.at(origin, &at, what, "give it 'in' with a pattern, 'value' or 'when'");
        }
        let example = |fires: bool| {
            move |(text, at): Placed<String>| Example { text, fires, at: Position::of(origin, &at) }
        };
        let matches = written.matches.into_iter().map(example(true));
        let examples = matches.chain(written.rejects.into_iter().map(example(false))).collect();
        let def = Arc::new(SignalDef {
            name: name.into(),
            family: written.family,
            score: written.score,
            says: written.says.into(),
        });
        let private = written.private;
        let rule = Rule { def, private, patterns, number, when, unless, examples };
        (self.mistakes.all.len() == before).then_some(Part { rule, origin, at })
    }

    fn wanted(&mut self, origin: Origin<'_>, written: &Written) -> Option<Wanted> {
        let (name, at) = &written.name;
        let mut places = Vec::new();
        for (word, at) in &written.places {
            match Place::parse(word) {
                Ok(found) => places.extend(found),
                Err(remedy) => {
                    let what = format!("{name}: '{word}' is no place to look at");
                    self.mistakes.at(origin, at, what, remedy);
                }
            }
        }
        let begin = self.patterns.len();
        self.compile_patterns(origin, written);
        let any_of = begin..self.patterns.len();
        let nothing_written = written.patterns.is_empty() && written.words.is_empty();
        if written.places.is_empty() != nothing_written {
            let (what, remedy) = if nothing_written {
                ("it has no pattern", "add pattern, patterns or words, or leave out 'in'")
            } else {
                ("where to look isn't said", "add in = \"text\" or another place")
            };
            self.mistakes.at(origin, at, format!("{name}: {what}"), remedy);
        }
        let at_least = written.at_least.as_ref().map_or(1, |(count, _)| *count);
        if let Some((_, at)) = written.at_least.as_ref().filter(|_| at_least > any_of.len()) {
            let what = format!("{name}: at_least is more than there are patterns and words");
            self.mistakes.at(origin, at, what, format!("write at most {}", any_of.len()));
        }
        let scanners: Vec<usize> = places.into_iter().map(|place| self.scanner(place)).collect();
        let is_on = matches!(self.names.get(name), Some(Operand::Rule(_)));
        for &scanner in scanners.iter().filter(|_| is_on) {
            self.members[scanner].1.extend(any_of.clone());
        }
        let first_place = *scanners.first()?;
        Some(Wanted { any_of, at_least, first_place })
    }

    fn compile_patterns(&mut self, origin: Origin<'_>, written: &Written) {
        let mut expressions = written.patterns.clone();
        let words = || written.words.iter().map(|(word, _)| word.as_str());
        match written.words.first() {
            Some((_, at)) if written.at_least.is_none() => {
                expressions.push((pattern::any_word(words()), at.clone()));
            }
            _ => {
                expressions.extend(written.words.iter().map(|(word, at)| {
                    (pattern::any_word(std::iter::once(word.as_str())), at.clone())
                }))
            }
        }
        for (expression, at) in expressions {
            match Pattern::new(&expression) {
                Ok(pattern) => self.patterns.push(pattern),
                Err((what, remedy)) => {
                    self.mistakes.at(origin, &at, format!("{}: {what}", written.name.0), remedy);
                }
            }
        }
    }

    fn scanner(&mut self, place: Place) -> usize {
        let known = self.members.iter().position(|(known, _)| *known == place);
        known.unwrap_or_else(|| {
            self.members.push((place, Vec::new()));
            self.members.len() - 1
        })
    }

    fn limits(&mut self, origin: Origin<'_>, written: &Written) -> Option<Limits> {
        let name = &written.name.0;
        let bound = written.over.as_ref().or(written.under.as_ref());
        let Some((word, at)) = &written.value else {
            if let Some((_, at)) = bound {
                let what = format!("{name}: a bound, but not of which number");
                self.mistakes.at(origin, at, what, "add value = \"links.count\" or another number");
            }
            return None;
        };
        if bound.is_none() {
            let what = format!("{name}: the number is compared with nothing");
            self.mistakes.at(origin, at, what, "add over = 10 or under = 3");
        }
        let number = Number::parse(word);
        if number.is_none() {
            let what = format!("{name}: '{word}' is no number of a message");
            self.mistakes.at(origin, at, what, suggest(word, Number::names()));
        }
        let limit =
            |bound: &Option<Placed<f64>>, none| bound.as_ref().map_or(none, |(bound, _)| *bound);
        Some(Limits {
            number: number?,
            over: limit(&written.over, f64::NEG_INFINITY),
            under: limit(&written.under, f64::INFINITY),
        })
    }

    fn expression(
        &mut self,
        origin: Origin<'_>,
        rule: &str,
        written: Option<&Placed<String>>,
    ) -> Option<Expression<Operand>> {
        let written = written?;
        match Expression::parse(&written.0) {
            Ok(words) => Some(words.map(&mut |word| self.operand(origin, rule, word, written))),
            Err(error) => {
                let at = inside(origin, written, &error.at);
                self.mistakes.at(origin, &at, format!("{rule}: {}", error.what), error.remedy);
                None
            }
        }
    }

    fn operand(
        &mut self,
        origin: Origin<'_>,
        rule: &str,
        word: Word,
        written: &Placed<String>,
    ) -> Operand {
        if let Some(operand) = self.names.get(&word.name) {
            return *operand;
        }
        if self.known.get(&word.name).is_some() {
            let next = self.signals.len();
            return Operand::Signal(*self.signals.entry(word.name).or_insert(next));
        }
        if self.all_read {
            let rules = self.names.keys().map(String::as_str);
            let near = nearest(&word.name, rules.chain(self.known.iter().map(|def| &*def.name)));
            let remedy = near.map_or_else(
                || "name a rule of these files or a signal of a check".to_owned(),
                |near| format!("did you mean '{near}'?"),
            );
            let what = format!("{rule}: nothing is named '{}'", word.name);
            self.mistakes.at(origin, &inside(origin, written, &word.at), what, remedy);
        }
        Operand::Never
    }
}

/// Where a part of an expression stands in the file; the whole of it when escapes or line ends
/// moved its bytes.
fn inside(origin: Origin<'_>, (text, whole): &Placed<String>, part: &Range<usize>) -> Range<usize> {
    match origin.text.get(whole.clone()).and_then(|quoted| quoted.find(text.as_str())) {
        Some(open) => whole.start + open + part.start..whole.start + open + part.end,
        None => whole.clone(),
    }
}
