//! Mutated tables through the reader and into a logistic regression.

use std::f64::consts::{LN_2, TAU};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use mixwell::density::{Column, Label, LogisticRegressionConfig, Target, TextFeatures};
use mixwell::io::{DataFiles, TableOptions, read_table};
use mixwell::{Batch, BatchMut, Stream};

use super::mutate::{below, bytes, lines, one};

/// Small tables as people write them, some lines of the German credits, and the nasty files of the corpus.
fn corpus() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let german = std::fs::read_to_string(root.join("../../examples/data/german.data-numeric")).unwrap();
    let mut all = vec![
        german.lines().take(40).collect::<Vec<_>>().join("\n").into_bytes(),
        b"age,income,y\n1,2.5,0\n3,4,1\n5,6e2,1\n7,-8,0\n".to_vec(),
        b"# by hand\nsize;colour;class\n1,5;red;g\n2,5;blue;b\n3;green;g\n".to_vec(),
        b"size,colour,class\n1.5,red,g\n2.5,\"blue\",b\n3,green,g\n4,\"a \"\"b\"\"\",b\n".to_vec(),
        b"1\t2\t1\n3\t4\t2\n5\t7\t1\n".to_vec(),
        b"0.5,R\n1.5,M\n2.5,R\n".to_vec(),
    ];
    let mut paths: Vec<_> = std::fs::read_dir(root.join("tests/attacks/corpus"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "csv"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    all.extend(paths.iter().map(|p| std::fs::read(p).unwrap()));
    all
}

const CELLS: [&str; 20] = [
    "",
    "nan",
    "NaN",
    "inf",
    "-Infinity",
    "1e999",
    "1e300",
    "-1e300",
    "1e-320",
    "0x10",
    "1_000",
    "\"",
    "\"\"",
    "\"a,b\"",
    "a b",
    "é",
    "\u{feff}",
    "١",
    "0",
    "-0",
];

/// Changes a cell, a column, or how the whole file is written.
fn cells(s: &mut Stream, text: &mut Vec<u8>) {
    let found = String::from_utf8_lossy(text).into_owned();
    let separator = if found.contains(';') {
        ';'
    } else if found.contains(',') {
        ','
    } else {
        ' '
    };
    let mut rows: Vec<Vec<String>> =
        found.lines().map(|l| l.split(separator).map(String::from).collect()).collect();
    if rows.is_empty() {
        return;
    }
    let row = below(s, rows.len());
    let column = below(s, rows[row].len());
    match below(s, 10) {
        0 => rows[row][column] = "7".repeat(1 << below(s, 18)),
        1 => drop(rows[row].remove(column)),
        2 => rows.iter_mut().for_each(|r| r.truncate(column.max(1))),
        3 => rows.iter_mut().filter_map(|r| r.get_mut(column)).for_each(|c| *c = "3".into()),
        4 => rows.truncate(1 + below(s, 2)),
        5 => {
            *text = found.encode_utf16().flat_map(u16::to_le_bytes).collect();
            return;
        }
        6 => {
            *text = [b"\xef\xbb\xbf", found.replace('\n', "\r\n").as_bytes()].concat();
            return;
        }
        7 => {
            *text = found.replace('\n', "\r").into_bytes();
            return;
        }
        _ => rows[row][column] = one(s, &CELLS).to_string(),
    }
    let joined: Vec<String> = rows.iter().map(|r| r.join(&separator.to_string())).collect();
    *text = joined.join("\n").into_bytes();
}

/// Any settings that a user could have written.
fn settings(s: &mut Stream, data: &Path) -> LogisticRegressionConfig {
    if below(s, 4) != 0 {
        // What suits most of the files, so that not every mutant fails for its settings.
        let positive_label = [None, None, Some(Label::Number(2.0))][below(s, 3)].clone();
        let data = data.to_str().unwrap().to_string();
        let text_features = TextFeatures::OneHot;
        return LogisticRegressionConfig { data, positive_label, text_features, ..Default::default() };
    }
    LogisticRegressionConfig {
        data: data.to_str().unwrap().to_string(),
        header: [None, None, Some(true), Some(false)][below(s, 4)],
        label_column: [
            Column::Index(-1),
            Column::Index(-1),
            Column::Index(0),
            Column::Index(i64::MIN),
            Column::Name("class".into()),
        ][below(s, 5)]
        .clone(),
        positive_label: [
            None,
            None,
            Some(Label::Number(2.0)),
            Some(Label::Word("g".into())),
            Some(Label::Number(1.0)),
        ][below(s, 5)]
        .clone(),
        text_features: [TextFeatures::Refuse, TextFeatures::OneHot][below(s, 2)],
        standardise: below(s, 4) != 0,
        ..LogisticRegressionConfig::default()
    }
}

/// At zero every row is as likely in one class as in the other, whatever its features: a row lost or doubled shows.
fn attack(config: &LogisticRegressionConfig) -> bool {
    let target = match config.build(&DataFiles) {
        Ok(target) => target,
        Err(e) => {
            assert!(e.to_string().len() < 2000, "an error of {} bytes", e.to_string().len());
            return false;
        }
    };
    let options = TableOptions { header: config.header, ..TableOptions::default() };
    let rows = read_table(Path::new(&config.data), &options).unwrap().n_rows();
    let dim = target.dim();
    let (mut value, mut grad) = ([0.0], vec![0.0; dim]);
    let zeros = vec![0.0; dim];
    target.log_prob_and_grad(Batch::new(&zeros, dim), &mut value, BatchMut::new(&mut grad, dim)).unwrap();
    let expected = -(rows as f64) * LN_2 - dim as f64 * 0.5 * TAU.ln();
    assert!((value[0] - expected).abs() < 1e-9 * expected.abs(), "{} {expected}", value[0]);
    assert!(grad.iter().all(|g| g.is_finite()) || !config.standardise);
    assert_eq!(target.variables()[0].labels().len(), dim);
    true
}

#[test]
fn mutated_tables_end_in_an_error_or_the_right_posterior() {
    let corpus = corpus();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let mut accepted = 0;
    for seed in 0..5_000 {
        let mut s = Stream::new(seed, 1);
        let mut mutant = corpus[seed as usize % corpus.len()].clone();
        for _ in 0..=below(&mut s, 1 + seed as usize % 3) {
            let other = below(&mut s, corpus.len());
            match below(&mut s, 4) {
                0 => bytes(&mut s, &mut mutant),
                1 => lines(&mut s, &mut mutant, &corpus[other]),
                _ => cells(&mut s, &mut mutant),
            }
        }
        std::fs::write(&path, &mutant).unwrap();
        let config = settings(&mut s, &path);
        let result = catch_unwind(AssertUnwindSafe(|| attack(&config)));
        let Ok(good) = result else {
            panic!(
                "mutant {seed}, {config:?}:\n{}",
                String::from_utf8_lossy(&mutant).chars().take(2000).collect::<String>()
            )
        };
        accepted += usize::from(good);
    }
    assert!(accepted > 200, "{accepted} were accepted");
}
