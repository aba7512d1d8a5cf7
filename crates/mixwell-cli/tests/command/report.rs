//! `mixwell report` of runs, trainings and GANs, and `mixwell run --report`.

#[path = "../../../mixwell-report/tests/markup/mod.rs"]
mod markup;

use super::common::*;
use super::{gan_latents, trained_energies};

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
    markup::check(&html);
    assert!(html.contains("standard_gaussian"));
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

/// The report of a folder, once it is sound.
fn sound(run: &str) -> String {
    let o = call(&["report", run]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let html = std::fs::read_to_string(stdout(&o).trim()).unwrap();
    markup::check(&html);
    html
}

#[test]
fn a_training_of_an_energy_is_shown_as_a_landscape_and_curves() {
    let folder = folder();
    let run = trained_energies::trained(folder.path(), &trained_energies::barely());
    let html = sound(&run);
    for words in [
        "The training of an energy: 5 updates",
        "The law that was learned",
        "The law that it should be",
        "<h3>Loss</h3>",
        "What came out",
    ] {
        assert!(html.contains(words), "{words}");
    }
    // What was changed afterwards does not pass.
    std::fs::write(std::path::Path::new(&run).join("curve.csv"), "step\n").unwrap();
    assert_eq!(code(&call(&["report", &run])), 2);
}

#[test]
fn a_run_of_a_gan_shows_its_images() {
    let folder = folder();
    let target = gan_latents::target(folder.path());
    let path = write(
        folder.path(),
        "c.toml",
        &gan_latents::config(&target, "kind = 'ddls'\nchain_length = 20\nkeep = 'all'", 8),
    );
    let out = text_of(&folder.path().join("run"));
    assert!(matches!(code(&call(&["run", &path, "--out", &out, "--quiet"])), 0 | 3));
    let html = sound(&out);
    assert_eq!(html.matches("<img ").count(), 2, "before and after, and single chains");
    // Without the networks there are no pictures, which is said, and the rest is there.
    std::fs::remove_file(folder.path().join("generator.safetensors")).unwrap();
    let html = sound(&out);
    assert!(
        !html.contains("<img ") && html.contains("There are no pictures: ") && html.contains("Estimates")
    );
}
