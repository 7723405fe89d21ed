//! Every combination of wishes for up to four recipients, under all means.

use super::*;

fn wishes() -> Vec<Wish> {
    vec![
        Wish::Deliver(Form::AsItCame),
        Wish::Deliver(Form::Marked),
        Wish::Deliver(Form::Tagged),
        Wish::Deliver(Form::TaggedSubject("[A] ".into())),
        Wish::Deliver(Form::TaggedSubject("[B] ".into())),
        Wish::Hold { otherwise: Form::Tagged },
        Wish::Refuse { otherwise: Form::Tagged },
        Wish::Refuse { otherwise: Form::TaggedSubject("[A] ".into()) },
    ]
}

const ALL_MEANS: [Means; 4] = [
    Means { hold: true, copy: true },
    Means { hold: true, copy: false },
    Means { hold: false, copy: true },
    Means { hold: false, copy: false },
];

/// What becomes of one recipient.
#[derive(Debug, Clone, PartialEq)]
enum Fate {
    Refused,
    Held,
    Gets(Form),
}

fn fates(plan: &Plan, count: usize) -> Vec<Fate> {
    let Plan::Take { own, copies, hold } = plan else { return vec![Fate::Refused; count] };
    let mut fates: Vec<Vec<Fate>> = vec![Vec::new(); count];
    for group in own.iter().chain(copies) {
        for &recipient in &group.recipients {
            fates[recipient].push(Fate::Gets(group.form.clone()));
        }
    }
    hold.iter().for_each(|&recipient| fates[recipient].push(Fate::Held));
    fates
        .into_iter()
        .map(|mut each| {
            assert_eq!(each.len(), 1, "each recipient stands in one place: {plan:?}");
            each.remove(0)
        })
        .collect()
}

/// Calls `check` with every combination for up to four recipients.
fn every_combination(mut check: impl FnMut(&[Wish], Means)) {
    let kinds = wishes();
    for count in 1..=4u32 {
        for number in 0..kinds.len().pow(count) {
            let combination: Vec<Wish> = (0..count)
                .map(|place| kinds[number / kinds.len().pow(place) % kinds.len()].clone())
                .collect();
            ALL_MEANS.into_iter().for_each(|means| check(&combination, means));
        }
    }
}

fn refuses(wish: &Wish) -> bool {
    matches!(wish, Wish::Refuse { .. })
}

#[test]
fn nobody_who_wants_it_loses_it() {
    every_combination(|wishes, means| {
        let fates = fates(&plan(wishes, means), wishes.len());
        for (wish, fate) in wishes.iter().zip(&fates) {
            if let Wish::Deliver(_) = wish {
                assert!(matches!(fate, Fate::Gets(_)), "{wishes:?} {means:?}: {fates:?}");
            }
        }
    });
}

#[test]
fn it_is_refused_only_where_all_refuse() {
    every_combination(|wishes, means| {
        let refused = plan(wishes, means) == Plan::Refuse;
        assert_eq!(refused, wishes.iter().all(refuses), "{wishes:?} {means:?}");
    });
}

#[test]
fn nobody_who_rejects_or_quarantines_gets_it_while_it_can_be_held() {
    every_combination(|wishes, means| {
        let fates = fates(&plan(wishes, means), wishes.len());
        for (wish, fate) in wishes.iter().zip(&fates) {
            let expect = match wish {
                Wish::Deliver(_) => continue,
                Wish::Refuse { .. } if wishes.iter().all(refuses) => Fate::Refused,
                Wish::Hold { .. } | Wish::Refuse { .. } if means.hold => Fate::Held,
                Wish::Hold { otherwise } | Wish::Refuse { otherwise } if means.copy => {
                    Fate::Gets(otherwise.clone())
                }
                _ => continue,
            };
            assert_eq!(*fate, expect, "{wishes:?} {means:?}");
        }
    });
}

