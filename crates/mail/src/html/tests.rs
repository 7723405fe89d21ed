//! What a reader sees of HTML, and what not.

use proptest::prelude::*;

use super::*;
use crate::links::LinkKind;

struct Rendered {
    visible: String,
    hidden: String,
    links: Vec<crate::Link>,
    facts: HtmlFacts,
}

fn render(source: &str) -> Rendered {
    let (mut visible, mut hidden) = (String::new(), String::new());
    let (mut links, mut defects) = (Links::new(100), Defects::default());
    let facts =
        Renderer::new(&mut visible, &mut hidden, 10_000, &mut links, &mut defects).read(source);
    Rendered { visible, hidden, links: links.all, facts }
}

#[track_caller]
fn check(source: &str, visible: &str, hidden: &str) -> HtmlFacts {
    let rendered = render(source);
    let seen = (rendered.visible.trim(), rendered.hidden.trim());
    assert_eq!(seen, (visible, hidden), "{source}");
    rendered.facts
}

#[test]
fn blocks_begin_lines_and_white_space_is_squeezed() {
    check("<p>one\n  two<br>three</p><p>four", "one two\nthree\nfour", "");
    check("<td>a</td><td>b</td>", "a b", "");
    check("<b>via</b>gra &amp; &eacute;", "viagra & é", "");
    check("<pre>a\n  b</pre>", "a\n  b", "");
    check("<title>x</title><style>p{}</style><script>y</script>z", "z", "");
}

#[test]
fn what_styles_hide_is_hidden_and_ends_with_its_element() {
    check("a<div style='display:none'>b<div>c</div>d</div>e", "a\ne", "b\nc\nd");
    check("a<span hidden>b</span>c", "ac", "b");
    check("<p style='font-size:0px'>a<span style='font-size:12px'>b</span></p>", "b", "a");
    check("<div style='display:none'><p style='display:block'>a</p></div>b", "b", "a");
    check(
        "<div style='color:transparent'>a</div><p style='background:url(x);color:transparent'>b",
        "b",
        "a",
    );
    // A closing tag that is missing closes with what is around it.
    check("<div><span style='display:none'>a</div>b", "b", "a");
}

#[test]
fn what_hides_ends_however_much_was_opened_in_it() {
    let page = format!("<div style='display:none'>a{}</div>b", "<b>".repeat(150));
    check(&page, "b", "a");
    let padded = format!("<div style='/*{}*/display:none'>a</div>b", "x".repeat(20_000));
    check(&padded, "b", "a");
}

#[test]
fn where_outlook_is_led_is_known() {
    let page = "a<!--[if mso]><v:rect href='http://b.example/'>b</v:rect><a href=http://c.example>c</a><![endif]-->d";
    let rendered = render(page);
    assert_eq!(rendered.visible, "ad");
    let hosts: Vec<_> = rendered.links.iter().map(|link| link.host.as_deref().unwrap()).collect();
    assert_eq!(hosts, ["b.example", "c.example"]);
    assert!(render("<!-- <a href=http://c.example>c</a> -->").links.is_empty());
}

#[test]
fn drawings_and_formulas_have_elements_of_their_own() {
    let rendered = render("<svg><style><img><a href=http://b.example>a</a>");
    assert_eq!((rendered.visible.trim(), rendered.links.len()), ("a", 1));
    check("<svg><style>a</style><title>b</title></svg>c", "c", "");
    check("<svg><desc><style><!--</style></desc></svg>c", "c", "");
    check("<math><mtext><style><!--</style></mtext></math>c", "c", "");
    check("<svg><style><!--</style></svg>a--></svg>c", "c", "");
    check("<style><svg></style>c", "c", "");
    check("<svg><title><b>a</b></title></svg>c", "c", "");
    // What a tag of HTML ends is the one around it, whatever was in that.
    check("<svg><desc><math></math></desc><style><img>a", "a", "");
    let rendered = render("<svg><title><p><a href=http://b.example>a</a>");
    assert_eq!(rendered.links.len(), 1);
}

#[test]
fn a_head_ends_where_text_begins_whether_it_says_so_or_not() {
    check("<html><head><title>x</title><body><p>a", "a", "");
    check("<body><head><p>a</p></head>b", "a\nb", "");
    check("<head style='display:none'>a<p>b", "a\nb", "");
    check("<xml>a</xml>", "a", "");
}

