//! One page over all experiments in a folder: how many rules hold, what does not, and every published value beside the measured one.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;

use super::number;
use crate::{ReproduceError, catalogue};

/// The page over all experiments that have finished in subfolders of `root`, in the order of the catalogue; what it cannot
/// read as a report is left out. Experiments of the user's own come last, by name.
///
/// # Errors
/// When the folder cannot be read.
pub fn index(root: &Path) -> Result<String, ReproduceError> {
    let refuse = |source| ReproduceError::Folder { operation: "read", path: root.to_path_buf(), source };
    let entries: Vec<_> = std::fs::read_dir(root).and_then(Iterator::collect).map_err(refuse)?;
    let mut names: Vec<String> =
        entries.iter().filter_map(|e: &std::fs::DirEntry| e.file_name().into_string().ok()).collect();
    let place = |name: &String| catalogue::ids().iter().position(|id| id == name).unwrap_or(usize::MAX);
    names.sort_by_key(|name| (place(name), name.clone()));
    let reports: Vec<(String, Value)> = names
        .into_iter()
        .filter_map(|name| {
            let text = std::fs::read_to_string(root.join(&name).join("results.json")).ok()?;
            Some((name, serde_json::from_str::<Value>(&text).ok()?))
        })
        .collect();
    let mut page = String::from("# Published beside measured\n\n");
    page.push_str("| experiment | command | rules that hold | what does not |\n|---|---|---|---|\n");
    for (name, report) in &reports {
        let (mut held, mut all, mut missed) = (0, 0, Vec::new());
        for row in rows(report) {
            for rule in row["rules"].as_array().into_iter().flatten() {
                all += 1;
                if rule["passed"] == true {
                    held += 1;
                } else {
                    missed.push(format!("{}: {}, {}", place_of(row), measured(row), word(&rule["rule"])));
                }
            }
        }
        let (id, preset) = (word(&report["id"]), word(&report["preset"]));
        let count = |key: &str| report[key].as_u64().unwrap_or(0);
        let part = super::part(count("finished"), count("cells"));
        let part = part.map_or_else(String::new, |part| format!(" in {part}"));
        let _ = writeln!(
            page,
            "| [{id}: {}]({name}/README.md) | `mixwell reproduce {id} --preset {preset}` | {held} of {all}{part} | {} |",
            word(&report["title"]),
            missed.join("; ")
        );
    }
    page.push_str(
        "\n| experiment | metric | method | at | published | measured (sd) |\n|---|---|---|---|---|---|\n",
    );
    for (name, report) in &reports {
        for row in rows(report).filter(|r| r["published"].is_number()) {
            let _ = writeln!(
                page,
                "| {name} | {} | {} | {} | {} | {} |",
                word(&row["metric"]),
                word(&row["method"]),
                word(&row["point"]),
                number(row["published"].as_f64().unwrap_or(f64::NAN)),
                measured(row)
            );
        }
    }
    Ok(page)
}

fn rows(report: &Value) -> impl Iterator<Item = &Value> {
    report["results"].as_array().into_iter().flatten()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn place_of(row: &Value) -> String {
    let (metric, method, point) = (word(&row["metric"]), word(&row["method"]), word(&row["point"]));
    if point.is_empty() {
        format!("{metric} of {method}")
    } else {
        format!("{metric} of {method} at {point}")
    }
}

/// Mean and standard deviation; of a single value its error, where known.
fn measured(row: &Value) -> String {
    let of = |key: &str| row["measured"][key].as_f64();
    let spread = of("sd").or(of("error")).map_or_else(String::new, |s| format!(" ({})", number(s)));
    format!("{}{spread}", number(of("mean").unwrap_or(f64::NAN)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn experiments_are_listed_with_what_missed_and_the_rest_is_passed_over() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::create_dir_all(root.path().join(name)).unwrap();
            std::fs::write(root.path().join(name).join("results.json"), text).unwrap();
        };
        let report = |id: &str| {
            format!(
                r#"{{"id": "{id}", "preset": "full", "title": "T", "results": [
                {{"metric": "tv", "method": "nuts", "point": "20", "published": 0.05,
                  "measured": {{"mean": 0.04, "sd": 0.01, "error": null}},
                  "rules": [{{"rule": "at most 0.05", "passed": true}}, {{"rule": "at least 1", "passed": false}}]}},
                {{"metric": "ess", "method": "nuts", "point": "", "measured": {{"mean": 3, "sd": null}}, "rules": []}}]}}"#
            )
        };
        write("own", &report("own").replacen('{', r#"{"finished": 3, "cells": 4,"#, 1));
        write("e19", &report("e19"));
        write("e01", &report("e01"));
        write("broken", "{");
        std::fs::write(root.path().join("file"), "").unwrap();
        let page = index(root.path()).unwrap();
        let places = ["[e01: T](e01/README.md)", "[e19: T]", "[own: T]"].map(|t| page.find(t).unwrap());
        assert!(places.is_sorted(), "{page}");
        assert!(page.contains("| 1 of 2 | tv of nuts at 20: 0.04 (0.01), at least 1 |"), "{page}");
        assert!(page.contains("| 1 of 2 in 3 of 4 cells | tv of nuts"), "{page}");
        assert!(page.contains("| e01 | tv | nuts | 20 | 0.05 | 0.04 (0.01) |"), "{page}");
        assert!(!page.contains("broken"), "{page}");
        assert!(index(&root.path().join("nowhere")).is_err());
    }
}
