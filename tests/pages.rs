//! The pages as people use them: real Chromium with scripts switched off, on a real daemon behind a real
//! Postfix. Pictures of each page are left in `$TIDEGATE_SCREENSHOTS`, or `target/screenshots`.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::net::TcpListener;
use std::path::PathBuf;

use support::browser::Browser;
use support::postfix::fields;
use support::site::{Site, doubtful};
use support::{mail, root};

const ANNA: &str = "anna@example.test";
const ROOT: &str = "root@example.test";
const PHONE: (u32, u32) = (390, 844);
const DESKTOP: (u32, u32) = (1200, 900);

/// A browser without scripts, at the site.
struct User {
    site: Site,
    browser: Browser,
}

impl User {
    fn start() -> Option<Self> {
        let mut browser = Browser::start()?;
        browser.without_scripts();
        Some(Self { site: Site::start("")?, browser })
    }

    fn go(&mut self, path: &str) {
        let url = self.site.url(path);
        self.browser.go(&url);
    }

    /// Signs in as a person does: by the link in the mailbox.
    fn sign_in(&mut self, address: &str) {
        self.go("/");
        self.browser.fill("#address", address);
        self.browser.press("main button");
        assert!(self.browser.text().contains("Look in your mail"));
        let link = self.site.link_from_mailbox();
        self.browser.go(&link);
        assert!(self.browser.text().contains("Sign in here?"));
        self.browser.press("main button");
        assert!(self.browser.text().contains(address), "{}", self.browser.text());
    }

    #[track_caller]
    fn reads(&mut self, words: &str) {
        let text = self.browser.text();
        assert!(text.contains(words), "no '{words}' in:\n{text}");
    }

    /// Looks at the page as a person with a phone, a desk, or a screen reader does; keeps pictures of it.
    #[track_caller]
    fn look(&mut self, name: &str) {
        let wrong = self.browser.value(WRONG);
        assert_eq!(wrong, serde_json::json!([]), "{name}");
        self.browser.size(320, 640);
        let wide = self.browser.value("document.documentElement.scrollWidth");
        assert!(
            wide.as_u64().unwrap() <= 320,
            "{name} is {wide} wide: {}",
            self.browser.value(WIDEST)
        );
        for ((width, height), device) in [(PHONE, "phone"), (DESKTOP, "desktop")] {
            self.browser.size(width, height);
            let whole =
                self.browser.value("document.documentElement.scrollHeight").as_u64().unwrap();
            self.browser.size(width, height.max(whole.min(3_000) as u32));
            self.browser.picture(&pictures().join(format!("{name}-{device}.png")));
        }
        let title = self.browser.value("document.title");
        assert!(
            !title.as_str().unwrap().contains("owned") || title.as_str().unwrap().contains('<')
        );
    }
}

/// What would keep somebody from using the page.
const WRONG: &str = r#"(() => {
    const wrong = [];
    const all = (selector) => [...document.querySelectorAll(selector)];
    if (document.documentElement.lang !== 'en') wrong.push('no language');
    if (!document.title) wrong.push('no title');
    for (const [selector, count] of [['main', 1], ['header', 1], ['h1', 1]])
        if (all(selector).length !== count) wrong.push(`${selector}: ${all(selector).length}`);
    let last = 0;
    for (const heading of all('h1,h2,h3,h4')) {
        const level = Number(heading.tagName[1]);
        if (level > last + 1) wrong.push(`${heading.outerHTML} follows level ${last}`);
        last = level;
        if (!heading.textContent.trim()) wrong.push('an empty heading');
    }
    for (const field of all('input:not([type=hidden]),select,textarea')) {
        const label = field.getAttribute('aria-label') || [...field.labels].map((it) => it.textContent).join('');
        if (!label.trim()) wrong.push(`no label: ${field.outerHTML}`);
        for (const id of (field.getAttribute('aria-describedby') || '').split(' ').filter(Boolean))
            if (!document.getElementById(id)) wrong.push(`${field.name} is described by ${id}`);
    }
    for (const it of all('button,a'))
        if (!(it.getAttribute('aria-label') || it.textContent).trim()) wrong.push(`no words: ${it.outerHTML}`);
    const ids = all('[id]').map((it) => it.id);
    ids.filter((id, at) => ids.indexOf(id) !== at).forEach((id) => wrong.push(`twice: ${id}`));
    for (const it of all('script,style,[style],[onclick],[tabindex],[autofocus]')) wrong.push(it.outerHTML);
    for (const it of all('main button,main select,main input:not([type=checkbox],[type=radio],[type=hidden])'))
        if (it.offsetParent && it.getBoundingClientRect().height < 43) wrong.push(`small: ${it.outerHTML}`);
    return wrong.map((it) => it.slice(0, 300));
})()"#;

