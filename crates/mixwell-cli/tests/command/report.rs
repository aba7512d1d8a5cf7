//! `mixwell report` and `mixwell run --report`.

use super::common::*;

#[test]
fn a_report_is_written_and_told() {
    let folder = folder();
    let config = write(folder.path(), "c.toml", QUICK);
    let run = folder.path().join("run");
    let path = text_of(&run);
    let o = call(&["run", &config, "--out", &path, "--report"]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let file = run.join("report.html");
    assert!(stderr(&o).contains(&format!("the report is {}", text_of(&file))), "{}", stderr(&o));
    let html = std::fs::read_to_string(&file).unwrap();
    assert!(html.contains("standard_gaussian") && html.contains("<svg"));
    let other = text_of(&folder.path().join("other.html"));
    let o = call(&["report", &path, "--out", &other]);
    assert_eq!((code(&o), stdout(&o).trim()), (0, &*other));
    assert_eq!(std::fs::read_to_string(&other).unwrap(), html);
    // A report is no part of the run: it may go, and the run is whole.
    assert_eq!(code(&call(&["summary", &path])), 0);
}

#[test]
fn what_has_no_report_ends_with_status_2() {
    let folder = folder();
    let (nothing, config) = (text_of(&folder.path().join("nothing")), write(folder.path(), "c.toml", QUICK));
    let run = folder.path().join("run");
    assert_eq!(code(&call(&["run", &config, "--out", &text_of(&run), "--quiet"])), 0);
    let summary = run.join("summary.json");
    let good = std::fs::read_to_string(&summary).unwrap();
    for (dir, change, words) in [
        (&nothing, None, "nothing"),
        (&text_of(&run), Some(good.replacen("true", "1", 1)), "summary.json"),
        (&text_of(&run), Some(String::new()), "summary.json"),
        (&text_of(&run), None, "not finished"),
    ] {
        match change {
            Some(text) => std::fs::write(&summary, text).unwrap(),
            None => drop(std::fs::remove_file(&summary)),
        }
        let o = call(&["report", dir]);
        assert_eq!(code(&o), 2, "{words}: {}", stderr(&o));
        assert!(stderr(&o).contains(words), "{words}: {}", stderr(&o));
        assert!(o.stdout.is_empty() && !run.join("report.html").exists());
    }
}
