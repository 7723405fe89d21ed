//! A real browser without a window: headless Chromium, spoken to over two pipes in the DevTools protocol.
//!
//! Invariant: it resolves no name but loopback addresses, and ends with its value.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Browser {
    process: Child,
    commands: File,
    answers: BufReader<File>,
    session: String,
    calls: u64,
    asked: Vec<String>,
    _folder: TempDir,
}

impl Browser {
    /// Starts one with a single tab; `None` where none is installed.
    pub fn start() -> Option<Self> {
        let program = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| {
            let paths = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&paths).any(|folder| folder.join(name).exists())
        });
        let Some(program) = program else {
            super::skip("Chromium is not installed");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let pipe = |name: &str| {
            let path = folder.path().join(name);
            assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
            path
        };
        let (commands, answers) = (pipe("commands"), pipe("answers"));
        // The protocol is spoken over the descriptors 3 and 4, which only a shell opens without unsafe code.
        let process = Command::new("sh")
            .arg("-c")
            .arg("exec \"$0\" \"$@\" 3<\"$COMMANDS\" 4>\"$ANSWERS\"")
            .arg(program)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"])
            .args(["--disable-dev-shm-usage", "--remote-debugging-pipe", "--hide-scrollbars"])
            .args(["--disable-background-networking", "--disable-component-update"])
            .args(["--disable-sync", "--disable-default-apps", "--password-store=basic"])
            .arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .env("COMMANDS", &commands)
            .env("ANSWERS", &answers)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Each waits for the other side, in the order in which the shell opens them.
        let commands = OpenOptions::new().write(true).open(commands).unwrap();
        let answers = BufReader::new(File::open(answers).unwrap());
        let session = String::new();
        let mut it = Self {
            process,
            commands,
            answers,
            session,
            calls: 0,
            asked: Vec::new(),
            _folder: folder,
        };
        let target = it.call("Target.createTarget", json!({ "url": "about:blank" }));
        let target = target["targetId"].as_str().unwrap().to_owned();
        let attached =
            it.call("Target.attachToTarget", json!({ "targetId": target, "flatten": true }));
        it.session = attached["sessionId"].as_str().unwrap().to_owned();
        it.call("Page.enable", json!({}));
        it.call("Network.enable", json!({}));
        Some(it)
    }

    /// Goes to an address, and waits until it is there.
    pub fn go(&mut self, url: &str) {
        self.call("Page.navigate", json!({ "url": url }));
        self.wait_for("Page.loadEventFired");
    }

    /// The value of an expression in the page.
    pub fn value(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true });
        let answer = self.call("Runtime.evaluate", asked);
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// What a person reads on the page.
    pub fn text(&mut self) -> String {
        self.value("document.body.innerText").as_str().unwrap().to_owned()
    }

    /// Writes into a field.
    pub fn fill(&mut self, selector: &str, text: &str) {
        let (selector, text) = (json!(selector), json!(text));
        self.value(&format!("document.querySelector({selector}).value = {text}"));
    }

    /// Presses what `selector` names, and waits for the page that it leads to.
    pub fn press(&mut self, selector: &str) {
        let selector = json!(selector);
        self.value(&format!("document.querySelector({selector}).click()"));
        self.wait_for("Page.loadEventFired");
    }

    /// Presses the first of what `selector` names that says `words`.
    pub fn press_words(&mut self, selector: &str, words: &str) {
        let (selector, words) = (json!(selector), json!(words));
        self.value(&format!(
            "[...document.querySelectorAll({selector})].find((it) => it.textContent.includes({words})).click()"
        ));
        self.wait_for("Page.loadEventFired");
    }

    /// Ticks a box, or chooses a radio button.
    pub fn choose(&mut self, selector: &str) {
        let selector = json!(selector);
        self.value(&format!("document.querySelector({selector}).checked = true"));
    }

    /// The addresses that it has asked for since this was last called.
    pub fn asked(&mut self) -> Vec<String> {
        // What came before the answer to this has been read by then.
        self.value("0");
        std::mem::take(&mut self.asked)
    }

    /// A dark screen, or a light one.
    pub fn dark(&mut self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let feature = json!([{ "name": "prefers-color-scheme", "value": value }]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": feature }));
    }

    /// Presses a key, as a person without a mouse does.
    pub fn key(&mut self, key: &str) {
        let code = if key == "Tab" { 9 } else { 13 };
        for kind in ["keyDown", "keyUp"] {
            let event =
                json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code });
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// A window of that size, in CSS pixels; under 600 wide, a phone.
    pub fn size(&mut self, width: u32, height: u32) {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600
        });
        self.call("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// Pages run no script from now on, as with a browser in which they are switched off.
    pub fn without_scripts(&mut self) {
        self.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    }

    /// Takes a picture of what the window shows.
    pub fn picture(&mut self, file: &Path) {
        let asked = json!({ "format": "png", "captureBeyondViewport": false });
        let answer = self.call("Page.captureScreenshot", asked);
        let data = answer["data"].as_str().unwrap();
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, data_encoding::BASE64.decode(data.as_bytes()).unwrap()).unwrap();
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let id = self.calls;
        let mut request = json!({ "id": id, "method": method });
        request["params"] = params;
        if !self.session.is_empty() {
            request["sessionId"] = json!(self.session);
        }
        self.commands.write_all(&[request.to_string().as_bytes(), b"\0"].concat()).unwrap();
        let answer = self.read_until(|it| it["id"] == json!(id));
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    fn wait_for(&mut self, event: &str) {
        self.read_until(|it| it["method"] == json!(event));
    }

    fn read_until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            assert!(began.elapsed() < PATIENCE, "the browser takes too long");
            let mut message = Vec::new();
            self.answers.read_until(0, &mut message).unwrap();
            assert_eq!(message.pop(), Some(0), "the browser has gone");
            let message: Value = serde_json::from_slice(&message).unwrap();
            if message["method"] == json!("Network.requestWillBeSent") {
                let url = message["params"]["request"]["url"].as_str().unwrap();
                self.asked.push(url.to_owned());
            }
            if wanted(&message) {
                return message;
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