/// What reaches beyond the right edge.
const WIDEST: &str = "[...document.querySelectorAll('body *')].filter((it) => \
    it.getBoundingClientRect().right > 320).map((it) => it.outerHTML.slice(0, 120)).join('\\n')";

fn pictures() -> PathBuf {
    let named = std::env::var_os("TIDEGATE_SCREENSHOTS").map(PathBuf::from);
    named.unwrap_or_else(|| root().join("target/screenshots"))
}

#[test]
fn a_user_signs_in_reads_why_and_decides() {
    let Some(mut it) = User::start() else { return };
    it.go("/");
    it.look("sign-in");
    it.browser.fill("#address", ANNA);
    it.browser.press("main button");
    it.look("look-in-your-mail");
    let link = it.site.link_from_mailbox();
    it.browser.go(&link);
    it.look("sign-in-confirm");
    it.browser.press("main button");
    it.reads("Nothing is held for you");
    it.look("held-empty");
    it.browser.go(&link);
    it.browser.press("main button");
    it.reads("The link is no longer good");
    it.look("link-used");

    for subject in ["offer of a parcel", "newsletter", "third"] {
        it.site.hold(ANNA, subject);
    }
    it.site.hold("bert@example.test", "of somebody else");
    it.go("/held");
    it.reads("3 messages are held");
    it.reads("The test word");
    assert!(!it.browser.text().contains("somebody else"));
    it.look("held");

    // Delivered, once, and not filtered again.
    it.browser.press_words("h2 a", "offer of a parcel");
    it.reads("offer of a parcel");
    it.reads("Why it was held");
    it.look("message");
    it.browser.press("button[value=release]");
    it.reads("1 message delivered.");
    let message = it.site.postfix.delivered();
    assert_eq!(fields(&message, "Subject"), ["doubtful offer of a parcel"]);
    assert_eq!(fields(&message, "Delivered-To"), [ANNA]);
    assert_eq!(fields(&message, "X-Spam-Status"), [""; 0]);
    // Delivered and learned; nothing chosen; deleted.
    it.browser.choose("[aria-label$=newsletter]");
    it.browser.press("button[value=release-learn]");
    it.reads("The filter has learned from it.");
    assert_eq!(fields(&it.site.postfix.delivered(), "Subject"), ["doubtful newsletter"]);
    it.browser.press("button[value=delete]");
    it.reads("Choose messages first");
    it.browser.choose("[aria-label$=third]");
    it.browser.press("button[value=delete]");
    it.reads("1 message deleted.");
    it.reads("Nothing is held for you");
    it.site.nothing_comes();

    it.browser.press(".out button");
    it.reads("You are signed out.");
    it.go("/held");
    it.reads("See which mail was held back");
}

