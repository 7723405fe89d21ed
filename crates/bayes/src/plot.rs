//! Curves as SVG, written by hand: a plot needs a few lines and some words.
//!
//! Invariant: the same measurements give the same bytes; the file needs no other.

use std::fmt::Write;

use crate::evaluate::{Bin, Ranking};

/// Pixels of one side of a square plot.
const SIDE: f64 = 360.0;
/// Pixels around it.
const MARGIN: f64 = 56.0;

/// Two plots side by side: the receiver operating characteristic of log-odds (ham share on a scale of
/// powers of ten), and expected against observed shares of probabilities.
#[must_use]
pub fn svg(title: &str, scores: &Ranking, probabilities: &Ranking) -> String {
    let width = 2.0 * SIDE + 3.0 * MARGIN;
    let height = SIDE + 2.0 * MARGIN + 20.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{MARGIN}\" y=\"24\" font-size=\"15\">{}</text>\n",
        escape(title)
    );
    let (ham, spam) = scores.sizes();
    roc(
        &mut out,
        &scores.curve(),
        &format!("1-ROCA {:.4} % of {ham} ham, {spam} spam", scores.area_above()),
    );
    reliability(&mut out, &probabilities.reliability(10));
    out.push_str("</svg>\n");
    out
}

/// Shares below this are drawn at the edge.
const LEAST_HAM: f64 = 1e-4;

fn roc(out: &mut String, curve: &[(f64, f64)], title: &str) {
    let x = |ham: f64| MARGIN + SIDE * (1.0 + ham.max(LEAST_HAM).log10() / 4.0);
    let y = |spam: f64| MARGIN + SIDE * (1.0 - spam);
    frame(out, MARGIN, title, "share of ham taken for spam", "share of spam found");
    for (share, label) in
        [(1e-4, "0.01 %"), (1e-3, "0.1 %"), (1e-2, "1 %"), (0.1, "10 %"), (1.0, "100 %")]
    {
        tick_x(out, x(share), label);
    }
    for tenth in [0, 2, 4, 6, 8, 10] {
        tick_y(out, MARGIN, y(f64::from(tenth) / 10.0), &format!("{} %", tenth * 10));
    }
    let points: Vec<(f64, f64)> = curve.iter().map(|(ham, spam)| (x(*ham), y(*spam))).collect();
    let mut path = String::new();
    let mut last = None;
    for (px, py) in points {
        // Steps: a share of ham holds until the next ham.
        if let Some((_, before)) = last {
            let _ = write!(path, " {px:.1},{before:.1}");
        }
        let _ = write!(path, " {px:.1},{py:.1}");
        last = Some((px, py));
    }
    line(out, path.trim_start(), "#0b6e4f", "");
}

fn reliability(out: &mut String, bins: &[Bin]) {
    let left = 2.0 * MARGIN + SIDE;
    let x = |share: f64| left + SIDE * share;
    let y = |share: f64| MARGIN + SIDE * (1.0 - share);
    frame(
        out,
        left,
        "Reliability, classes weighed alike",
        "probability of spam",
        "share that was spam",
    );
    for tenth in [0, 2, 4, 6, 8, 10] {
        let share = f64::from(tenth) / 10.0;
        tick_x(out, x(share), &format!("{} %", tenth * 10));
        tick_y(out, left, y(share), &format!("{} %", tenth * 10));
    }
    let diagonal = format!("{},{} {},{}", x(0.0), y(0.0), x(1.0), y(1.0));
    line(out, &diagonal, "#999", " stroke-dasharray=\"4 4\"");
    let mut path = String::new();
    for bin in bins {
        let (px, py) = (x(bin.expected), y(bin.observed));
        let _ = write!(path, "{px:.1},{py:.1} ");
        let radius = 2.0 + (bin.messages as f64).log10();
        let _ = writeln!(
            out,
            "<circle cx=\"{px:.1}\" cy=\"{py:.1}\" r=\"{radius:.1}\" fill=\"#0b6e4f\">\
             <title>{} messages</title></circle>",
            bin.messages
        );
    }
    line(out, path.trim_end(), "#0b6e4f", "");
}

fn frame(out: &mut String, left: f64, title: &str, below: &str, beside: &str) {
    let middle = left + SIDE / 2.0;
    let (top, bottom) = (MARGIN - 8.0, MARGIN + SIDE + 38.0);
    let (bx, by) = (left - 42.0, MARGIN + SIDE / 2.0);
    let _ = writeln!(
        out,
        "<rect x=\"{left}\" y=\"{MARGIN}\" width=\"{SIDE}\" height=\"{SIDE}\" fill=\"none\" stroke=\"#333\"/>\n\
         <text x=\"{middle}\" y=\"{top}\" text-anchor=\"middle\">{}</text>\n\
         <text x=\"{middle}\" y=\"{bottom}\" text-anchor=\"middle\">{below}</text>\n\
         <text x=\"{bx}\" y=\"{by}\" text-anchor=\"middle\" transform=\"rotate(-90 {bx} {by})\">{beside}</text>",
        escape(title)
    );
}

fn tick_x(out: &mut String, x: f64, label: &str) {
    let (from, to, text) = (MARGIN + SIDE, MARGIN + SIDE + 5.0, MARGIN + SIDE + 19.0);
    let _ = writeln!(
        out,
        "<path d=\"M{x:.1} {from}V{to}\" stroke=\"#333\"/>\
         <text x=\"{x:.1}\" y=\"{text}\" text-anchor=\"middle\" font-size=\"10\">{label}</text>"
    );
}

fn tick_y(out: &mut String, left: f64, y: f64, label: &str) {
    let (from, text) = (left - 5.0, left - 8.0);
    let _ = writeln!(
        out,
        "<path d=\"M{from} {y:.1}H{left}\" stroke=\"#333\"/>\
         <text x=\"{text}\" y=\"{:.1}\" text-anchor=\"end\" font-size=\"10\">{label}</text>",
        y + 3.5
    );
}

fn line(out: &mut String, points: &str, colour: &str, more: &str) {
    let _ = writeln!(
        out,
        "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"{more}/>"
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_is_one_closed_file_whatever_it_is_drawn_of() {
        for scores in
            [&[][..], &[(0.1, false)], &[(0.1, false), (0.9, true), (0.4, true), (0.6, false)]]
        {
            let ranking: Ranking = scores.iter().copied().collect();
            let svg = svg("a < b & c", &ranking, &ranking);
            assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
            assert!(
                svg.contains("a &lt; b &amp; c") && !svg.contains("NaN") && !svg.contains("inf")
            );
            assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
        }
    }
}
