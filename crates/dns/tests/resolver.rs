//! The resolver against a server on loopback: sharing, caching, deadlines, and every way to fail.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::net::Ipv4Addr;
use std::time::Duration;

use tidegate_dns::testing::{Failure, TestServer};
use tidegate_dns::{Answer, Config, Mx, Name, Question, Resolver, Why};
use tokio::time::Instant;

fn name(text: &str) -> Name {
    Name::try_from(text).unwrap()
}

fn a(text: &str) -> Question {
    Question::A(name(text))
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

fn resolver(server: &TestServer) -> Resolver {
    Resolver::new(&server.config()).unwrap()
}

#[tokio::test]
async fn each_type_of_record_is_read() {
    let server = TestServer::start();
    let long = "x".repeat(700);
    server
        .a("mail.example", "192.0.2.1")
        .a("mail.example", "192.0.2.2")
        .aaaa("mail.example", "2001:db8::1")
        .mx("example", 20, "backup.example")
        .mx("example", 10, "Mail.Example.")
        .mx("silent.example", 0, ".")
        .txt("example", &long)
        .ptr("192.0.2.1", "mail.example")
        .ptr("2001:db8::1", "mail.example");
    let resolver = resolver(&server);
    let mut addresses = resolver.ask(a("MAIL.example"), soon()).await.ipv4().to_vec();
    addresses.sort();
    assert_eq!(addresses, [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)]);
    let answer = resolver.ask(Question::Aaaa(name("mail.example")), soon()).await;
    assert_eq!(answer.ipv6(), ["2001:db8::1".parse::<std::net::Ipv6Addr>().unwrap()]);
    let answer = resolver.ask(Question::Mx(name("example")), soon()).await;
    let expect = [(10, "mail.example"), (20, "backup.example")];
    assert_eq!(answer.mx(), expect.map(|(preference, it)| Mx { preference, exchange: name(it) }));
    let answer = resolver.ask(Question::Mx(name("silent.example")), soon()).await;
    assert_eq!(answer.mx(), [Mx { preference: 0, exchange: Name::root() }], "a null MX");
    let answer = resolver.ask(Question::Txt(name("example")), soon()).await;
    assert_eq!(answer.txt(), [long.as_bytes().into()], "strings of a record are joined");
    for address in ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"] {
        let answer = resolver.ask(Question::Ptr(address.parse().unwrap()), soon()).await;
        assert_eq!(answer.names(), [name("mail.example")], "{address}");
    }
}

#[tokio::test]
async fn a_name_that_is_missing_differs_from_a_type_that_is() {
    let server = TestServer::start();
    server.a("mail.example", "192.0.2.1").cname("alias.example", "nowhere.example");
    let resolver = resolver(&server);
    assert_eq!(resolver.ask(a("none.example"), soon()).await, Answer::NoSuchName);
    assert_eq!(resolver.ask(a("example"), soon()).await, Answer::NoData, "a name between names");
    assert_eq!(resolver.ask(Question::Mx(name("mail.example")), soon()).await, Answer::NoData);
    assert_eq!(resolver.ask(a("alias.example"), soon()).await, Answer::NoSuchName);
    assert_eq!(resolver.stats().nothing, 4);
}

#[tokio::test]
async fn aliases_are_followed_and_loops_end() {
    let server = TestServer::start();
    server.cname("www.example", "host.example").a("host.example", "192.0.2.1");
    server.cname("one.example", "two.example").cname("two.example", "one.example");
    let resolver = resolver(&server);
    assert_eq!(resolver.ask(a("www.example"), soon()).await.ipv4(), [Ipv4Addr::new(192, 0, 2, 1)]);
    assert!(resolver.ask(a("one.example"), soon()).await.ipv4().is_empty());
}