#[test]
fn nothing_of_a_held_message_is_alive() {
    let Some(mut it) = User::start() else { return };
    let remote = TcpListener::bind("127.0.0.1:0").unwrap();
    remote.set_nonblocking(true).unwrap();
    let port = remote.local_addr().unwrap().port().to_string();
    it.site.send_held(ANNA, &mail("hostile.eml").replace("REMOTE", &port));
    it.sign_in(ANNA);
    it.browser.asked();
    it.go("/held");
    it.look("hostile-held");
    it.browser.press("h2.subject a");
    it.reads("Dear customer, your parcel waits.");
    it.reads("<script>document.title='owned'</script><b>bold</b>");
    it.reads(&format!("http://127.0.0.1:{port}/link?"));
    it.look("hostile-message");
    const ALIVE: &str = "[...document.querySelectorAll('script,img,iframe,object,embed,svg,video,base,style,b,\
        meta[http-equiv],[onload],[onerror],link:not([href=\"/style.css\"])')].map((it) => it.outerHTML)";
    assert_eq!(it.browser.value(ALIVE), serde_json::json!([]));
    let leads = "[...document.forms].map((it) => it.action).concat([...document.links].map((it) => it.href))\
                 .filter((it) => !it.startsWith(location.origin + '/'))";
    assert_eq!(it.browser.value(leads), serde_json::json!([]));
    assert_eq!(it.browser.value("document.querySelectorAll('h1').length"), 1);
    let asked = it.browser.asked();
    assert!(
        !asked.is_empty() && asked.iter().all(|url| url.starts_with(&it.site.url("/"))),
        "{asked:?}"
    );
    assert!(remote.accept().is_err(), "nothing was asked of where the message leads");
}

#[test]
fn choices_are_made_in_plain_words_and_obeyed_by_the_next_mail() {
    let Some(mut it) = User::start() else { return };
    it.sign_in(ANNA);
    it.go("/choices");
    it.look("choices");

    // What is wrong is told beside what was typed, and nothing is saved.
    it.browser.fill("#allowed", "friend@example.org\nnot an address");
    it.browser.fill("#languages", "English, Klingon");
    it.browser.fill("#quarantine", "2");
    it.browser.press("button[value=save]");
    it.reads("Nothing was saved yet");
    it.reads("“not an address” is neither a mail address nor a domain.");
    it.reads("“Klingon” is no language that the filter knows");
    it.reads("This must be 5 or more");
    let typed = it.browser.value("document.querySelector('#allowed').value");
    assert_eq!(typed, "friend@example.org\nnot an address");
    let wrong = it.browser.value("document.querySelectorAll('[aria-invalid=true]').length");
    assert_eq!(wrong, 3);
    it.look("choices-errors");

    it.browser.fill("#allowed", "friend@example.org");
    it.browser.fill("#languages", "english, German");
    it.browser.fill("#quarantine", "8");
    it.browser.fill("#at_quarantine", "tag-subject");
    it.browser.fill("#at_reject", "tag-subject");
    it.browser.fill("#subject_prefix", "[doubt]");
    it.browser.fill("#trusted_lists", "<Friends.lists.example.org>");
    it.browser.fill("#blocked", "pest.example");
    it.browser.fill("#keep_days", "7");
    it.browser.fill("#digest", "7");
    it.browser.choose("[name=bulk][value=tag]");
    it.browser.press("button[value=save]");
    it.reads("Saved.");
    it.reads("This site recommends: Hold it here");
    it.reads("Languages: English, German");
    let of = |browser: &mut Browser, id: &str| {
        browser.value(&format!("document.querySelector('#{id}').value"))
    };
    assert_eq!(of(&mut it.browser, "trusted_lists"), "friends.lists.example.org");
    assert_eq!(of(&mut it.browser, "digest"), "7");
    it.look("choices-own");
    let reply = it
        .site
        .postfix
        .send(&support::smtp::Mail { to: &[ANNA], ..support::smtp::Mail::new(&doubtful("again")) });
    assert!(reply.starts_with("250"), "{reply}");
    assert_eq!(fields(&it.site.postfix.delivered(), "Subject"), ["[doubt] doubtful again"]);

    // Given up after a question, and not without it.
    it.browser.press("button[value=reset]");
    it.reads("Give up all these choices?");
    it.look("choices-give-up");
    it.browser.press("main button");
    it.reads("Mail is filtered as this site recommends again.");
    assert_eq!(of(&mut it.browser, "allowed"), "");
    it.site.hold(ANNA, "held again");

    // Two windows: the second is told of the first.
    it.browser.value("document.querySelector('[name=version]').value = '1'");
    it.browser.fill("#keep_days", "9");
    it.browser.press("button[value=save]");
    it.reads("changed in another place");
    assert_eq!(of(&mut it.browser, "keep_days"), "9");
    it.browser.press("button[value=save]");
    it.reads("Saved.");
}

