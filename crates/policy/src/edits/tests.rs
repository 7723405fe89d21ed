//! Edits in a store, one after the other and at once.

use serde_json::json;
use tidegate_mail::Address;
use tidegate_store::Memory;

use super::*;
use crate::{Action, UserPolicy};

fn edits() -> Edits {
    Edits::new(Arc::new(Memory::new()))
}

fn edit(subject: &str, set: Value, unset: &[&str]) -> Edit {
    let set = serde_json::from_value(set).unwrap();
    let unset = unset.iter().map(|key| (*key).to_owned()).collect();
    Edit { set, unset, ..Edit::new(subject.parse().unwrap(), None) }
}

#[test]
fn an_edit_is_in_force_once_the_book_is_made_again() {
    let (edits, book) = (edits(), Book::default());
    let set = json!({ "tag": 3.0, "at_tag": "tag-subject" });
    let stored = edits.edit(&edit("anna@a.example", set, &[]), &book, "admin", 7).unwrap();
    assert_eq!(stored.version, 1);
    let book = book.with_stored(edits.layers().unwrap().0);
    let anna = book.policy(&Address::new("anna@a.example"));
    assert_eq!((anna.thresholds.tag, anna.at_tag), (3.0, Action::TagSubject));

    let unset = edit("anna@a.example", json!({}), &["tag", "at_tag"]);
    assert_eq!(edits.edit(&unset, &book, "admin", 8).unwrap().version, 2);
    let (layers, unread) = edits.layers().unwrap();
    assert_eq!((layers.len(), unread), (0, 0), "what says nothing is not listed");
    let book = book.with_stored(layers);
    assert_eq!(*book.policy(&Address::new("anna@a.example")), UserPolicy::default());
}

