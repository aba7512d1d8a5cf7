//! Mutated configs through parsing, checking and, where it is cheap, building.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use mixwell::Stream;
use mixwell::config::{commented, parse};
use mixwell::density::{NoData, TargetConfig};
use mixwell::estimate::EvidenceConfig;
use mixwell::flow::Flow;
use mixwell::sampler::{KernelMethod, Method, RunConfig};

use super::mutate::{below, bytes, lines, one};

/// Every example and experiment, a template of every kind, and the nasty files of the corpus.
fn corpus() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = vec![];
    for folder in ["../../examples", "../../experiments", "tests/attacks/corpus"] {
        let mut paths: Vec<_> =
            std::fs::read_dir(root.join(folder)).unwrap().map(|e| e.unwrap().path()).collect();
        paths.sort();
        paths.retain(|p| p.extension().is_some_and(|e| e == "toml"));
        assert!(!paths.is_empty(), "{folder}");
        all.extend(paths.iter().map(|p| std::fs::read(p).unwrap()));
    }
    let run = RunConfig::default();
    let mut template = |c: RunConfig| all.push(commented(&c).unwrap().into_bytes());
    for entry in mixwell::density::catalogue() {
        template(RunConfig { target: Some(entry.config), ..run.clone() });
    }
    let target: Option<TargetConfig> = mixwell::density::catalogue().first().map(|e| e.config.clone());
    for entry in mixwell::sampler::catalogue() {
        template(RunConfig { target: target.clone(), method: entry.default, ..run.clone() });
    }
    for entry in mixwell::flow::catalogue() {
        template(RunConfig { target: target.clone(), flow: entry.default, ..run.clone() });
    }
    for entry in mixwell::kernel::catalogue() {
        let method = Method::Kernel(KernelMethod { kernel: Box::new(entry.default), ..Default::default() });
        template(RunConfig { target: target.clone(), method, ..run.clone() });
    }
    all.push(commented(&EvidenceConfig { target, ..EvidenceConfig::default() }).unwrap().into_bytes());
    all
}

const VALUES: [&str; 30] = [
    "0",
    "-1",
    "1",
    "2",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "99999999999999999999999999",
    "3000000000",
    "0x7fffffffffffffff",
    "1e308",
    "1e309",
    "-1e-320",
    "nan",
    "-inf",
    "inf",
    "0.0",
    "-0.0",
    "true",
    "''",
    "'\\u0000'",
    "\"\\u0000\\n\"",
    "[]",
    "[[]]",
    "[1, 'a', {}]",
    "{}",
    "{ kind = 'mala' }",
    "{ kind = 1 }",
    "1979-05-27T07:32:00Z",
    "\"\"\"\nmany\nlines\"\"\"",
];

/// Puts something extreme where a value stands, or a key nobody knows.
fn values(s: &mut Stream, text: &mut Vec<u8>) {
    let places: Vec<usize> = (0..text.len()).filter(|i| text[*i] == b'=').collect();
    if places.is_empty() {
        return;
    }
    let at = places[below(s, places.len())] + 1;
    let end = at + text[at..].iter().position(|b| *b == b'\n').unwrap_or(text.len() - at);
    let deep = 1 << below(s, 15);
    let value = match below(s, 12) {
        0 => format!("{}1{}", "[".repeat(deep), "]".repeat(deep)),
        1 => format!("{}1{}", "{ a = ".repeat(deep), "}".repeat(deep)),
        2 => format!("'{}'", "long ".repeat(deep)),
        3 => format!("[{}]", "1, ".repeat(deep)),
        4 => format!("1\n{}b = 1", "a.".repeat(deep)),
        5 => format!("1\n{} = 1", "k".repeat(deep)),
        _ => one(s, &VALUES).to_string(),
    };
    text.splice(at..end, format!(" {value}").into_bytes());
}

/// An error must say where and what in a few words.
fn short(text: &str, message: &str, line: usize) {
    assert!(message.len() < 3000, "an error of {} bytes: {}", message.len(), &message[..200]);
    assert!(line <= text.matches('\n').count() + 1, "line {line} of a shorter file");
}

/// What is accepted must be the same after it was written out and read again.
fn attack(text: &str) -> bool {
    if let Err(e) = parse::<EvidenceConfig>(text).map(|c| c.settings.check().map_err(|e| c.locate(&e))) {
        short(text, &e.message, e.line);
    }
    let file = match parse::<RunConfig>(text) {
        Ok(file) => file,
        Err(e) => {
            short(text, &e.message, e.line);
            return false;
        }
    };
    let config = &file.settings;
    if let Err(e) = config.check() {
        let e = file.locate(&e);
        short(text, &e.message, e.line);
        return false;
    }
    let written = commented(config).unwrap();
    let again = parse::<RunConfig>(&written).unwrap_or_else(|e| panic!("{e}\n{written}"));
    assert_eq!(commented(&again.settings).unwrap(), written);
    // Sizes are another matter: what has no large number in it is cheap to build.
    let large = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|n| n.len() > 4 && n.as_bytes()[0].is_ascii_digit());
    if let (Some(target), false) = (&config.target, large)
        && let Ok(target) = target.build(&NoData)
        && target.dim() <= 128
        && written.len() < 1 << 14
    {
        let _ = Flow::new(&config.flow, target.dim(), &mut Stream::new(1, 0));
    }
    true
}

#[test]
fn mutated_configs_end_in_an_error_or_a_config_that_reads_back() {
    let corpus = corpus();
    let mut accepted = 0;
    for seed in 0..10_000 {
        let mut s = Stream::new(seed, 0);
        let mut mutant = corpus[seed as usize % corpus.len()].clone();
        for _ in 0..=below(&mut s, 2) {
            let other = below(&mut s, corpus.len());
            match below(&mut s, 5) {
                0 => bytes(&mut s, &mut mutant),
                1 => lines(&mut s, &mut mutant, &corpus[other]),
                _ => values(&mut s, &mut mutant),
            }
        }
        let text = String::from_utf8_lossy(&mutant);
        let began = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| attack(&text)));
        let Ok(good) = result else {
            panic!("mutant {seed}:\n{}", text.chars().take(4000).collect::<String>())
        };
        assert!(began.elapsed() < Duration::from_secs(10), "mutant {seed} took {:?}", began.elapsed());
        accepted += usize::from(good);
    }
    // Mutations must not all be so coarse that the parser alone is tried.
    assert!(accepted > 500, "{accepted} were accepted");
}

#[test]
fn nesting_without_end_is_an_error() {
    for text in [
        format!("x = {}", "[".repeat(1 << 20)),
        format!("x = {}", "{a=".repeat(1 << 20)),
        format!("{}b = 1", "a.".repeat(1 << 20)),
        format!("[{}b]", "a.".repeat(1 << 20)),
        "[[a]]\n".repeat(1 << 16),
        format!("{} = 1", "k".repeat(16 << 20)),
    ] {
        let e = parse::<RunConfig>(&text).unwrap_err();
        short(&text, &e.message, e.line);
    }
}