#[test]
fn an_admin_sees_all_edits_for_others_and_lets_rules_count_again() {
    let Some(mut it) = User::start() else { return };
    it.site.hold(ANNA, "for anna");
    it.site.hold("bert@example.test", "for bert");
    let folder = tempfile::tempdir().unwrap();
    for n in 0..6 {
        let file = folder.path().join(n.to_string());
        let status = "Yes, score=6.20 tag=5.0 quarantine=8.0 reject=15.0 verdict=tag\r\n\t\
                      signals=MISSING_DATE(6.20)";
        let raw = format!("X-Spam-Status: {status}\r\nSubject: lunch {n}\r\n\r\nAt {n}?\r\n");
        std::fs::write(&file, raw).unwrap();
        let user = format!("user{n}@example.test");
        it.site.tidegate(&["learn", "ham", "--user", &user, file.to_str().unwrap()]);
    }
    it.sign_in(ROOT);
    it.browser.press("nav a[href='/admin']");
    it.reads("MISSING_DATE");
    it.look("admin");
    it.browser.press("td button");
    it.reads("The rule counts again.");
    assert!(!it.browser.text().contains("MISSING_DATE"));

    it.browser.fill("#user", "Bert@example.test");
    it.browser.press("form[action='/admin/held'] button");
    it.reads("for bert");
    assert!(!it.browser.text().contains("for anna"));
    it.browser.press("p a[href='/admin/held']");
    it.reads("2 messages are held.");
    it.reads("for anna");
    it.look("admin-held");
    it.browser.press_words("h2 a", "for bert");
    it.reads("Deliver to bert@example.test");
    it.look("admin-message");
    it.browser.press("button[value=release]");
    it.reads("1 message delivered.");
    assert_eq!(fields(&it.site.postfix.delivered(), "Delivered-To"), ["bert@example.test"]);

    it.go("/admin");
    it.browser.fill("#address", "info@example.test");
    it.browser.press("form[action='/choices'] button");
    it.reads("How mail to anna@example.test is filtered");
    it.browser.choose("[name=filtering][value=false]");
    it.browser.press("button[value=save]");
    it.reads("by root@example.test\nFiltering: off");
    it.look("admin-choices");
    it.go("/choices?address=@example.test");
    it.reads("How mail to everybody at example.test is filtered");
    it.go("/admin");
    it.reads(ANNA);
    it.go("/admin/held?user=nobody@example.test");
    it.reads("No held message fits this.");
    it.look("admin-held-none");
}

#[test]
fn a_link_in_a_digest_asks_first_and_delivers_once() {
    let Some(mut it) = User::start() else { return };
    it.site.hold(ANNA, "from the digest");
    it.site.daemon.signal("TERM");
    it.site.daemon.ended(std::time::Duration::from_secs(20));
    let config = it.site.daemon.config();
    let text = std::fs::read_to_string(&config).unwrap();
    let digest = "[quarantine.digest]\nenabled = true\nfrom = 'postmaster@example.test'\n[pages]";
    let text = text.replace("[pages]", digest);
    let text = text.replace("[policy.default]\n", "[policy.default]\ndigest = 0\n");
    std::fs::write(&config, text).unwrap();
    it.site.daemon.restart();
    // Of its two forms the plain one, without the soft line ends of its encoding.
    let digest = it.site.postfix.delivered().replace("=\n", "").replace("=3D", "=");
    let link = |start: &str| {
        let (_, rest) = digest.split_once(start).unwrap_or_else(|| panic!("{digest}"));
        rest.split_whitespace().next().unwrap().to_owned()
    };
    it.browser.go(&link("All that is held for you: "));
    it.reads("See which mail was held back");
    let release = link("Release it: ");
    it.browser.go(&release);
    it.reads("Deliver this message?");
    it.reads("from the digest");
    it.look("digest-link");
    it.site.nothing_comes();
    it.browser.press("main button");
    it.reads("on its way to anna@example.test");
    it.look("digest-delivered");
    assert_eq!(fields(&it.site.postfix.delivered(), "Subject"), ["doubtful from the digest"]);
    it.browser.go(&release);
    it.reads("Not done");
    it.look("digest-used");
    it.site.nothing_comes();
}

