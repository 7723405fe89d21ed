//! Turns, bounds, and what happens when waiting is given up. No test looks at a clock: what is counted is who was
//! let in before whom.

use futures_util::FutureExt;
use proptest::prelude::*;
use tokio::task::JoinHandle;

use super::*;

const LONG: Duration = Duration::from_secs(600);

fn gate(places: usize, waiting: usize, octets: usize) -> Arc<Gate<u8>> {
    Gate::new(Limits { places, waiting, octets, wait: LONG })
}

/// Someone who has come, and waits by now if there is no place.
async fn comes(
    gate: &Arc<Gate<u8>>,
    who: u8,
    octets: usize,
) -> JoinHandle<Result<Place<u8>, Refused>> {
    let gate = Arc::clone(gate);
    let came = tokio::spawn(async move { gate.enter(who, octets).await });
    tokio::task::yield_now().await;
    came
}

#[tokio::test]
async fn one_client_with_64_messages_waiting_does_not_keep_another_from_the_next_turn() {
    let gate = gate(1, 1_000, 1_000_000);
    let mut place = gate.enter(1, 1).await.unwrap();
    let mut flood: VecDeque<_> = VecDeque::new();
    for _ in 0..64 {
        flood.push_back(comes(&gate, 1, 1).await);
    }
    for _ in 0..10 {
        let other = comes(&gate, 2, 1).await;
        // One of the flood may have had its turn before the other came.
        let mut let_in_before = 0;
        drop(place);
        loop {
            tokio::task::yield_now().await;
            if other.is_finished() {
                break;
            }
            let next = flood.pop_front().unwrap().await.unwrap().unwrap();
            let_in_before += 1;
            drop(next);
        }
        assert!(let_in_before <= 1, "{let_in_before} of the flood were let in before");
        place = other.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_full_queue_drops_the_newest_of_who_has_the_most_in_it() {
    let gate = gate(1, 3, 1_000);
    let _place = gate.enter(1, 1).await.unwrap();
    let flood = [comes(&gate, 1, 1).await, comes(&gate, 1, 1).await, comes(&gate, 1, 1).await];
    let other = comes(&gate, 2, 1).await;
    let [first, second, third] = flood;
    assert_eq!(third.await.unwrap().unwrap_err(), Refused::Full);
    assert!(!first.is_finished() && !second.is_finished() && !other.is_finished());
    let of_flood = comes(&gate, 1, 1).await;
    assert_eq!(of_flood.await.unwrap().unwrap_err(), Refused::Full);
    assert_eq!(gate.held().waiting, 3);
}

#[tokio::test]
async fn the_octets_that_wait_are_bounded_but_one_message_may_always_wait() {
    let gate = gate(1, 100, 1_000);
    let place = gate.enter(1, 1).await.unwrap();
    let huge = comes(&gate, 2, 5_000).await;
    assert!(!huge.is_finished());
    assert_eq!(gate.held(), Held { inside: 1, waiting: 1, octets: 5_000 });
    // With another beside it, it is what takes up the room.
    let small = comes(&gate, 3, 10).await;
    assert_eq!(huge.await.unwrap().unwrap_err(), Refused::Full);
    assert_eq!(gate.held().octets, 10);
    drop(place);
    assert!(small.await.unwrap().is_ok());
    assert_eq!(gate.held(), Held { inside: 0, waiting: 0, octets: 0 });
}

#[tokio::test]
async fn who_waits_too_long_is_told_and_leaves_no_trace() {
    let wait = Duration::from_millis(10);
    let gate = Gate::new(Limits { places: 1, waiting: 10, octets: 1_000, wait });
    let place = gate.enter(1, 1).await.unwrap();
    assert_eq!(gate.enter(1, 7).await.unwrap_err(), Refused::Late);
    assert_eq!(gate.held(), Held { inside: 1, waiting: 0, octets: 0 });
    drop(place);
    let next = gate.enter(1, 7).await.unwrap();
    assert_eq!((next.waited(), next.taken()), (Duration::ZERO, 1));
}

#[tokio::test]
async fn a_place_given_to_who_has_gone_goes_to_the_next() {
    let gate = gate(1, 10, 1_000);
    let place = gate.enter(1, 1).await.unwrap();
    let gone = comes(&gate, 1, 1).await;
    let next = comes(&gate, 1, 1).await;
    // The place is on its way to the first when that one's connection ends.
    drop(place);
    gone.abort();
    let _ = gone.await;
    assert!(next.await.unwrap().is_ok());
    assert_eq!(gate.held(), Held::default());
}

proptest! {
    /// Whatever comes, goes and gives up: no place is lost, none is had twice, and nobody waits beside a free one.
    #[test]
    fn places_and_waiters_always_add_up(steps in prop::collection::vec((0u8..4, 0u8..5), 0..200)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let gate = gate(3, 6, 100);
            let mut inside: VecDeque<Place<u8>> = VecDeque::new();
            let mut waiting: VecDeque<_> = VecDeque::new();
            for (step, who) in steps {
                match step {
                    0 | 1 => {
                        let gate = Arc::clone(&gate);
                        let entering = async move { gate.enter(who, usize::from(who) * 9).await };
                        waiting.push_back(Box::pin(entering));
                    }
                    2 => drop(inside.pop_front()),
                    _ => drop(waiting.pop_back()),
                }
                // Who comes may turn away one who has been looked at before.
                for _ in 0..2 {
                    for mut one in std::mem::take(&mut waiting) {
                        match one.as_mut().now_or_never() {
                            None => waiting.push_back(one),
                            Some(Ok(place)) => inside.push_back(place),
                            Some(Err(why)) => assert_eq!(why, Refused::Full),
                        }
                    }
                }
                let held = gate.held();
                assert_eq!((held.inside, held.waiting), (inside.len(), waiting.len()));
                assert!(held.inside <= 3 && held.waiting <= 6);
                assert!(held.octets <= 100 || held.waiting == 1);
                assert!(held.waiting == 0 || held.inside == 3, "{held:?}");
            }
            drop((inside, waiting));
            assert_eq!(gate.held(), Held::default());
        });
    }
}
