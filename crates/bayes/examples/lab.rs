//! lab
#![allow(clippy::all, missing_docs, clippy::unwrap_used)]
use std::collections::HashMap;
use tidegate_bayes::{Extractor, Kind};
use tidegate_mail::{Bounds, Message};

fn key(seed: &str, path: &str) -> u64 {
    let mut x = 0xcbf29ce484222325u64;
    for b in format!("{seed}:{path}").bytes() {
        x = (x ^ b as u64).wrapping_mul(0x100000001b3);
    }
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d049bb133111eb);
    x ^ (x >> 31)
}
static NBK: std::sync::OnceLock<Vec<bool>> = std::sync::OnceLock::new();
static SC: std::sync::OnceLock<Vec<f32>> = std::sync::OnceLock::new();
pub struct Doc {
    k: Vec<u8>,
    x: f32,
    path: String,
    folder: String,
    spam: bool,
    f: Vec<u32>,
}
fn env(k: &str, d: f64) -> f64 {
    std::env::var(k).ok().and_then(|v| v.parse().ok()).unwrap_or(d)
}

fn roca(s: &[(f64, bool)]) -> (f64, f64) {
    let mut h: Vec<f64> = s.iter().filter(|x| !x.1).map(|x| x.0).collect();
    h.sort_by(f64::total_cmp);
    let sp: Vec<f64> = s.iter().filter(|x| x.1).map(|x| x.0).collect();
    if h.is_empty() || sp.is_empty() {
        return (0.0, 0.0);
    }
    let mut o = 0.0;
    for x in &sp {
        let b = h.partition_point(|y| y < x);
        let u = h.partition_point(|y| y <= x);
        o += (h.len() - u) as f64 + (u - b) as f64 / 2.0;
    }
    let k = (h.len() as f64 * 0.001) as usize;
    let t = h[h.len() - 1 - k];
    (
        100.0 * o / (h.len() as f64 * sp.len() as f64),
        100.0 * sp.iter().filter(|x| **x <= t).count() as f64 / sp.len() as f64,
    )
}

