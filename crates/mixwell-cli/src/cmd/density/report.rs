//! What was found: numbers for the file, lines for people, further files, and what is wrong.

use std::io::Write;

use mixwell::density::Target;
use mixwell::training_run::TrainedEnergy;
use serde_json::{Map, Value, json};

use crate::cli::DensityArgs;

/// All that is written and printed.
pub struct Report {
    pub results: Map<String, Value>,
    pub lines: Vec<String>,
    pub files: Vec<(String, Vec<u8>)>,
    /// What keeps the numbers from being believed.
    pub problems: Vec<String>,
}

impl Report {
    pub fn new(law: &TrainedEnergy, args: &DensityArgs) -> Self {
        let mut results = Map::new();
        results.insert("version".into(), json!(env!("CARGO_PKG_VERSION")));
        results.insert("law".into(), json!(args.law));
        results.insert("sha256".into(), json!(law.sha256()));
        results.insert("dim".into(), json!(Target::dim(law.model())));
        results.insert("seed".into(), json!(args.seed));
        Self { results, lines: vec![], files: vec![], problems: vec![] }
    }

    pub fn put(&mut self, name: &str, value: Value) {
        self.results.insert(name.into(), value);
    }

    pub fn line(&mut self, text: impl Into<String>) {
        self.lines.push(text.into());
    }

    pub fn file(&mut self, name: &str, text: impl Into<Vec<u8>>) {
        self.files.push((name.into(), text.into()));
    }

    /// Something that is wrong; it stands in the file, too.
    pub fn problem(&mut self, text: String) {
        self.problems.push(text);
        self.results.insert("problems".into(), json!(self.problems));
    }

    pub fn print(&self) -> std::io::Result<()> {
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        for line in &self.lines {
            writeln!(out, "{line}")?;
        }
        for problem in &self.problems {
            writeln!(out, "! {problem}")?;
        }
        out.flush()
    }
}

/// Rows of numbers under names, as CSV.
pub fn csv(names: &[String], rows: impl Iterator<Item = Vec<f64>>) -> String {
    let mut text = names.join(",") + "\n";
    for row in rows {
        let fields: Vec<String> = row.iter().map(f64::to_string).collect();
        text.push_str(&(fields.join(",") + "\n"));
    }
    text
}

/// Names of coordinates, `x0`, `x1`, ..
pub fn coordinates(dim: usize) -> impl Iterator<Item = String> {
    (0..dim).map(|j| format!("x{j}"))
}
