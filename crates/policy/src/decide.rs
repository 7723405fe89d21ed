//! Adding up, and finding what was decisive.
//!
//! Invariant: the decisive set is minimal in number: no smaller set of signals could be taken away
//! to change the outcome.

use tidegate_signal::{Family, Signal, Signals};

use crate::{Action, Caps, Correspondence, Personal, Thresholds, UserPolicy, Verdict, Weights};

/// How signals become a verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Where outcomes begin.
    pub thresholds: Thresholds,
    /// How far each family counts.
    pub caps: Caps,
    /// What a point of each family is worth.
    pub weights: Weights,
    /// What a point against a message's form and content is worth where statistics, which have heard
    /// it, speak for the message all the same: 0 to 1.
    pub contradicted: f32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            thresholds: Thresholds::default(),
            caps: Caps::default(),
            weights: Weights::default(),
            contradicted: CONTRADICTED,
        }
    }
}

/// The default of [`Policy::contradicted`], fitted on folds of the shared corpus.
pub(crate) const CONTRADICTED: f32 = 0.5;

/// A verdict, and what led to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The outcome.
    pub verdict: Verdict,
    /// What is done with the message.
    pub action: Action,
    /// The recipient set this kind of mail apart: the outcome is theirs, not the score's.
    pub set_apart: bool,
    /// The sum after caps, in points, rounded to hundredths.
    pub score: f32,
    /// The thresholds it was compared with.
    pub thresholds: Thresholds,
    /// Families that don't count for their points, because of a weight, of a cap or of statistics
    /// that contradict them: the sum before and after.
    pub capped: Vec<(Family, f32, f32)>,
    /// The fewest signals without which the outcome would differ, the weightiest first: those that
    /// speak against the message, or, where it is accepted only thanks to credit, those that speak
    /// for it.
    pub decisive: Vec<String>,
}

/// The signals of one family, added up.
struct Sum<'s> {
    family: Family,
    /// The points as they were given.
    given: f32,
    /// Scores and names, the ones that count most towards the outcome first.
    parts: Vec<(f32, &'s str)>,
}

impl Policy {
    /// Decides on a message by its signals.
    #[must_use]
    pub fn decide(&self, signals: &Signals) -> Decision {
        self.decide_at(self.thresholds, signals, &Personal::default())
    }

    /// Decides for one recipient: by the message's signals and by theirs, at their thresholds, with
    /// what they want done there.
    ///
    /// Mail of a known correspondent is protected from what its form and content score; what is
    /// attached, who sent it and what lists say of it still count. Where the recipient would let the
    /// message through if only its sender could be proved, and the proof is missing because answers
    /// are, it is tagged and not held or refused.
    #[must_use]
    pub fn decide_for(
        &self,
        signals: &Signals,
        user: &UserPolicy,
        personal: &Personal,
    ) -> Decision {
        let mut decision = self.decide_at(user.thresholds, signals, personal);
        let floor = match personal.bulk {
            Some(wanted) => user.bulk.floor(wanted),
            None => Verdict::Accept,
        };
        if floor > decision.verdict {
            decision.verdict = floor;
            decision.set_apart = true;
            decision.decisive = vec![crate::personal::BULK_UNWANTED.name.clone().into_owned()];
        }
        decision.action = user.action(decision.verdict);
        if personal.unproven && decision.action > Action::TagSubject {
            decision.action = Action::Tag;
        }
        decision
    }

    fn decide_at(
        &self,
        thresholds: Thresholds,
        signals: &Signals,
        personal: &Personal,
    ) -> Decision {
        let known = personal.known_correspondent.is_some_and(Correspondence::is_of_author);
        let sums = self.sums(signals.iter().chain(&personal.signals), known);
        let total = |sum: &Sum<'_>| sum.parts.iter().map(|(score, _)| score).sum::<f32>();
        let mut capped = Vec::new();
        let mut score = 0.0;
        for sum in &sums {
            let cap = self.caps.of(sum.family);
            let after = total(sum).clamp(cap.least, cap.most);
            if (sum.given - after).abs() > 1e-4 {
                capped.push((sum.family, sum.given, after));
            }
            score += after;
        }
        let score = (score * 100.0).round() / 100.0;
        let verdict = thresholds.verdict(score);
        let decisive = match thresholds.of(verdict) {
            Some(from) => self.fewest(sums, score - from, 1.0),
            None => self.fewest(sums, thresholds.tag - score, -1.0),
        };
        let action = UserPolicy::default().action(verdict);
        Decision { verdict, action, set_apart: false, score, thresholds, capped, decisive }
    }