#[test]
fn lists_are_added_to_and_taken_from() {
    let edits = edits();
    let layer = |json: Value| serde_json::from_value::<Layer>(json).unwrap();
    let domain = layer(json!({ "allowed": ["a.example"], "trusted_lists": ["<f.a.example>"] }));
    let files = Arc::new(Layers::from([("@a.example".parse().unwrap(), domain)]));
    let book = Book::new(UserPolicy::default(), Default::default(), files, Arc::default());
    let make = |add: Value, remove: Value| {
        let (add, remove) =
            (serde_json::from_value(add).unwrap(), serde_json::from_value(remove).unwrap());
        let edit = Edit { add, remove, ..Edit::new("anna@a.example".parse().unwrap(), None) };
        edits
            .edit(&edit, &book, "anna", 1)
            .map(|stored| serde_json::to_value(stored.layer).unwrap())
    };
    let made = make(json!({ "allowed": ["B.example", "a.example"] }), json!({})).unwrap();
    assert_eq!(made, json!({ "allowed": ["a.example", "b.example"] }), "beside the domain's");
    let made = make(
        json!({ "allowed": ["c.example"] }),
        json!({ "allowed": ["a.example"], "trusted_lists": ["F.a.example"] }),
    );
    let expect = json!({ "allowed": ["b.example", "c.example"], "trusted_lists": [] });
    assert_eq!(made.unwrap(), expect);
    for (add, remove, words) in [
        (json!({}), json!({ "allowed": ["x.example"] }), "'allowed' has no \"x.example\""),
        (json!({ "tag": [4] }), json!({}), "'tag'"),
        (json!({ "alowed": [] }), json!({}), "did you mean 'allowed'?"),
        (json!({ "allowed": ["*"] }), json!({}), "neither an address nor a domain"),
    ] {
        let error = make(add, remove).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn an_edit_on_an_old_version_is_refused() {
    let (edits, book) = (edits(), Book::default());
    let mut first = edit("@a.example", json!({ "bulk": "tag" }), &[]);
    first.version = Some(0);
    edits.edit(&first, &book, "anna", 1).unwrap();
    let error = edits.edit(&first, &book, "bert", 2).unwrap_err();
    assert!(matches!(error, EditError::Outdated { is: 1, was: 0, .. }), "{error}");
    let mut again = edit("@a.example", json!({ "bulk": "quarantine" }), &[]);
    again.version = Some(1);
    assert_eq!(edits.edit(&again, &book, "bert", 2).unwrap().version, 2);
}

#[test]
fn what_is_wrong_changes_nothing_and_is_told() {
    let (edits, book) = (edits(), Book::default());
    for (set, words) in [
        (json!({ "blokced": [] }), "did you mean 'blocked'?"),
        (json!({ "tag": "much" }), "'tag' can't be \"much\""),
        (json!({ "tag": 9.0 }), "'tag' puts 'quarantine' (8) below 'tag' (9)"),
        (json!({ "at_tag": "shred" }), "tag-subject"),
        (json!({ "languages": ["xx"] }), "no language"),
        (json!({ "allowed": ["*"] }), "neither an address nor a domain"),
        (json!({ "digest": 24 }), "0 to 23"),
    ] {
        let error = edits.edit(&edit("anna@a.example", set, &[]), &book, "x", 1).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(edits.get(&"anna@a.example".parse().unwrap()).unwrap(), Stored::default());
    assert!(edits.log(None, 10).unwrap().is_empty());
}

#[test]
fn each_edit_leaves_a_line_and_the_log_is_bounded() {
    let (edits, book) = (edits(), Book::default());
    for round in 1..=MOST_LOGGED + 20 {
        let days = json!({ "keep_days": round });
        edits.edit(&edit("anna@a.example", days, &[]), &book, "admin\n", round).unwrap();
    }
    edits.edit(&edit("@b.example", json!({ "filtering": false }), &[]), &book, "bert", 5).unwrap();
    let anna: Subject = "anna@a.example".parse().unwrap();
    let log = edits.log(Some(&anna), 1_000).unwrap();
    assert_eq!(log.len() as u64, MOST_LOGGED);
    assert_eq!((log[0].version, log[0].by.as_str()), (MOST_LOGGED + 20, "admin"));
    assert_eq!(log[0].changes["keep_days"], (json!(119), json!(120)));
    assert_eq!(edits.log(None, 1_000).unwrap().len() as u64, MOST_LOGGED + 1);
    assert_eq!(edits.log(None, 3).unwrap().len(), 3);
}

#[test]
fn an_edit_that_changes_nothing_makes_no_version() {
    let (edits, book) = (edits(), Book::default());
    for _ in 0..3 {
        let stored = edits.edit(&edit("@a.example", json!({ "tag": 4.0 }), &[]), &book, "x", 1);
        assert_eq!(stored.unwrap().version, 1);
    }
}

#[test]
fn edits_at_once_are_all_made() {
    let edits = edits();
    std::thread::scope(|scope| {
        for (key, value) in [("tag", json!(4.0)), ("bulk", json!("tag")), ("keep_days", json!(9))] {
            let edits = &edits;
            scope.spawn(move || {
                let edit = edit("@a.example", json!({ key: value }), &[]);
                edits.edit(&edit, &Book::default(), "x", 1).unwrap();
            });
        }
    });
    let stored = edits.get(&"@a.example".parse().unwrap()).unwrap();
    assert_eq!(stored.version, 3);
    assert_eq!(stored.layer.keep_days, Some(9));
    assert_eq!((stored.layer.tag, stored.layer.bulk.is_some()), (Some(4.0), true));
}

#[test]
fn a_subject_is_erased_with_its_lines_and_as_the_one_who_edited_others() {
    let (edits, book) = (edits(), Book::default());
    let make = |subject: &str, by| {
        edits.edit(&edit(subject, json!({ "tag": 3.0 }), &[]), &book, by, 7).unwrap();
    };
    make("anna@a.example", "admin@a.example");
    make("bert@a.example", "anna@a.example");
    let anna = "anna@a.example".parse().unwrap();
    assert_eq!(edits.erase(&anna).unwrap(), Erased { layer: true, lines: 1 });
    assert_eq!(edits.erase(&anna).unwrap(), Erased::default());
    let is_anna = |by: &str| by == "anna@a.example";
    assert_eq!(edits.disown(&is_anna, "erased").unwrap(), 1);
    assert_eq!(edits.disown(&is_anna, "erased").unwrap(), 0);
    let log = edits.log(None, 10).unwrap();
    assert_eq!((log.len(), log[0].by.as_str()), (1, "erased"));
    assert_eq!(edits.layers().unwrap().0.len(), 1);
}
