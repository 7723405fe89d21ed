//! HTML: depth, attributes, comments, links, and what is opened and never closed.

use super::{Class, each, single};

pub(super) const CLASSES: &[Class] = &[
    Class { name: "html-links", of: "links", large: 1_000_000, make: links },
    Class {
        name: "html-link-texts",
        of: "links to one place with other words each",
        large: 300_000,
        make: link_texts,
    },
    Class {
        name: "html-repeated-links",
        of: "links, of which only the first thousand differ",
        large: 300_000,
        make: repeated,
    },
    Class { name: "html-base", of: "links relative to a base of 8 kB", large: 300_000, make: base },
    Class {
        name: "html-depth",
        of: "elements, each in the one before",
        large: 1_000_000,
        make: depth,
    },
    Class {
        name: "html-end-tags",
        of: "end tags of what was never opened",
        large: 1_000_000,
        make: end_tags,
    },
    Class {
        name: "html-mismatched",
        of: "elements closed by others",
        large: 300_000,
        make: mismatched,
    },
    Class {
        name: "html-attributes",
        of: "attributes of one tag",
        large: 1_000_000,
        make: attributes,
    },
    Class {
        name: "html-one-attribute",
        of: "the same attribute of one tag",
        large: 500_000,
        make: one_attribute,
    },
    Class {
        name: "html-long-name",
        of: "bytes of one tag's name",
        large: 5_000_000,
        make: long_name,
    },
    Class { name: "html-long-value", of: "bytes of one value", large: 5_000_000, make: long_value },
    Class { name: "html-unclosed", of: "`<`", large: 5_000_000, make: unclosed },
    Class {
        name: "html-unclosed-tags",
        of: "tags without an end",
        large: 1_000_000,
        make: unclosed_tags,
    },
    Class {
        name: "html-unclosed-quotes",
        of: "values without an end",
        large: 500_000,
        make: unclosed_quotes,
    },
    Class {
        name: "html-unclosed-comments",
        of: "comments without an end",
        large: 1_000_000,
        make: unclosed_comments,
    },
    Class {
        name: "html-unclosed-scripts",
        of: "scripts whose end is hinted at",
        large: 500_000,
        make: unclosed_scripts,
    },
    Class {
        name: "html-cdata",
        of: "sections and declarations that HTML has not",
        large: 500_000,
        make: cdata,
    },
    Class { name: "html-ampersands", of: "`&` without `;`", large: 5_000_000, make: ampersands },
    Class {
        name: "html-references",
        of: "beginnings of long references",
        large: 200_000,
        make: references,
    },
    Class {
        name: "html-numbers",
        of: "digits of one numeric reference",
        large: 5_000_000,
        make: numbers,
    },
    Class { name: "html-comments", of: "comments", large: 300_000, make: comments },
    Class {
        name: "css-comments",
        of: "comments in a style sheet and a style",
        large: 100_000,
        make: css_comments,
    },
    Class { name: "css-rules", of: "rules of a style sheet", large: 200_000, make: css_rules },
    Class {
        name: "css-declarations",
        of: "declarations of one style",
        large: 500_000,
        make: css_declarations,
    },
    Class { name: "css-styles", of: "tags with a style of 2 kB", large: 2_000, make: css_styles },
    Class {
        name: "html-data-urls",
        of: "pictures within the page",
        large: 100_000,
        make: data_urls,
    },
    Class {
        name: "html-tables",
        of: "tables, each in a cell of the one before",
        large: 200_000,
        make: tables,
    },
    Class { name: "html-blanks", of: "blanks between words", large: 5_000_000, make: blanks },
    Class { name: "html-hidden", of: "hidden words", large: 300_000, make: hidden },
    Class { name: "html-forms", of: "forms with passwords", large: 200_000, make: forms },
];

fn page(body: &str) -> Vec<u8> {
    single("text/html; charset=utf-8", body)
}

fn links(n: usize) -> Vec<u8> {
    page(&each(n, |at| format!("<a href=http://a{at}.example/>{at}</a>\n")))
}

fn link_texts(n: usize) -> Vec<u8> {
    page(&each(n, |at| format!("<a href=//b.c>{at:x}</a>")))
}

fn repeated(n: usize) -> Vec<u8> {
    page(&each(n, |at| format!("<a href=//b.c/{}>x</a>", at.min(998))))
}

