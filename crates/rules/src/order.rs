//! The order in which rules are judged: each after those that its expressions name.
//!
//! Invariant: rules that wait for each other have no order, and that is a mistake which names them.

use std::collections::BTreeSet;

use crate::compile::Part;
use crate::error::Mistakes;
use crate::rule_set::{Operand, Rule};

/// The rules of `parts`, ordered, their operands renumbered. A part that is missing had a mistake
/// of its own.
pub(crate) fn in_order(parts: Vec<Option<Part<'_>>>, mistakes: &mut Mistakes) -> Vec<Rule> {
    let needs: Vec<BTreeSet<usize>> = parts
        .iter()
        .map(|part| part.as_ref().map(|part| needs(&part.rule)).unwrap_or_default())
        .collect();
    let mut awaited_by: Vec<Vec<usize>> = vec![Vec::new(); parts.len()];
    for (rule, needs) in needs.iter().enumerate() {
        needs.iter().for_each(|&need| awaited_by[need].push(rule));
    }
    let mut missing: Vec<usize> = needs.iter().map(BTreeSet::len).collect();
    // Of those that are ready, the first as written: explanations follow the files.
    let mut ready: BTreeSet<usize> = (0..parts.len()).filter(|&rule| missing[rule] == 0).collect();
    let mut place = vec![None; parts.len()];
    let mut placed = 0;
    while let Some(rule) = ready.pop_first() {
        place[rule] = Some(placed);
        placed += 1;
        for &waiting in &awaited_by[rule] {
            missing[waiting] -= 1;
            if missing[waiting] == 0 {
                ready.insert(waiting);
            }
        }
    }
    if let Some(stuck) = place.iter().position(Option::is_none) {
        tell_cycle(&cycle(stuck, &needs, &place), &parts, mistakes);
        return Vec::new();
    }
    let renumber = |operand| match operand {
        Operand::Rule(rule) => place[rule].map_or(Operand::Never, Operand::Rule),
        other => other,
    };
    let mut ordered: Vec<(Option<usize>, Rule)> = Vec::with_capacity(parts.len());
    for (number, part) in parts.into_iter().enumerate() {
        let Some(Part { mut rule, .. }) = part else { continue };
        rule.when = rule.when.map(|when| when.map(&mut { renumber }));
        rule.unless = rule.unless.map(|unless| unless.map(&mut { renumber }));
        ordered.push((place[number], rule));
    }
    ordered.sort_by_key(|(place, _)| *place);
    ordered.into_iter().map(|(_, rule)| rule).collect()
}

fn needs(rule: &Rule) -> BTreeSet<usize> {
    let mut names = Vec::new();
    rule.when.iter().chain(&rule.unless).for_each(|expression| expression.names(&mut names));
    let rules = names.into_iter().filter_map(|operand| match operand {
        Operand::Rule(rule) => Some(*rule),
        _ => None,
    });
    rules.collect()
}

/// Every rule without a place waits for another such; following them must come round.
fn cycle(stuck: usize, needs: &[BTreeSet<usize>], place: &[Option<usize>]) -> Vec<usize> {
    let mut path = vec![stuck];
    loop {
        let last = path[path.len() - 1];
        let Some(&next) = needs[last].iter().find(|&&need| place[need].is_none()) else {
            return path;
        };
        if let Some(start) = path.iter().position(|&seen| seen == next) {
            return path.split_off(start);
        }
        path.push(next);
    }
}

fn tell_cycle(cycle: &[usize], parts: &[Option<Part<'_>>], mistakes: &mut Mistakes) {
    let members: Vec<&Part<'_>> = cycle.iter().filter_map(|&rule| parts[rule].as_ref()).collect();
    let Some(first) = members.first() else { return };
    let names: Vec<&str> = members.iter().map(|part| part.rule.def.name.as_ref()).collect();
    let what =
        format!("{}: rules wait for each other: {} → {}", names[0], names.join(" → "), names[0]);
    mistakes.at(first.origin, &first.at, what, "let one of them name no other");
}
