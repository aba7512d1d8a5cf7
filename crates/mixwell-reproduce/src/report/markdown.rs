//! The report as a Markdown page.

use std::fmt::Write;

use super::{Report, ResultRow};
use crate::CellCost;

/// A number with four significant digits, or with an exponent when it is very large or very small.
pub fn number(x: f64) -> String {
    if x == 0.0 || x.is_nan() {
        return if x.is_nan() { "-".into() } else { "0".into() };
    }
    if !(1e-3..1e6).contains(&x.abs()) {
        return format!("{x:.2e}");
    }
    let decimals = (3 - x.abs().log10().floor() as i32).max(0) as usize;
    let text = format!("{x:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

impl Report {
    /// The report as a Markdown page: what it is, one table per metric, the cost.
    pub fn to_markdown(&self) -> String {
        let mut page = String::new();
        let (passed, total) = self.score();
        let _ = writeln!(page, "# {}: {}\n", self.id, self.title);
        let _ = writeln!(page, "Source: {}\n", self.source);
        if !self.about.is_empty() {
            let _ = writeln!(page, "{}\n", self.about.trim());
        }
        let repetitions = if self.repetitions == 1 { "repetition" } else { "repetitions" };
        let _ = writeln!(
            page,
            "`mixwell reproduce {} --preset {}`, {} {repetitions}, Mixwell {}. **{passed} of {total} rules hold.**\n",
            self.id, self.preset, self.repetitions, self.version
        );
        if let Some(part) = self.part() {
            let _ = writeln!(
                page,
                "{part} (a method at a point in one repetition) were run: rows that are absent were not, and some have fewer repetitions.\n"
            );
        }
        for (name, title) in &self.figures {
            let _ = writeln!(page, "![{title}]({name}.svg)\n");
        }
        for (metric, title) in &self.metrics {
            self.table(&mut page, metric, title);
        }
        self.cost_table(&mut page);
        page
    }

    fn table(&self, page: &mut String, metric: &str, title: &str) {
        let rows: Vec<&ResultRow> = self.results.iter().filter(|r| r.metric == metric).collect();
        if rows.is_empty() {
            return;
        }
        let _ = writeln!(page, "## {title}\n");
        let _ = writeln!(page, "| {}method | published | measured (sd) | rule | |", self.point_head());
        let _ = writeln!(page, "|{}---|---|---|---|---|", if self.axes.is_empty() { "" } else { "---|" });
        for row in rows {
            let m = &row.measured;
            let spread = if m.sd.is_finite() { m.sd } else { m.error };
            let spread = if spread.is_finite() { format!(" ({})", number(spread)) } else { String::new() };
            let published = row.published.map(number).unwrap_or_default();
            let rules: Vec<&str> = row.rules.iter().map(|j| j.rule.as_str()).collect();
            let outcome: Vec<&str> =
                row.rules.iter().map(|j| if j.passed { "pass" } else { "**MISS**" }).collect();
            let _ = writeln!(
                page,
                "| {}{} | {published} | {}{spread} | {} | {} |",
                self.point_cell(&row.point),
                self.methods[&row.method],
                number(m.mean),
                rules.join("; "),
                outcome.join("; ")
            );
        }
        page.push('\n');
    }

    fn cost_table(&self, page: &mut String) {
        let _ = writeln!(page, "## Cost of one repetition, warm-up and training included\n");
        let _ = writeln!(page, "| {}method | gradients | densities | seconds |", self.point_head());
        let _ = writeln!(page, "|{}---|---|---|---|", if self.axes.is_empty() { "" } else { "---|" });
        for row in &self.costs {
            let _ = writeln!(
                page,
                "| {}{} | {} | {} | {:.1} |",
                self.point_cell(&row.point),
                self.methods[&row.method],
                counted(row.cost.gradients, row.cost),
                counted(row.cost.densities, row.cost),
                row.cost.seconds
            );
        }
    }

    fn point_head(&self) -> String {
        if self.axes.is_empty() { String::new() } else { format!("{} | ", self.axes.join(", ")) }
    }

    fn point_cell(&self, label: &str) -> String {
        if self.axes.is_empty() { String::new() } else { format!("{label} | ") }
    }
}

/// Evaluations, where they were counted: a training does not count them.
fn counted(evaluations: u64, of: CellCost) -> String {
    if of.gradients + of.densities == 0 { "-".into() } else { evaluations.to_string() }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_keep_four_digits() {
        for (x, text) in [
            (0.0, "0"),
            (0.03, "0.03"),
            (0.942_37, "0.9424"),
            (1580.96, "1581"),
            (311.477, "311.5"),
            (-2.5, "-2.5"),
            (100.0, "100"),
            (12_345.6, "12346"),
            (1.5e-4, "1.50e-4"),
            (2.5e7, "2.50e7"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(number(x), text);
        }
    }
}
