//! The built `tidegate serve`, on sockets of its own.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::free_port;

/// A running daemon; killed when dropped.
pub struct Daemon {
    pub dir: TempDir,
    pub http: u16,
    pub tcp: u16,
    child: Child,
    environment: Vec<(String, String)>,
    /// A socket that is held for it by this process, as systemd does.
    passed: Option<TcpListener>,
}

/// Nobody answers there: every answer is missing at the deadline, and nothing leaves the machine.
pub const DEAD_DNS: &str = "127.0.0.1:9";

impl Daemon {
    /// Starts with `more` appended to a configuration that listens on a TCP port and a UNIX
    /// socket, asks `dns`, and has no lists. Keys that `more` begins with are those of `[dns]`.
    pub fn start(dns: &str, more: &str) -> Self {
        Self::start_in(dns, more, &[])
    }

    /// The same, with variables of the environment.
    pub fn start_in(dns: &str, more: &str, environment: &[(&str, &str)]) -> Self {
        let dir = tempfile::Builder::new().prefix("tidegate-e2e.").tempdir_in("/tmp").unwrap();
        // Postfix's processes, which run as another user, reach the socket through this folder.
        open_to_others(dir.path());
        let (http, tcp) = (free_port(), free_port());
        let lists = if more.contains("[lists]") { "" } else { "[lists]\nenabled = false\n" };
        let base = format!(
            "[server]\nid = \"mx.example.test\"\n\
             [milter]\nlisten = [\"inet:127.0.0.1:{tcp}\", \"unix:{}\"]\nsocket_mode = \"0666\"\n\
             [http]\nlisten = \"127.0.0.1:{http}\"\n\
             {lists}[dns]\nservers = [\"{dns}\"]\n",
            dir.path().join("milter.sock").display(),
        );
        fs::write(dir.path().join("tidegate.toml"), format!("{base}{more}\n")).unwrap();
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let environment: Vec<_> = environment.iter().map(owned).collect();
        let child = Self::spawn(dir.path(), &environment, None, None);
        let mut daemon = Self { dir, http, tcp, child, environment, passed: None };
        daemon.wait_ready();
        daemon
    }

    /// Starts again, after it has ended, with the configuration as it now is.
    pub fn restart(&mut self) {
        self.child = self.another(None);
        self.wait_ready();
    }

    fn another(&self, fault: Option<&str>) -> Child {
        Self::spawn(self.dir.path(), &self.environment, fault, self.passed.as_ref())
    }

    /// Ends as no operator ends it, at once.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// How it ended, if it has.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Holds the socket of its TCP milter from now on, and starts it again with that handed over.
    pub fn hold_socket(&mut self) {
        self.stop();
        self.passed = Some(TcpListener::bind(("127.0.0.1", self.tcp)).unwrap());
        let config = fs::read_to_string(self.config()).unwrap();
        let own = format!("listen = [\"inet:127.0.0.1:{}\", ", self.tcp);
        assert!(config.contains(&own), "{config}");
        fs::write(self.config(), config.replace(&own, "listen = [\"fd:milter\", ")).unwrap();
        self.restart();
    }

    /// Starts another in its place, which has the same socket handed over, while this one is told to end.
    pub fn hand_over(&mut self) {
        let new = self.another(None);
        let mut old = std::mem::replace(&mut self.child, new);
        signal(old.id(), "TERM");
        let ended = waited(&mut old, Duration::from_secs(60));
        assert_eq!(ended.and_then(|status| status.code()), Some(0), "{}", self.log());
        self.wait_ready();
    }

    /// Starts again, to be killed at the step of that name: see the feature `faults`.
    pub fn restart_to_be_killed(&mut self, step: &str) {
        self.child = self.another(Some(step));
        self.wait_ready();
    }

    /// Adds to the configuration, for the next start.
    pub fn configure(&self, more: &str) {
        let config = fs::read_to_string(self.config()).unwrap();
        fs::write(self.config(), format!("{config}{more}")).unwrap();
    }

    /// Ends as an operator ends it.
    pub fn stop(&mut self) {
        self.signal("TERM");
        assert_eq!(self.ended(Duration::from_secs(20)), Some(0), "{}", self.log());
    }

    fn spawn(
        dir: &Path,
        environment: &[(String, String)],
        fault: Option<&str>,
        passed: Option<&TcpListener>,
    ) -> Child {
        let log = File::options().create(true).append(true).open(dir.join("log")).unwrap();
        let program = env!("CARGO_BIN_EXE_tidegate");
        let mut command = match passed {
            None => Command::new(program),
            Some(_) => {
                // As systemd does: the socket is file 3 of a process that knows its own number.
                let mut shell = Command::new("sh");
                let hand_over = "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_FDNAMES=milter \
                                 LISTEN_PID=$$ exec \"$@\"";
                shell.args(["-c", hand_over, "sh", program]);
                shell
            }
        };
        // A test that says where the store is has this machine's own there all the same.
        let config = fs::read_to_string(dir.join("tidegate.toml")).unwrap();
        match config.contains("\n[store]") {
            true => command.env("TIDEGATE__STORE__FOLDER", dir.join("state")),
            false => command.args([Path::new("--store"), &dir.join("state")]),
        };
        let input = passed.map_or_else(Stdio::null, |socket| {
            Stdio::from(OwnedFd::from(socket.try_clone().unwrap()))
        });
        command
            .args(["serve", "--config"])
            .arg(dir.join("tidegate.toml"))
            .envs(environment.iter().cloned())
            .envs(fault.map(|step| ("TIDEGATE_FAULT", step)))
            .stdin(input)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    fn wait_ready(&mut self) {
        let began = Instant::now();
        loop {
            if self.get("/readyz").is_some_and(|(status, _)| status == 200) {
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the daemon ended with {status}:\n{}", self.log());
            }
            assert!(began.elapsed() < Duration::from_secs(60), "not ready:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn config(&self) -> PathBuf {
        self.dir.path().join("tidegate.toml")
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn tcp_milter(&self) -> String {
        format!("inet:127.0.0.1:{}", self.tcp)
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("milter.sock")
    }

    pub fn unix_milter(&self) -> String {
        format!("unix:{}", self.socket().display())
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// Waits until the log holds `words`.
    pub fn wait_log(&self, words: &str) -> String {
        let began = Instant::now();
        loop {
            let log = self.log();
            if log.contains(words) {
                return log;
            }
            assert!(began.elapsed() < Duration::from_secs(15), "no '{words}' in:\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Status and body of a page.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.http)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let status = answer.split(' ').nth(1)?.parse().ok()?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        Some((status, body.to_owned()))
    }

    pub fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Whether it ends by itself within that time.
    pub fn ends(&mut self, within: Duration) -> bool {
        waited(&mut self.child, within).is_some()
    }

    /// Waits for the daemon to end by itself; its exit code.
    pub fn ended(&mut self, within: Duration) -> Option<i32> {
        match waited(&mut self.child, within) {
            Some(status) => status.code(),
            None => panic!("still running after {within:?}:\n{}", self.log()),
        }
    }
}

fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(status.unwrap().success());
}

/// How a process ended; `None` if it has not within that time.
fn waited(child: &mut Child, within: Duration) -> Option<ExitStatus> {
    let began = Instant::now();
    while began.elapsed() < within {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    None
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn open_to_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