    /// The fewest signals whose absence would move the score by more than `margin` against
    /// `direction` (1: down, −1: up, where it is enough to reach the margin).
    ///
    /// Within a family the best k to leave out are its k strongest; how to share out the number
    /// among families is a knapsack with unit costs, small enough to solve exactly.
    fn fewest(&self, mut sums: Vec<Sum<'_>>, margin: f32, direction: f32) -> Vec<String> {
        /// A choice of signals: how far they move the score, and how many of each family.
        type Choice = (f32, [usize; Family::ALL.len()]);
        // Hundredths are what scores are shown in; less is rounding.
        let enough =
            |gain: f32| if direction > 0.0 { gain > margin + 0.004 } else { gain > margin - 0.004 };
        // Most often not even all of them together decide. Added up in another order than below, they may
        // come out a little other.
        let furthest: f32 = sums.iter().map(|sum| self.furthest(sum, direction)).sum();
        if !enough(furthest + 0.001) {
            return Vec::new();
        }
        for sum in &mut sums {
            sum.parts.sort_by(|(a, _), (b, _)| (b * direction).total_cmp(&(a * direction)));
        }
        let moves: Vec<Vec<f32>> = sums.iter().map(|sum| self.moves(sum, direction)).collect();
        let none = [0; Family::ALL.len()];
        let mut best: Vec<Choice> = vec![(0.0, none)];
        for (family, moves) in moves.iter().enumerate() {
            let mut next: Vec<Choice> = Vec::with_capacity(best.len() + moves.len());
            for (already, (gain, taken)) in best.iter().enumerate().rev() {
                for (count, step) in moves.iter().enumerate() {
                    let candidate = gain + step;
                    let at = already + count;
                    if next.len() <= at {
                        next.resize(at + 1, (f32::NEG_INFINITY, none));
                    }
                    if candidate > next[at].0 {
                        next[at] = (candidate, *taken);
                        next[at].1[family] = count;
                    }
                }
            }
            best = next;
        }
        let Some((_, taken)) = best.into_iter().find(|(gain, _)| enough(*gain)) else {
            return Vec::new();
        };
        let mut chosen: Vec<(f32, &str)> = sums
            .into_iter()
            .zip(taken)
            .flat_map(|(sum, count)| sum.parts.into_iter().take(count))
            .collect();
        chosen.sort_by(|(a, _), (b, _)| b.abs().total_cmp(&a.abs()));
        chosen.into_iter().map(|(_, name)| name.to_owned()).collect()
    }

    /// How far leaving out all of a family's signals that speak in `direction` moves the score.
    fn furthest(&self, sum: &Sum<'_>, direction: f32) -> f32 {
        let cap = self.caps.of(sum.family);
        let scores = || sum.parts.iter().map(|(score, _)| *score);
        let (all, left) =
            (scores().sum::<f32>(), scores().filter(|score| score * direction <= 0.0).sum::<f32>());
        (all.clamp(cap.least, cap.most) - left.clamp(cap.least, cap.most)) * direction
    }

    /// How far leaving out a family's strongest 0, 1, 2 … signals moves the score.
    fn moves(&self, sum: &Sum<'_>, direction: f32) -> Vec<f32> {
        let cap = self.caps.of(sum.family);
        let all: f32 = sum.parts.iter().map(|(score, _)| score).sum();
        let counted = all.clamp(cap.least, cap.most);
        let mut left = all;
        let mut moves = vec![0.0];
        for (score, _) in sum.parts.iter().take_while(|(score, _)| score * direction > 0.0) {
            left -= score;
            moves.push((counted - left.clamp(cap.least, cap.most)) * direction);
        }
        moves
    }

    /// The signals that count, by family. `known`: of a correspondent who is protected.
    fn sums<'s>(
        &self,
        signals: impl Iterator<Item = &'s Signal> + Clone,
        known: bool,
    ) -> Vec<Sum<'s>> {
        let of_statistics = signals.clone().filter(|it| it.family() == Family::Statistics);
        let contradicted = of_statistics.map(Signal::score).sum::<f32>() < 0.0;
        let mut sums: Vec<Sum<'s>> = Vec::new();
        for signal in signals.filter(|signal| signal.score() != 0.0) {
            let given = signal.score();
            let halved = contradicted && given > 0.0 && is_heard(signal.family());
            let protected = known && given > 0.0 && is_protected(signal.family());
            let weight = if protected { 0.0 } else { self.weights.of(signal.family()) };
            let score = given * weight * if halved { self.contradicted } else { 1.0 };
            let part = (score, Signal::name(signal));
            match sums.iter_mut().find(|sum| sum.family == signal.family()) {
                Some(sum) => {
                    sum.given += given;
                    sum.parts.push(part);
                }
                None => sums.push(Sum { family: signal.family(), given, parts: vec![part] }),
            }
        }
        sums
    }
}