struct Model {
    g2: Vec<f32>,
    sum: Vec<f32>,
    r: Vec<f32>,
    w: Vec<f32>,
    bias: f32,
    sp: Vec<u32>,
    hm: Vec<u32>,
    ns: f64,
    nh: f64,
    seen: Vec<u32>,
}
struct P {
    rate: f32,
    thick: f32,
    norm: f64,
    epochs: usize,
    top: usize,
    s: f64,
    mindev: f64,
    cap: f64,
    nbw: f64,
    ada: f32,
    avg: bool,
    nbs: f64,
    dfs: f64,
    mindf: u32,
    l2: f32,
}
impl P {
    fn get() -> P {
        P {
            rate: env("RATE", 0.3) as f32,
            thick: env("THICK", 0.1) as f32,
            norm: env("NORM", 0.5),
            epochs: env("EPOCHS", 8.0) as usize,
            top: env("TOP", 150.0) as usize,
            s: env("S", 0.1),
            mindev: env("MINDEV", 0.1),
            cap: env("CAP", 8.0),
            nbw: env("NBW", 0.5),
            ada: env("ADA", 0.0) as f32,
            avg: env("AVG", 0.0) > 0.0,
            nbs: env("NBS", 0.0),
            dfs: env("DFS", 0.0),
            mindf: env("MINDF", 1.0) as u32,
            l2: env("L2", 0.0) as f32,
        }
    }
}
impl Model {
    fn new(n: usize) -> Self {
        Model {
            g2: vec![0.0; n],
            sum: vec![],
            r: vec![],
            w: vec![0.0; n],
            bias: 0.0,
            sp: vec![0; n],
            hm: vec![0; n],
            ns: 0.0,
            nh: 0.0,
            seen: vec![],
        }
    }
    fn sc(&self, i: usize, k: u8) -> f32 {
        let b = SC.get().unwrap()[k as usize];
        if self.r.is_empty() { b } else { b * self.r[i] }
    }
    fn x(&self, d: &Doc, p: &P) -> f32 {
        if self.r.is_empty() {
            d.x
        } else {
            let s: f64 =
                d.f.iter().zip(&d.k).map(|(i, k)| (self.sc(*i as usize, *k) as f64).powi(2)).sum();
            s.max(0.01).powf(-p.norm) as f32
        }
    }
    fn lr(&self, d: &Doc, p: &P) -> f64 {
        let x = self.x(d, p);
        let mut s = 0.0;
        for (i, k) in d.f.iter().zip(&d.k) {
            s += self.w[*i as usize] * self.sc(*i as usize, *k);
        }
        (s * x + self.bias) as f64
    }
    fn step(&mut self, d: &Doc, y: bool, p: &P) -> bool {
        let z = self.lr(d, p);
        let x = self.x(d, p);
        let pr = 1.0 / (1.0 + (-z).exp());
        let y_ = if y { 1.0 } else { 0.0 };
        let err = (y_ - pr) as f32;
        if (err.abs()) < p.thick {
            return false;
        }
        for (i, k) in d.f.iter().zip(&d.k) {
            let i = *i as usize;
            if self.sp[i] + self.hm[i] >= p.mindf {
                let g = err * x * self.sc(i, *k);
                let rate = if p.ada > 0.0 {
                    self.g2[i] += g * g;
                    p.rate / (p.ada + self.g2[i]).sqrt()
                } else if p.dfs > 0.0 {
                    p.rate * (1.0 + (self.sp[i] + self.hm[i]) as f32).powf(-p.dfs as f32)
                } else {
                    p.rate
                };
                let w = &mut self.w[i];
                *w += rate * g;
                if p.l2 > 0.0 {
                    *w *= 1.0 - p.l2;
                }
            }
        }
        true
    }
    fn count(&mut self, f: &[u32], y: bool) {
        if y {
            self.ns += 1.0
        } else {
            self.nh += 1.0
        }
        for i in f {
            if y { self.sp[*i as usize] += 1 } else { self.hm[*i as usize] += 1 }
        }
    }
    fn nb(&self, d: &Doc, p: &P) -> f64 {
        // robinson f(w), top tokens, mean log odds or fisher
        let (ns, nh) = (self.ns.max(1.0), self.nh.max(1.0));
        let mut v: Vec<f64> = Vec::with_capacity(d.f.len());
        let nbk = NBK.get().unwrap();
        for (i, k) in d.f.iter().zip(&d.k) {
            if !nbk[*k as usize] {
                continue;
            }
            let (s, h) = (self.sp[*i as usize] as f64, self.hm[*i as usize] as f64);
            if s + h == 0.0 {
                continue;
            }
            let (a, b) = (s / ns, h / nh);
            let pw = a / (a + b);
            let n = s + h;
            let fw = (p.s * 0.5 + n * pw) / (p.s + n);
            if (fw - 0.5).abs() >= p.mindev {
                v.push(fw);
            }
        }
        v.sort_by(|a, b| (b - 0.5).abs().total_cmp(&(a - 0.5).abs()));
        v.truncate(p.top);
        if v.is_empty() {
            return 0.0;
        }
        // log-odds version of fisher: compare ln product normalized
        let n = v.len() as f64;
        let lp: f64 = v.iter().map(|x| x.ln()).sum();
        let lq: f64 = v.iter().map(|x| (1.0 - x).ln()).sum();
        // -2 lp ~ chi2(2n): use normal approx z (Wilson-Hilferty) to avoid saturation
        let z = |chi: f64, df: f64| {
            ((chi / df).powf(1.0 / 3.0) - (1.0 - 2.0 / (9.0 * df))) / (2.0 / (9.0 * df)).sqrt()
        };
        (z(-2.0 * lq, 2.0 * n) - z(-2.0 * lp, 2.0 * n)) / 2.0
    }
}
fn train(docs: &[&Doc], n: usize, p: &P) -> Model {
    let mut m = Model::new(n);
    for d in docs {
        m.count(&d.f, d.spam);
    }
    if p.nbs > 0.0 {
        m.r = (0..n)
            .map(|i| {
                let (s, h) = (m.sp[i] as f64, m.hm[i] as f64);
                let a = p.nbs;
                (((s + a) / (m.ns + 2.0 * a)) / ((h + a) / (m.nh + 2.0 * a)))
                    .ln()
                    .abs()
                    .clamp(0.1, 4.0) as f32
            })
            .collect();
    }
    let idf = env("IDF", 0.0);
    if idf > 0.0 {
        m.r =
            (0..n).map(|i| (1.0 + (m.sp[i] + m.hm[i]) as f64 / 100.0).powf(-idf) as f32).collect();
    }
    if p.avg {
        m.sum = vec![0.0; n];
    }
    let mut nsum = 0;
    let mut order: Vec<&&Doc> = docs.iter().collect();
    for e in 0..p.epochs {
        order.sort_by_key(|d| key(&format!("e{e}"), &d.path));
        let mut k = 0;
        for d in &order {
            if m.step(d, d.spam, p) {
                k += 1
            }
        }
        if p.avg && e >= 1 {
            for i in 0..n {
                m.sum[i] += m.w[i];
            }
            nsum += 1;
        }
        if k == 0 {
            break;
        }
    }
    if p.avg {
        for i in 0..n {
            m.w[i] = m.sum[i] / nsum as f32;
        }
    }
    m
}
fn report(name: &str, v: &[(f64, f64, bool)], p: &P) {
    let l: Vec<_> = v.iter().map(|x| (x.0, x.2)).collect();
    let b: Vec<_> = v.iter().map(|x| (x.1, x.2)).collect();
    let mut best = (1e9, 0.0);
    for w in [env("NBW", 0.1)] {
        let c: Vec<_> = v.iter().map(|x| (x.0 + w * x.1, x.2)).collect();
        let r = roca(&c).0;
        if r < best.0 {
            best = (r, w)
        }
    }
    let c: Vec<_> = v.iter().map(|x| (x.0 + best.1 * x.1, x.2)).collect();
    let (a1, a2) = roca(&l);
    let (b1, b2) = roca(&b);
    let (c1, c2) = roca(&c);
    println!(
        "{name:14} LR {a1:8.4} {a2:6.2}   NB {b1:8.4} {b2:6.2}   both@{} {c1:8.4} {c2:6.2}",
        best.1
    );
}
fn main() {
    let root = std::env::args().nth(1).unwrap_or("/tmp/corpus".into());
    let what = std::env::args().nth(2).unwrap_or("lofo,folds,online".into());
    let p = P::get();
    let mask = std::env::var("KINDS").unwrap_or("0,1,2,3,4,5,6,7,8,9,10,11,12,13,14".into());
    let mask: Vec<u8> = mask.split(',').map(|x| x.parse().unwrap()).collect();
    let mut sc = vec![1.0f32; 16];
    if let Ok(v) = std::env::var("SCALE") {
        for kv in v.split(',') {
            let (a, b) = kv.split_once('=').unwrap();
            sc[a.parse::<usize>().unwrap()] = b.parse().unwrap();
        }
    }
    let nbk = std::env::var("NBK").unwrap_or("0,2,3,4,5,6,7,8,9,10,11,12".into());
    let nbk: Vec<u8> = nbk.split(',').map(|x| x.parse().unwrap()).collect();
    NBK.set((0..16u8).map(|k| nbk.contains(&k)).collect()).unwrap();
    SC.set(sc).unwrap();
    let index = std::fs::read_to_string(format!("{root}/index")).unwrap();
    let mut ex = Extractor::new();
    let mut ids: HashMap<u64, u32> = HashMap::new();
    let sigs: HashMap<String, Vec<String>> = if std::env::var("SIGS").is_ok() {
        std::fs::read_to_string("/tmp/bogo/signals")
            .unwrap()
            .lines()
            .map(|l| {
                let mut w = l.split(' ').map(str::to_owned);
                (w.next().unwrap(), w.collect())
            })
            .collect()
    } else {
        HashMap::new()
    };
    let mut docs = vec![];
    let mut nf = vec![];
    let mut times = vec![];
    let mut ptimes = vec![];
    for line in index.lines() {
        let (c, path) = line.split_once(' ').unwrap();
        let raw = std::fs::read(format!("{root}/{path}")).unwrap();
        let t0 = std::time::Instant::now();
        let m = Message::parse(&raw, &Bounds::default());
        ptimes.push(t0.elapsed().as_nanos() as u64);
        let t = std::time::Instant::now();
        let f = ex.features(&m).to_vec();
        times.push(t.elapsed().as_nanos() as u64);
        nf.push(f.len());
        let mut f = f;
        if let Some(v) = sigs.get(path) {
            for s in v {
                f.push(key("sig", s) & !15 | 14);
            }
        }
        let f: Vec<u64> = f.into_iter().filter(|x| mask.contains(&(Kind::of(*x) as u8))).collect();
        let k: Vec<u8> = f.iter().map(|x| Kind::of(*x) as u8).collect();
        let f: Vec<u32> = f
            .iter()
            .map(|x| {
                let n = ids.len() as u32;
                *ids.entry(*x).or_insert(n)
            })
            .collect();
        let sum: f64 = k.iter().map(|k| (SC.get().unwrap()[*k as usize] as f64).powi(2)).sum();
        let x = sum.max(1.0).powf(-p.norm) as f32;
        docs.push(Doc {
            k,
            x,
            path: path.into(),
            folder: path.split('/').next().unwrap().into(),
            spam: c == "spam",
            f,
        });
    }
    nf.sort();
    times.sort();
    ptimes.sort();
    let n = ids.len();
    println!(
        "messages {} features {} median {} p90 {}; extract us median {} p90 {}; parse median {}",
        docs.len(),
        n,
        nf[nf.len() / 2],
        nf[nf.len() * 9 / 10],
        times[times.len() / 2] as f64 / 1e3,
        times[times.len() * 9 / 10] as f64 / 1e3,
        ptimes[ptimes.len() / 2] as f64 / 1e3
    );
    let pp = &p;
    if let Ok(v) = std::env::var("WHY") {
        let rev: HashMap<u32, u64> = ids.iter().map(|(a, b)| (*b, *a)).collect();
        let pats: Vec<&str> = v.split(',').collect();
        let tr: Vec<&Doc> =
            docs.iter().filter(|d| !pats.iter().any(|p| d.path.contains(p))).collect();
        let m = train(&tr, n, pp);
        for d in docs.iter().filter(|d| pats.iter().any(|p| d.path.contains(p))).take(40) {
            let mut c: Vec<(f32, u32)> =
                d.f.iter()
                    .zip(&d.k)
                    .map(|(i, k)| (m.w[*i as usize] * m.sc(*i as usize, *k) * m.x(d, pp), *i))
                    .collect();
            c.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
            c.truncate(28);
            let raw = std::fs::read(format!("{root}/{}", d.path)).unwrap();
            let msg = Message::parse(&raw, &Bounds::default());
            let want: Vec<u64> = c.iter().map(|x| rev[&x.1]).collect();
            let names: HashMap<u64, String> =
                tidegate_bayes::words_of(&msg, &want).into_iter().collect();
            println!(
                "{} {} n={} score {:.2}",
                if d.spam { "SPAM" } else { "HAM" },
                d.path,
                d.f.len(),
                m.lr(d, pp)
            );
            println!(
                "   {}",
                c.iter()
                    .map(|x| format!(
                        "{:+.2} {:?} {} ({}/{})",
                        x.0,
                        Kind::of(rev[&x.1]),
                        names.get(&rev[&x.1]).cloned().unwrap_or_default(),
                        m.sp[x.1 as usize],
                        m.hm[x.1 as usize]
                    ))
                    .collect::<Vec<_>>()
                    .join(" | ")
            );
        }
        return;
    }
    if what.contains("lofo") {
        std::thread::scope(|s| {
            let hs: Vec<_> = ["foff", "csdmc", "spamassassin", "openbmc"]
                .iter()
                .map(|f| {
                    let docs = &docs;
                    s.spawn(move || {
                        let tr: Vec<&Doc> = docs.iter().filter(|d| d.folder != *f).collect();
                        let m = train(&tr, n, pp);
                        let v: Vec<_> = docs
                            .iter()
                            .filter(|d| d.folder == *f)
                            .map(|d| (m.lr(d, pp), m.nb(d, pp), d.spam))
                            .collect();
                        (f, v, m)
                    })
                })
                .collect();
            for h in hs {
                let (f, v, _m) = h.join().unwrap();
                if *f == "openbmc" {
                    let mut x: Vec<f64> = v.iter().map(|x| x.0).collect();
                    x.sort_by(f64::total_cmp);
                    let mut y: Vec<f64> = v.iter().map(|x| x.1).collect();
                    y.sort_by(f64::total_cmp);
                    let k = x.len();
                    println!(
                        "openbmc LR median {:.2} p99 {:.2} p99.9 {:.2} max {:.2}  NB median {:.2} p99 {:.2} max {:.2}",
                        x[k / 2],
                        x[k * 99 / 100],
                        x[k * 999 / 1000],
                        x[k - 1],
                        y[k / 2],
                        y[k * 99 / 100],
                        y[k - 1]
                    );
                } else {
                    report(f, &v, pp);
                    if std::env::var("DUMP").is_ok() {
                        let mut o = String::new();
                        for (d, x) in docs.iter().filter(|d| d.folder == *f).zip(&v) {
                            o += &format!(
                                "{} {} {:.3} {:.3}\n",
                                if d.spam { "spam" } else { "ham" },
                                d.path,
                                x.0,
                                x.1
                            );
                        }
                        std::fs::write(format!("/tmp/bogo/lab-{f}"), o).unwrap();
                    }
                }
            }
        });
    }
    if what.contains("folds") {
        let mut o: Vec<usize> = (0..docs.len()).collect();
        o.sort_by_key(|i| key("1", &docs[*i].path));
        let mut all = vec![];
        let oo = &o;
        let dd = &docs;
        std::thread::scope(|s| {
            let hs: Vec<_> = (0..5)
                .map(|k| {
                    s.spawn(move || {
                        let tr: Vec<&Doc> = oo
                            .iter()
                            .enumerate()
                            .filter(|(r, _)| r % 5 != k)
                            .map(|(_, i)| &dd[*i])
                            .collect();
                        let m = train(&tr, n, pp);
                        oo.iter()
                            .enumerate()
                            .filter(|(r, _)| r % 5 == k)
                            .map(|(_, i)| {
                                let d = &dd[*i];
                                (m.lr(d, pp), m.nb(d, pp), d.spam, d.path.as_str())
                            })
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            for h in hs {
                all.extend(h.join().unwrap());
            }
        });
        if std::env::var("DUMP").is_ok() {
            let mut o = String::new();
            for x in &all {
                o += &format!(
                    "{} {} {:.3} {:.3}\n",
                    if x.2 { "spam" } else { "ham" },
                    x.3,
                    x.0,
                    x.1
                );
            }
            std::fs::write("/tmp/bogo/lab-folds", o).unwrap();
        }
        let all: Vec<_> = all.into_iter().map(|x| (x.0, x.1, x.2)).collect();
        report("folds", &all, &p);
    }
    if what.contains("online") {
        let mut o: Vec<usize> = (0..docs.len()).collect();
        o.sort_by_key(|i| key("2", &docs[*i].path));
        let mut m = Model::new(n);
        let mut v = vec![];
        let rep = env("REP", 1.0) as usize;
        for i in o {
            let d = &docs[i];
            v.push((m.lr(d, &p), m.nb(d, &p), d.spam));
            m.count(&d.f, d.spam);
            for _ in 0..rep {
                if !m.step(d, d.spam, &p) {
                    break;
                }
            }
        }
        report("online", &v, &p);
    }
}