#[test]
fn with_all_means_what_one_gets_depends_on_their_own_wish_alone() {
    let means = Means { hold: true, copy: true };
    every_combination(|wishes, of| {
        if of != means || wishes.iter().all(refuses) {
            return;
        }
        let fates = fates(&plan(wishes, means), wishes.len());
        for (wish, fate) in wishes.iter().zip(fates) {
            let alone = match wish {
                Wish::Deliver(form) => Fate::Gets(form.clone()),
                Wish::Hold { .. } | Wish::Refuse { .. } => Fate::Held,
            };
            assert_eq!(fate, alone, "{wishes:?}");
        }
    });
}

#[test]
fn without_copies_all_who_are_delivered_share_the_mildest_form() {
    every_combination(|wishes, means| {
        let plan = plan(wishes, means);
        let Plan::Take { own, copies, .. } = &plan else { return };
        if means.copy {
            let own = own.iter().map(|group| &group.form);
            let forms: Vec<&Form> = own.chain(copies.iter().map(|group| &group.form)).collect();
            assert!(forms.is_sorted(), "the mildest is the message itself: {plan:?}");
            return;
        }
        assert!(copies.is_empty(), "{plan:?}");
        let wanted = wishes.iter().filter_map(|wish| match wish {
            Wish::Deliver(form) => Some(form),
            Wish::Hold { otherwise } | Wish::Refuse { otherwise } if !means.hold => Some(otherwise),
            _ => None,
        });
        assert_eq!(own.as_ref().map(|group| &group.form), wanted.min(), "{wishes:?}");
    });
}

#[test]
fn when_holding_fails_everybody_is_delivered_and_whoever_wanted_it_held_gets_it_tagged() {
    let means = Means { hold: false, copy: true };
    every_combination(|wishes, of| {
        if of != means {
            return;
        }
        let after = plan(&unheld(wishes), means);
        for (wish, fate) in wishes.iter().zip(fates(&after, wishes.len())) {
            let (Wish::Deliver(form)
            | Wish::Hold { otherwise: form }
            | Wish::Refuse { otherwise: form }) = wish;
            assert_eq!(fate, Fate::Gets(form.clone()));
        }
    });
}

#[test]
fn a_message_for_nobody_is_left_alone() {
    for means in ALL_MEANS {
        assert_eq!(plan(&[], means), Plan::Take { own: None, copies: vec![], hold: vec![] });
    }
}

#[test]
fn the_table_in_the_readme_is_what_is_done() {
    let readme = include_str!("../../README.md");
    let rows: Vec<Vec<&str>> = readme
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains(" → "))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert!(rows.len() >= 12, "the table is there");
    for row in rows {
        let [wanted, means, result] = row[..] else { panic!("{row:?}") };
        let wishes: Vec<Wish> = wanted.split(", ").map(wish_of).collect();
        let means = Means { hold: means.contains("hold"), copy: means.contains("copy") };
        let told: Vec<String> = fates(&plan(&wishes, means), wishes.len())
            .iter()
            .zip(wanted.split(", "))
            .map(|(fate, wish)| format!("{wish} → {}", word_of(fate)))
            .collect();
        assert_eq!(told.join(", "), result, "{wanted} with {means:?}");
    }
}

fn wish_of(word: &str) -> Wish {
    match word {
        "off" => Wish::Deliver(Form::AsItCame),
        "accept" => Wish::Deliver(Form::Marked),
        "tag" => Wish::Deliver(Form::Tagged),
        "tag-subject" => Wish::Deliver(Form::TaggedSubject("[SPAM] ".into())),
        "quarantine" => Wish::Hold { otherwise: Form::Tagged },
        "reject" => Wish::Refuse { otherwise: Form::Tagged },
        other => panic!("{other}"),
    }
}

fn word_of(fate: &Fate) -> &'static str {
    match fate {
        Fate::Refused => "550",
        Fate::Held => "held",
        Fate::Gets(Form::AsItCame) => "as it came",
        Fate::Gets(Form::Marked) => "marked",
        Fate::Gets(Form::Tagged) => "tagged",
        Fate::Gets(Form::TaggedSubject(_)) => "tagged subject",
    }
}
