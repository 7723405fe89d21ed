//! What is left out under pressure never counts against a message, and is told.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod world;

use std::time::Duration;

use tidegate_engine::Pressure;
use world::{MAIL, World, signed};

#[tokio::test(flavor = "multi_thread")]
async fn in_a_hurry_the_answers_that_are_there_are_used() {
    let world = World::new();
    let mail = signed(MAIL, "shop.example");
    let calm = world.of_shop(&mail).await;
    assert!(calm.left_out.is_empty());
    // All of its answers are known by now.
    let hurried = world.of_shop_under(Pressure::Hurried, &mail).await;
    assert_eq!(hurried.left_out, [""; 0]);
    assert_eq!(hurried.decision.score, calm.decision.score);
    assert!(!hurried.signals.has("LEFT_OUT"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_come_in_a_hurry_is_taken_to_have_spoken_for_the_message() {
    let mail = signed(MAIL, "shop.example");
    let calm = World::new().of_shop(&mail).await;
    assert!(calm.decision.score < 0.0, "{:?}", calm.signals);
    let world = World::new();
    world.dns.delay("", Duration::from_secs(1));
    let hurried = world.of_shop_under(Pressure::Hurried, &mail).await;
    assert_eq!(hurried.left_out, ["authentication", "trust"]);
    assert!(hurried.decision.score <= calm.decision.score, "{:?}", hurried.signals);
    let told = hurried.signals.get("LEFT_OUT").unwrap();
    assert_eq!(told.detail(), "authentication, trust");
    assert!(hurried.signals.get("LEFT_OUT_TRUST").unwrap().score() < 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_judged_with_less_never_scores_more() {
    let world = World::new();
    let bulk = MAIL.replace("CFBL-Address: fbl@shop.example; report=arf\r\n", "");
    let letters = MAIL.replace("They have come.", "Тhеу hаvе соmе, and рауmеnt is duе.");
    for mail in [MAIL, &bulk, &letters] {
        for mail in [mail.to_owned(), signed(mail, "shop.example")] {
            let calm = world.of_shop(&mail).await;
            let pressed = world.of_shop_under(Pressure::Pressed, &mail).await;
            let heavy = ["content.letters", "bulk.probability", "bulk.three_rules"];
            assert_eq!(pressed.left_out, heavy);
            assert!(pressed.decision.score <= calm.decision.score, "{:?}", pressed.signals);
            assert!(pressed.decision.verdict <= calm.decision.verdict);
            assert!(pressed.learnable.is_none(), "what was judged with less teaches nothing");
        }
    }
}
