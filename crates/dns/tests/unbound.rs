//! The same through a resolver that is not ours: unbound, in front of a server on loopback.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tidegate_dns::testing::{Failure, TestServer};
use tidegate_dns::{
    Answer, Config, Health, Name, Question, Resolver, Why, Zone, ZoneConfig, probe,
};
use tokio::time::Instant;

/// An unbound that asks a server of ours, and ends when it is dropped.
struct Unbound {
    child: Child,
    folder: PathBuf,
    address: SocketAddr,
}

impl Unbound {
    /// None when it is not installed.
    fn in_front_of(server: SocketAddr) -> Option<Self> {
        let program = ["/usr/sbin/unbound", "/usr/bin/unbound", "/usr/local/sbin/unbound"];
        let program = program.into_iter().find(|path| std::path::Path::new(path).exists())?;
        let free = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let folder = std::env::temp_dir().join(format!("tidegate-unbound-{}", address.port()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("unbound.conf");
        let config = format!(
            "server:\n interface: 127.0.0.1\n port: {}\n do-daemonize: no\n username: \"\"\n \
             chroot: \"\"\n directory: \"{}\"\n pidfile: \"\"\n use-syslog: no\n logfile: \"\"\n \
             do-ip6: no\n do-not-query-localhost: no\n module-config: \"iterator\"\n \
             local-zone: \"refused.example.\" always_refuse\n \
             forward-zone:\n name: \".\"\n forward-addr: {}@{}\n\
             remote-control:\n control-enable: no\n",
            address.port(),
            folder.display(),
            server.ip(),
            server.port(),
        );
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new(program);
        command.arg("-d").arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        Some(Self { child, folder, address })
    }
}

impl Drop for Unbound {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn name(text: &str) -> Name {
    Name::try_from(text).unwrap()
}

#[tokio::test]
async fn answers_come_through_a_resolver_that_is_not_ours() {
    let server = TestServer::start();
    server
        .a("ready.example", "192.0.2.1")
        .a("mail.example", "192.0.2.1")
        .cname("www.example", "mail.example")
        .mx("example", 10, "mail.example")
        .txt("example", &"x".repeat(3_000))
        .a("2.0.0.127.bl.example", "127.0.0.2")
        .fail("broken.example", Failure::ServFail);
    let Some(unbound) = Unbound::in_front_of(server.addr()) else {
        assert!(std::env::var_os("TIDEGATE_REQUIRE_ALL").is_none(), "unbound is not installed");
        println!("skipped: no unbound");
        return;
    };
    let config = Config { servers: vec![unbound.address], attempts: 1, ..Config::default() };
    let resolver = Resolver::new(&config).unwrap();
    let ask = |question: Question| resolver.ask(question, Instant::now() + Duration::from_secs(10));
    for _ in 0..100 {
        // A resolver of its own each time, since one remembers failures.
        let resolver = Resolver::new(&config).unwrap();
        let deadline = Instant::now() + Duration::from_secs(1);
        if !resolver.ask(Question::A(name("ready.example")), deadline).await.is_unknown() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(ask(Question::A(name("www.example"))).await.ipv4().len(), 1);
    assert_eq!(ask(Question::Mx(name("example"))).await.mx()[0].exchange, name("mail.example"));
    assert_eq!(ask(Question::Txt(name("example"))).await.txt()[0].len(), 3_000, "over TCP");
    assert_eq!(ask(Question::A(name("none.example"))).await, Answer::NoSuchName);
    assert_eq!(ask(Question::Aaaa(name("mail.example"))).await, Answer::NoData);
    let answer = ask(Question::A(name("refused.example"))).await;
    assert_eq!(answer, Answer::Unknown(Why::Refused));
    let answer = ask(Question::A(name("broken.example"))).await;
    assert!(answer.is_unknown(), "{answer:?}");
    let written = "zone = 'bl.example'\nkind = 'ip'\nside = 'block'\n\
                   codes = [{ match = '127.0.0.2', signal = 'LISTED', score = 1.0 }]";
    let zone = Zone::try_from(toml::from_str::<ZoneConfig>(written).unwrap()).unwrap();
    assert_eq!(probe(&resolver, &zone).await, Health::Sound);
}