#[test]
fn what_stands_in_for_scripts_is_shown_and_what_stands_in_for_frames_is_not() {
    let rendered = render("<noscript><p>a <a href=http://b.example>c</a></p></noscript>d");
    assert_eq!(rendered.visible.trim(), "a c\nd");
    assert_eq!(rendered.links.len(), 1);
    let rendered = render("<noframes><!--</noframes><a href=http://b.example>c</a>");
    assert_eq!((rendered.visible.trim(), rendered.links.len()), ("c", 1));
}

#[test]
fn letters_in_the_colour_of_their_background_are_hidden() {
    let facts = check("<font color=#fffffe>a</font><font color=red>b</font>", "b", "a");
    assert_eq!(facts.styles_invisible_colour, 1);
    check("<body bgcolor=black>a<font color=white>b</font></body>", "b", "a");
    check("<td bgcolor=navy><font color=white>a</font></td>", "a", "");
    check("<div style='background:url(x)'><font color=white>a</font></div>", "a", "");
    check("<div style='color:#fff;background-color:#fff'>a</div>", "", "a");
}

#[test]
fn a_link_has_the_text_that_its_reader_sees() {
    let rendered = render(
        "<a href='http://evil.example/x'>www.<b>bank</b>.example</a> and http://c.example/ <a href='http://d.example'><img src='http://e.example/i.gif' width=1 height=1></a><a href='#x'>no</a>",
    );
    let links: Vec<_> = rendered
        .links
        .iter()
        .map(|link| (link.url.as_str(), link.kind, link.text.as_deref()))
        .collect();
    assert_eq!(
        links,
        [
            ("http://evil.example/x", LinkKind::Href, Some("www.bank.example")),
            ("http://e.example/i.gif", LinkKind::Image, None),
            ("http://d.example", LinkKind::Href, None),
            ("http://c.example/", LinkKind::Plain, None),
        ]
    );
    assert_eq!((rendered.facts.images_remote, rendered.facts.tracking_pixels), (1, 1));
}

#[test]
fn what_is_not_seen_is_no_part_of_the_text_of_a_link() {
    let padding = "&#8203;&nbsp;".repeat(70);
    for text in
        ["https://www.pay&#8203;pal.com", &format!("{padding}https://www.pay\u{fe0f}pal.com")]
    {
        let rendered = render(&format!("<a href=http://evil.example>{text}</a>"));
        assert_eq!(rendered.links[0].text.as_deref(), Some("https://www.paypal.com"), "{text}");
    }
}

#[test]
fn forms_frames_and_refreshes_lead_somewhere_too() {
    let rendered = render(
        "<meta http-equiv=Refresh content='0; URL=http://a.example/'><form action=http://b.example/><input type=Password></form><iframe src=http://c.example/></iframe>",
    );
    let links: Vec<_> = rendered.links.iter().map(|link| (link.url.as_str(), link.kind)).collect();
    assert_eq!(
        links,
        [
            ("http://a.example/", LinkKind::Refresh),
            ("http://b.example/", LinkKind::Form),
            ("http://c.example/", LinkKind::Frame),
        ]
    );
    let facts = rendered.facts;
    assert!(facts.refresh);
    assert_eq!((facts.forms, facts.password_inputs, facts.frames), (1, 1, 1));
}

#[test]
fn words_that_are_broken_by_comments_are_counted_and_read_whole() {
    let facts = check("via<!-- x -->gra ci<xyz>alis <!-- y --> end", "viagra cialis end", "");
    assert_eq!((facts.broken_words, facts.unknown_tags, facts.comments), (2, 1, 2));
}

#[test]
fn deep_nesting_and_many_attributes_are_read_in_one_pass() {
    let deep = "<div>".repeat(100_000) + "x" + &"</div>".repeat(100_000);
    check(&deep, "x", "");
    let wide = format!("<p {}>x", "a=1 ".repeat(200_000));
    check(&wide, "x", "");
    let comments = "<!-- -->".repeat(100_000) + "x";
    assert_eq!(check(&comments, "x", "").comments, 100_000);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_source_makes_it_fail(source in "(<[a-z]{1,4}( [a-z]{2,5}=('[^']{0,9}'|[a-z:;#0-9]{0,9}))?>|</[a-z]{1,4}>|\\PC{0,5}|<!--|-->|&#?[a-z0-9]{1,4};){0,40}") {
        let rendered = render(&source);
        prop_assert!(rendered.visible.len() <= 10_100 && rendered.hidden.len() <= 10_100);
    }
}
