//! A Redis server of a test's own: on a port and in a folder that nobody else has, ended with its value.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The password of every such server.
pub const PASSWORD: &str = "s3cret-of-the-test";

/// A running server; killed when dropped.
pub struct RedisServer {
    dir: TempDir,
    port: u16,
    child: Child,
}

impl RedisServer {
    /// Starts one; `None` where the program is not installed.
    pub fn start() -> Option<Self> {
        let dir = tempfile::Builder::new().prefix("tidegate-redis.").tempdir_in("/tmp").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = spawn(dir.path(), port)?;
        let server = Self { dir, port, child };
        server.wait();
        Some(server)
    }

    /// Starts one that is reached over TLS alone, by this certificate and key (PEM).
    pub fn start_tls(certificate: &str, key: &str) -> Option<Self> {
        let dir = tempfile::Builder::new().prefix("tidegate-redis.").tempdir_in("/tmp").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (certified, private) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
        std::fs::write(&certified, certificate).unwrap();
        std::fs::write(&private, key).unwrap();
        let child = Command::new("redis-server")
            .args(["--port", "0", "--tls-port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--requirepass", PASSWORD, "--tls-auth-clients", "no", "--appendonly", "yes"])
            .args([Path::new("--tls-cert-file"), &certified])
            .args([Path::new("--tls-key-file"), &private])
            .args([Path::new("--tls-ca-cert-file"), &certified])
            .args([Path::new("--dir"), dir.path()])
            .stdout(Stdio::null())
            .spawn()
            .ok()?;
        Some(Self { dir, port, child })
    }

    /// The port at which it listens.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its address, with the password.
    pub fn url(&self) -> String {
        format!("redis://:{PASSWORD}@127.0.0.1:{}", self.port)
    }

    /// Its address without.
    pub fn url_alone(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends as no operator ends it.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts again, with what it has written.
    pub fn restart(&mut self) {
        self.child = spawn(self.dir.path(), self.port).unwrap();
        self.wait();
    }

    /// Stops it so that it holds its connections and answers nothing, or lets it go on.
    pub fn hang(&self, hangs: bool) {
        let signal = if hangs { "-STOP" } else { "-CONT" };
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// What it answers to a command.
    pub fn ask(&self, command: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .args(["-p", &self.port.to_string(), "--no-auth-warning", "-a", PASSWORD])
            .args(command)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn wait(&self) {
        let began = Instant::now();
        while self.ask(&["PING"]) != "PONG" {
            assert!(began.elapsed() < Duration::from_secs(20), "no Redis at port {}", self.port);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(dir: &Path, port: u16) -> Option<Child> {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--requirepass", PASSWORD])
        .args(["--save", "", "--appendonly", "yes", "--appendfsync", "always"])
        .args([Path::new("--dir"), dir])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()
}