fn base(n: usize) -> Vec<u8> {
    let base = format!("<base href='http://b.example/{}'>", "x".repeat(8_000));
    page(&(base + &each(n, |at| format!("<a href={at:x}>x</a>"))))
}

fn depth(n: usize) -> Vec<u8> {
    page(&("<b>".repeat(n) + "x"))
}

fn end_tags(n: usize) -> Vec<u8> {
    page(&("<p>".repeat(300) + &"</b>".repeat(n)))
}

fn mismatched(n: usize) -> Vec<u8> {
    page(&"<a href=http://x.example><b><i><u></a></u></b>x".repeat(n))
}

fn attributes(n: usize) -> Vec<u8> {
    page(&format!("<p {}>x", each(n, |at| format!("a{at:x}=1 "))))
}

fn one_attribute(n: usize) -> Vec<u8> {
    page(&format!("<p {}>x", "style=color:red ".repeat(n)))
}

fn long_name(n: usize) -> Vec<u8> {
    page(&format!("<{}>x", "a".repeat(n)))
}

fn long_value(n: usize) -> Vec<u8> {
    page(&format!(
        "<a href=\"http://a.example/{}\" style='{}'>x",
        "&amp;/..".repeat(n / 16),
        ":".repeat(n / 2)
    ))
}

fn unclosed(n: usize) -> Vec<u8> {
    page(&"<".repeat(n))
}

fn unclosed_tags(n: usize) -> Vec<u8> {
    page(&"<a b=".repeat(n))
}

fn unclosed_quotes(n: usize) -> Vec<u8> {
    page(&"<a b=\"'>".repeat(n))
}

fn unclosed_comments(n: usize) -> Vec<u8> {
    page(&"<!--<!-- --!- ".repeat(n))
}

fn unclosed_scripts(n: usize) -> Vec<u8> {
    page(&"<script><!--<script></scrip </style</script ".repeat(n / 3))
}

fn cdata(n: usize) -> Vec<u8> {
    page(&"<![CDATA[ ]]<!x<?y<!DOCTYPE \"".repeat(n))
}

fn ampersands(n: usize) -> Vec<u8> {
    page(&"&".repeat(n))
}

fn references(n: usize) -> Vec<u8> {
    page(&"&CounterClockwiseContourIntegra&#x&notit ".repeat(n))
}

fn numbers(n: usize) -> Vec<u8> {
    page(&format!("<a href=\"&#{}\">&#x{};", "9".repeat(n / 2), "f".repeat(n / 2)))
}

fn comments(n: usize) -> Vec<u8> {
    page(&"Via<!-- x -->gra<xyz>".repeat(n))
}

fn css_comments(n: usize) -> Vec<u8> {
    let comments = "/* x */ /*".repeat(n);
    page(&format!("<style>{comments}</style><p style=\"color:red;{comments}\">x"))
}

fn css_rules(n: usize) -> Vec<u8> {
    let rules = each(n, |at| format!("div > p ~ .a{at} b{{display:none}}\n"));
    page(&format!("<style>{rules}</style>{}", "<div><p class=a1>".repeat(30)))
}

fn css_declarations(n: usize) -> Vec<u8> {
    page(&format!("<p style=\"{}\">x", "font-size:0;".repeat(n)))
}

fn css_styles(n: usize) -> Vec<u8> {
    let style = "background:rgb(1 2 3) url(x) #fff,,, ".repeat(50);
    page(&format!("<p style=\"{style}\">x").repeat(n))
}

fn data_urls(n: usize) -> Vec<u8> {
    page(&each(n, |at| format!("<img src=data:image/svg+xml;base64,PHN2Zz4{at}>")))
}

fn tables(n: usize) -> Vec<u8> {
    page(&("<table><tr><td background=x.png>".repeat(n) + "x"))
}

fn blanks(n: usize) -> Vec<u8> {
    page(&format!("<p>a{}b<pre>{}</pre>", " \t".repeat(n / 4), "\n ".repeat(n / 4)))
}

fn hidden(n: usize) -> Vec<u8> {
    page(&each(n, |at| format!("<i style=font-size:0>word{at}</i>")))
}

fn forms(n: usize) -> Vec<u8> {
    page(&each(n, |at| format!("<form action=http://a{at}.example><input type=password>")))
}