/// Whether statistics have heard what a family says.
pub(crate) const fn is_heard(family: Family) -> bool {
    matches!(family, Family::Headers | Family::Content | Family::Links | Family::Attachments)
}

/// Whether a known correspondent is protected from what a family says.
const fn is_protected(family: Family) -> bool {
    matches!(family, Family::Headers | Family::Content | Family::Links | Family::Statistics)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tidegate_signal::{Def, SignalDef};

    fn signals(list: &[(&'static str, Family, f32)]) -> Signals {
        let mut signals = Signals::new();
        for (name, family, score) in list {
            let def = SignalDef::new(name, *family, *score, "says");
            signals.raise(Def::Shared(Arc::new(def)), "");
        }
        signals
    }

    #[track_caller]
    fn check(
        list: &[(&'static str, Family, f32)],
        verdict: Verdict,
        score: f32,
        decisive: &[&str],
    ) {
        let decision = Policy::default().decide(&signals(list));
        assert_eq!((decision.verdict, decision.score), (verdict, score), "{decision:?}");
        assert_eq!(decision.decisive, decisive, "{decision:?}");
    }

    #[test]
    fn what_statistics_have_heard_and_contradict_counts_half() {
        let decide = |statistics: f32| {
            let list = [
                ("A", Family::Content, 4.0),
                ("B", Family::Links, 3.0),
                ("C", Family::Client, 2.0),
                ("S", Family::Statistics, statistics),
            ];
            Policy::default().decide(&signals(&list))
        };
        let spoken_for = decide(-1.0);
        assert_eq!((spoken_for.score, spoken_for.verdict), (4.5, Verdict::Accept));
        let of_content = (Family::Content, 4.0, 2.0);
        assert!(spoken_for.capped.contains(&of_content), "{:?}", spoken_for.capped);
        assert_eq!(spoken_for.decisive, ["S"], "without it, it would have been tagged");
        assert_eq!(decide(1.0).score, 10.0);
        assert_eq!(decide(0.0).score, 9.0);
    }

    #[test]
    fn nothing_said_is_accepted() {
        check(&[], Verdict::Accept, 0.0, &[]);
    }

    #[test]
    fn the_smallest_set_that_tips_is_decisive() {
        use Family::{Content, Headers, Links};
        let list = [("A", Headers, 2.0), ("B", Content, 3.0), ("C", Links, 1.0)];
        check(&list, Verdict::Tag, 6.0, &["B"]);
        let even = [("A", Headers, 2.0), ("B", Content, 2.0), ("C", Links, 2.5)];
        check(&even, Verdict::Tag, 6.5, &["C"]);
        let heavy =
            [("A", Headers, 4.0), ("B", Content, 4.0), ("C", Links, 4.0), ("D", Links, 3.9)];
        check(&heavy, Verdict::Reject, 15.9, &["A"]);
    }

    #[test]
    fn one_family_cannot_reject_and_what_a_cap_hides_is_not_decisive() {
        use Family::{Headers, Lists};
        let list = [("A", Lists, 10.0), ("B", Lists, 10.0), ("C", Headers, 2.0)];
        check(&list, Verdict::Quarantine, 14.0, &["A", "B"]);
        let decision = Policy::default().decide(&signals(&list));
        assert_eq!(decision.capped, [(Lists, 20.0, 12.0)]);
    }

    #[test]
    fn credit_that_saved_a_message_is_decisive() {
        use Family::{Content, Trust};
        check(&[("A", Content, 6.0), ("B", Trust, -2.0)], Verdict::Accept, 4.0, &["B"]);
        check(&[("A", Content, 1.0), ("B", Trust, -2.0)], Verdict::Accept, -1.0, &[]);
    }

    #[test]
    fn the_operators_own_decision_stands_alone() {
        check(&[("GTUBE", Family::Policy, 1000.0)], Verdict::Reject, 1000.0, &["GTUBE"]);
    }

    #[test]
    fn no_smaller_set_would_change_the_outcome() {
        // Exhaustive over all subsets of a mixed message: the answer is as small as any that works.
        use Family::{Authentication, Content, Headers, Links, Lists};
        let list = [
            ("A", Headers, 1.5),
            ("B", Headers, 2.5),
            ("C", Content, 3.0),
            ("D", Links, 2.0),
            ("E", Lists, 4.0),
            ("F", Lists, 9.0),
            ("G", Authentication, -1.0),
            ("H", Links, 0.5),
        ];
        let policy = Policy::default();
        let whole = policy.decide(&signals(&list));
        let smallest = (0u32..1 << list.len())
            .filter(|left_out| {
                let rest: Vec<_> = list
                    .iter()
                    .enumerate()
                    .filter(|(i, _)| left_out >> i & 1 == 0)
                    .map(|(_, part)| *part)
                    .collect();
                policy.decide(&signals(&rest)).verdict < whole.verdict
            })
            .map(u32::count_ones)
            .min();
        assert_eq!(Some(whole.decisive.len() as u32), smallest);
    }

    fn decide_for(
        list: &[(&'static str, Family, f32)],
        user: &UserPolicy,
        personal: &Personal,
    ) -> Decision {
        Policy::default().decide_for(&signals(list), user, personal)
    }

    #[test]
    fn a_recipients_thresholds_and_actions_are_theirs_alone() {
        let list = [("A", Family::Content, 9.0)];
        let thresholds = Thresholds { tag: 10.0, quarantine: 12.0, reject: 20.0 };
        let patient = UserPolicy { thresholds, ..UserPolicy::default() };
        let decision = decide_for(&list, &patient, &Personal::default());
        assert_eq!((decision.verdict, decision.action), (Verdict::Accept, Action::Accept));
        let by_subject = UserPolicy { at_quarantine: Action::TagSubject, ..UserPolicy::default() };
        let decision = decide_for(&list, &by_subject, &Personal::default());
        assert_eq!((decision.verdict, decision.action), (Verdict::Quarantine, Action::TagSubject));
    }

    #[test]
    fn a_known_correspondent_is_protected_from_content_and_not_from_files_and_lists() {
        use Family::{Attachments, Content, Headers, Links, Lists, Statistics};
        let known = Personal {
            known_correspondent: Some(crate::Correspondence::WroteTo),
            ..Personal::default()
        };
        let user = UserPolicy::default();
        let list =
            [("A", Content, 6.0), ("B", Headers, 3.0), ("C", Links, 4.0), ("D", Statistics, 5.0)];
        let decision = decide_for(&list, &user, &known);
        assert_eq!((decision.score, decision.verdict), (0.0, Verdict::Accept), "{decision:?}");
        assert!(decision.capped.contains(&(Content, 6.0, 0.0)), "{decision:?}");
        let list = [("A", Content, 6.0), ("B", Attachments, 9.0), ("C", Lists, 7.0)];
        assert_eq!(decide_for(&list, &user, &known).score, 16.0);
        // A list that was joined may carry what any member writes.
        let joined = Some(Correspondence::Joined(crate::ListAddress::Id));
        let joined = Personal { known_correspondent: joined, ..Personal::default() };
        assert_eq!(decide_for(&[("A", Content, 6.0)], &user, &joined).score, 6.0);
    }

    #[test]
    fn bulk_mail_that_is_set_apart_is_no_milder_than_asked() {
        let user = UserPolicy { bulk: crate::Bulk::Quarantine, ..UserPolicy::default() };
        let bulk = Personal { bulk: Some(false), ..Personal::default() };
        let decision = decide_for(&[], &user, &bulk);
        assert_eq!((decision.action, decision.set_apart), (Action::Quarantine, true));
        assert_eq!(decision.decisive, ["BULK_UNWANTED"]);
        let spam = [("A", Family::Policy, 50.0)];
        assert_eq!(decide_for(&spam, &user, &bulk).action, Action::Reject);
        let user = UserPolicy { bulk: crate::Bulk::QuarantineUnwanted, ..user };
        assert_eq!(decide_for(&[], &user, &bulk).action, Action::Quarantine);
        let wanted = Personal { bulk: Some(true), ..Personal::default() };
        assert_eq!(decide_for(&[], &user, &wanted).action, Action::Accept);
    }

    #[test]
    fn mail_whose_proof_is_missing_is_tagged_and_neither_held_nor_refused() {
        let unproven = Personal { unproven: true, ..Personal::default() };
        let spam = [("A", Family::Policy, 50.0)];
        assert_eq!(decide_for(&spam, &UserPolicy::default(), &unproven).action, Action::Tag);
        let none = decide_for(&[], &UserPolicy::default(), &unproven);
        assert_eq!(none.action, Action::Accept);
    }
}