#[tokio::test]
async fn what_a_hundred_ask_at_once_is_sent_once() {
    let server = TestServer::start();
    server.a("mail.example", "192.0.2.1").delay("mail.example", Duration::from_millis(150));
    let resolver = resolver(&server);
    let lookups: Vec<_> = (0..100).map(|_| resolver.start(a("mail.example"))).collect();
    for lookup in lookups {
        assert_eq!(lookup.until(soon()).await.ipv4().len(), 1);
    }
    assert_eq!(server.asked(&a("mail.example")), 1);
    let stats = resolver.stats();
    assert_eq!((stats.asked, stats.sent, stats.shared, stats.found), (100, 1, 99, 1));
    assert_eq!((stats.entries, stats.in_flight), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_many_threads_ask_is_sent_once() {
    let server = TestServer::start();
    server.a("mail.example", "192.0.2.1");
    let resolver = resolver(&server);
    let tasks = (0..200).map(|_| {
        let resolver = resolver.clone();
        tokio::spawn(async move { resolver.ask(a("mail.example"), soon()).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        assert_eq!(task.await.unwrap().ipv4().len(), 1);
    }
    assert_eq!(server.asked(&a("mail.example")), 1);
    let stats = resolver.stats();
    assert_eq!(stats.asked, stats.cached + stats.shared + stats.sent);
}

#[tokio::test]
async fn an_answer_is_asked_for_again_when_its_time_has_passed() {
    let server = TestServer::start();
    server.ttl(1).a("mail.example", "192.0.2.1");
    let resolver = resolver(&server);
    let question = a("mail.example");
    assert_eq!(resolver.ask(question.clone(), soon()).await.ipv4().len(), 1);
    server.a("mail.example", "192.0.2.2");
    assert!(resolver.start(question.clone()).ready().is_some(), "from the cache, at once");
    assert_eq!(resolver.ask(question.clone(), soon()).await.ipv4().len(), 1);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(resolver.ask(question.clone(), soon()).await.ipv4().len(), 2);
    assert_eq!(server.asked(&question), 2);
}

#[tokio::test]
async fn that_there_is_nothing_is_kept_as_long_as_the_zone_says() {
    let server = TestServer::start();
    server.ttl(1);
    let resolver = resolver(&server);
    for _ in 0..5 {
        assert_eq!(resolver.ask(a("none.example"), soon()).await, Answer::NoSuchName);
    }
    assert_eq!(server.asked(&a("none.example")), 1);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(resolver.ask(a("none.example"), soon()).await, Answer::NoSuchName);
    assert_eq!(server.asked(&a("none.example")), 2);
}

#[tokio::test]
async fn what_is_late_is_unknown_and_there_for_the_next_asker() {
    let server = TestServer::start();
    server.a("mail.example", "192.0.2.1").delay("mail.example", Duration::from_millis(250));
    let resolver = resolver(&server);
    let deadline = Instant::now() + Duration::from_millis(50);
    let answer = resolver.ask(a("mail.example"), deadline).await;
    assert_eq!(answer, Answer::Unknown(Why::Late));
    assert!(deadline.elapsed() < Duration::from_millis(150), "it did not wait any longer");
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(resolver.start(a("mail.example")).ready().unwrap().ipv4().len(), 1);
    let answer = resolver.ask(a("mail.example"), deadline).await;
    assert_eq!(answer.ipv4().len(), 1, "what is there is given after the deadline as well");
    assert_eq!((server.asked(&a("mail.example")), resolver.stats().gave_up), (1, 1));
}

#[tokio::test]
async fn a_lookup_that_nobody_waits_for_still_fills_the_cache() {
    let server = TestServer::start();
    server.a("mail.example", "192.0.2.1");
    let resolver = resolver(&server);
    drop(resolver.start(a("mail.example")));
    for _ in 0..100 {
        if resolver.stats().found == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the question did not go on");
}

#[tokio::test]
async fn every_failure_is_unknown_and_says_why() {
    #[track_caller]
    fn check(failure: Failure, answer: &Answer, expect: &[Why]) {
        let Answer::Unknown(why) = answer else { panic!("{failure:?} gave {answer:?}") };
        assert!(expect.contains(why), "{failure:?} gave {why:?}");
    }
    let cases: [(Failure, &[Why]); 6] = [
        (Failure::Refused, &[Why::Refused]),
        (Failure::ServFail, &[Why::ServFail]),
        (Failure::Silent, &[Why::Late]),
        (Failure::Garbage, &[Why::Malformed, Why::Network]),
        (Failure::Forged, &[Why::Late]),
        (Failure::Truncated, &[Why::Truncated]),
    ];
    for (failure, expect) in cases {
        let server = TestServer::start();
        server.a("mail.example", "127.0.0.2").fail("", failure);
        let resolver = resolver(&server);
        let answer = resolver.ask(a("mail.example"), soon()).await;
        check(failure, &answer, expect);
        let sent = server.queries();
        assert_eq!(resolver.ask(a("mail.example"), soon()).await, answer);
        assert_eq!(server.queries(), sent, "{failure:?} is kept for a moment");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unknown() {
    let config = { TestServer::start().config() };
    let resolver = Resolver::new(&config).unwrap();
    let answer = resolver.ask(a("mail.example"), soon()).await;
    assert!(matches!(answer, Answer::Unknown(Why::Network | Why::Late)), "{answer:?}");
}

#[tokio::test]
async fn a_second_server_answers_when_the_first_is_dead() {
    let (dead, alive) = (TestServer::start(), TestServer::start());
    dead.fail("", Failure::Silent);
    alive.a("mail.example", "192.0.2.1");
    let servers = vec![dead.addr(), alive.addr()];
    let config = Config { servers, timeout_ms: 300, attempts: 3, ..Config::default() };
    let resolver = Resolver::new(&config).unwrap();
    assert_eq!(resolver.ask(a("mail.example"), soon()).await.ipv4().len(), 1);
}

#[tokio::test]
async fn what_does_not_fit_into_a_datagram_comes_over_tcp_up_to_a_bound() {
    let server = TestServer::start();
    for number in 0..100 {
        server.txt("many.example", &format!("{number} {}", "x".repeat(200)));
    }
    for number in 0..300 {
        server.a("hostile.example", &format!("192.0.{}.{}", number / 200, number % 200));
    }
    let resolver = resolver(&server);
    let answer = resolver.ask(Question::Txt(name("many.example")), soon()).await;
    assert_eq!(answer.txt().len(), 100);
    let answer = resolver.ask(a("hostile.example"), soon()).await;
    assert_eq!(answer, Answer::Unknown(Why::TooLarge));
}

#[tokio::test]
async fn names_that_are_none_are_left_out() {
    let server = TestServer::start();
    server.ptr("192.0.2.1", "<script>.example").ptr("192.0.2.1", "mail.example");
    server.ptr("192.0.2.2", "not a name");
    let resolver = resolver(&server);
    let names = |address: &str| resolver.ask(Question::Ptr(address.parse().unwrap()), soon());
    assert_eq!(names("192.0.2.1").await.names(), [name("mail.example")]);
    assert_eq!(names("192.0.2.2").await, Answer::NoData);
}

#[tokio::test]
async fn more_questions_than_may_wait_are_turned_away() {
    let server = TestServer::start();
    server.fail("", Failure::Silent);
    let config = Config { max_in_flight: 1, timeout_ms: 100, ..server.config() };
    let resolver = Resolver::new(&config).unwrap();
    let lookups: Vec<_> = (0..40).map(|it| resolver.start(a(&format!("{it}.example")))).collect();
    let turned_away = lookups.iter().filter(|it| it.ready() == Some(Answer::Unknown(Why::Busy)));
    assert_eq!(turned_away.count(), 24, "one is with the server, and 15 wait");
    for lookup in lookups {
        assert!(lookup.until(soon()).await.is_unknown());
    }
    let stats = resolver.stats();
    assert_eq!((stats.busy, stats.sent, stats.in_flight), (24, 16, 0));
}

#[test]
fn offline_and_outside_of_a_runtime_nothing_is_asked() {
    let server = TestServer::start();
    for resolver in [Resolver::offline(), resolver(&server)] {
        let answer = resolver.start(a("mail.example")).ready();
        assert_eq!(answer, Some(Answer::Unknown(Why::Offline)));
    }
    assert_eq!(server.queries(), 0);
    assert!(Resolver::offline().is_offline() && Resolver::offline().servers().is_empty());
}

#[test]
fn a_resolver_outlives_a_runtime() {
    let server = TestServer::start();
    server.a("one.example", "192.0.2.1").a("two.example", "192.0.2.2");
    server.delay("one.example", Duration::from_secs(1));
    let resolver = resolver(&server);
    let run = |question: Question, deadline: Duration| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { resolver.ask(question, Instant::now() + deadline).await })
    };
    // The first runtime ends with the question under way.
    let answer = run(a("one.example"), Duration::from_millis(50));
    assert_eq!(answer, Answer::Unknown(Why::Late));
    assert_eq!(resolver.stats().in_flight, 0, "a question that was cut off is not waited for");
    assert_eq!(run(a("two.example"), Duration::from_secs(5)).ipv4().len(), 1);
    server.delay("one.example", Duration::ZERO);
    assert_eq!(run(a("one.example"), Duration::from_secs(5)).ipv4().len(), 1);
}