#[test]
fn long_lists_and_every_script_fit_on_a_phone() {
    let Some(mut it) = User::start() else { return };
    let long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft";
    for n in 0..47 {
        it.site.hold(ANNA, &format!("number {n}"));
    }
    let utf8 =
        |subject: &str| format!("=?utf-8?b?{}?=", data_encoding::BASE64.encode(subject.as_bytes()));
    it.site.hold(ANNA, &utf8("מבצע מיוחד: הנחה של 50% על הכול!"));
    it.site.hold(ANNA, &utf8("عرض خاص لك فقط (3 أيام)"));
    it.site.hold(ANNA, &utf8("特別優惠：只限今天，全部商品半價"));
    let far = doubtful(&utf8(&format!("{long} {long}"))).replace(
        "From: ",
        &format!(
            "From: {} <{}@a-very-long-name-of-a-host.shop.example>\nX-Was: ",
            long,
            "a".repeat(60)
        ),
    );
    it.site.send_held(ANNA, &far);
    it.sign_in(ANNA);
    it.reads("51 messages are held.");
    assert_eq!(it.browser.value("document.querySelectorAll('ul.held li').length"), 50);
    it.look("held-many");
    it.browser.dark(true);
    it.browser.size(PHONE.0, PHONE.1);
    it.browser.picture(&pictures().join("held-many-phone-dark.png"));
    it.browser.press_words("h2 a", "Donaudampf");
    it.browser.picture(&pictures().join("message-phone-dark.png"));
    it.browser.dark(false);
    it.look("message-long");
    it.browser.press("p a[href='/held']");
    it.browser.press("a[rel=next]");
    assert_eq!(it.browser.value("document.querySelectorAll('ul.held li').length"), 1);
    it.go("/held?search=number+46");
    it.reads("number 46");
    it.look("held-search");

    // Without a mouse: the first key leads past the head of the page, and shows where one is.
    it.browser.key("Tab");
    assert_eq!(it.browser.value("document.activeElement.className"), "skip");
    it.browser.key("Tab");
    let outline = "getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).outlineWidth";
    assert_eq!(it.browser.value(outline), "solid3px");
}

/// WCAG 2.2, 1.4.3 and 1.4.11: text on all that it stands on, edges of fields on paper, in both schemes.
#[test]
fn colours_can_be_told_from_each_other() {
    let css = std::fs::read_to_string(root().join("crates/tidegate/templates/style.css")).unwrap();
    let schemes: Vec<&str> =
        css.split(":root{").skip(1).map(|it| it.split('}').next().unwrap()).collect();
    assert_eq!(schemes.len(), 2);
    for scheme in schemes {
        let luminance = |name: &str| {
            let (_, value) = scheme.split_once(&format!("--{name}:#")).unwrap();
            let hex: String = value.chars().take_while(char::is_ascii_hexdigit).collect();
            let hex = if hex.len() == 3 { hex.chars().flat_map(|c| [c, c]).collect() } else { hex };
            let channel = |at: usize| {
                let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
                if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
        };
        let contrast = |one: &str, other: &str| {
            let (one, other) = (luminance(one), luminance(other));
            (one.max(other) + 0.05) / (one.min(other) + 0.05)
        };
        for text in ["ink", "link", "grave", "warm"] {
            for ground in ["paper", "soft", "mark"] {
                let ratio = contrast(text, ground);
                assert!(ratio >= 4.5, "{text} on {ground}: {ratio:.2}");
            }
        }
        assert!(contrast("paper", "link") >= 4.5, "buttons");
        assert!(contrast("edge", "paper") >= 3.0, "edges of fields");
    }
    let other_colours = css.split(":root{").last().unwrap().split_once('}').unwrap().1;
    assert!(!other_colours.contains('#') && !other_colours.contains("rgb"), "colours have names");
}
