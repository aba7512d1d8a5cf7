//! Discriminators are calibrated.

use std::path::Path;

use mixwell::Stream;
use mixwell::gan::calibrate::{CalibrationFile, Calibrator};
use mixwell::gan::{GanFile, GanSettings};
use mixwell::net::{Dense, Network, NetworkSpec};

use super::common::*;

/// `G(z) = z` and `d(x) = 3 (x - 1/2) + 2`: three times the log-ratio of N(1, 1) and N(0, 1), and a shift.
fn gan(folder: &Path) -> String {
    let linear = |a, b| -> Network<f32> {
        Network::with_params(&NetworkSpec::new(&[1]).with(Dense::new(1)), &[a, b]).unwrap()
    };
    std::fs::create_dir_all(folder).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    write(GanFile::GENERATOR, &linear(1.0, 0.0).to_safetensors());
    write(GanFile::DISCRIMINATOR, &linear(3.0, 0.5).to_safetensors());
    write(GanFile::NAME, GanFile::new(&GanSettings::default(), 1, None).to_json().as_bytes());
    text_of(folder)
}

/// Draws of N(1, 1) as a table.
fn real(folder: &Path, n: usize) -> String {
    let mut stream = Stream::new(3, 0);
    let rows: String = (0..n).map(|_| format!("{}\n", 1.0 + stream.normal())).collect();
    write(folder, "real.csv", &format!("x\n{rows}"))
}

#[test]
fn a_scaled_and_shifted_log_ratio_is_found_again() {
    let folder = folder();
    let (gan, real) = (gan(&folder.path().join("gan")), real(folder.path(), 6000));
    let out = text_of(&folder.path().join("c.json"));
    let o = call(&["calibrate", &gan, "--real", &real, "--out", &out]);
    assert_eq!((code(&o), stderr(&o)), (0, String::new()));
    for words in ["3000 real and 3000 generated", "raw ", "isotonic", "logistic*", "Brier", "c.svg"] {
        assert!(stdout(&o).contains(words), "`{words}` is missing in: {}", stdout(&o));
    }
    assert!(!stdout(&o).contains("warning"), "{}", stdout(&o));
    let file = CalibrationFile::read(out.as_ref()).unwrap();
    let Calibrator::Logistic(c) = file.calibrator else { panic!("{:?}", file.calibrator) };
    // The errors of 6000 points: a has about .033 / 3 (information .153 a point, on a score three times as large), b the like.
    assert!((c.a - 1.0 / 3.0).abs() < 0.06 && (c.b + 2.0 / 3.0).abs() < 0.2, "{c:?}");
    assert!(file.before.z.unwrap() < -10.0 && file.after.z.unwrap().abs() < 7.0, "{file:?}");
    assert!(file.after.log_loss.value < file.before.log_loss.value - 0.1);
    assert_eq!(file.real_scores.len(), 3000);
    let svg = std::fs::read_to_string(folder.path().join("c.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("before") && svg.contains("calibrated"));
    // The same again whatever the threads; another seed, other points.
    let again = |name: &str, more: &[&str]| {
        let out = text_of(&folder.path().join(name));
        let o = call(&[&["calibrate", &gan, "--real", &real, "--out", &out], more].concat());
        assert_eq!(code(&o), 0, "{}", stderr(&o));
        std::fs::read(out).unwrap()
    };
    let first = std::fs::read(&out).unwrap();
    assert_eq!(again("d.json", &["--threads", "1"]), first);
    assert_ne!(again("e.json", &["--seed", "2"]), first);
    let o = call(&[
        "calibrate",
        &gan,
        "--real",
        &real,
        "--method",
        "isotonic",
        "--count",
        "400",
        "--json",
        "--out",
        &text_of(&folder.path().join("f.json")),
    ]);
    let value: serde_json::Value = serde_json::from_str(&stdout(&o)).unwrap();
    assert_eq!((&value["method"], &value["methods"]["beta"]["n_real"]), (&"isotonic".into(), &200.into()));
}

#[test]
fn what_cannot_be_calibrated_ends_with_status_2() {
    let folder = folder();
    let (good, real) = (gan(&folder.path().join("gan")), real(folder.path(), 100));
    let few = write(folder.path(), "few.csv", "x\n1.0\n2.0\n");
    let wide = write(folder.path(), "wide.csv", "x,y\n1.0,2.0\n");
    let there = write(folder.path(), "there.json", "{}");
    let none = text_of(&folder.path().join("none"));
    let out = text_of(&folder.path().join("c.json"));
    for (gan, real, more, words) in [
        (&none, &real, vec![], "none"),
        (&good, &none, vec![], "none"),
        (&good, &few, vec![], "scores_real"),
        (&good, &wide, vec![], "coordinates"),
        (&good, &real, vec!["--count", "10"], "scores_real"),
        (&good, &real, vec!["--method", "fancy"], "fancy"),
        (&good, &real, vec!["--out", there.as_str()], "exists already"),
        (&good, &real, vec!["--threads", "0"], "threads"),
    ] {
        let to = if more.contains(&"--out") { vec![] } else { vec!["--out", out.as_str()] };
        let o = call(&[&["calibrate", gan, "--real", real], more.as_slice(), &to].concat());
        let text = stderr(&o);
        assert_eq!((code(&o), stdout(&o)), (2, String::new()), "{more:?} {text}");
        assert!(text.starts_with("error: ") && text.contains(words), "{more:?}: {text}");
    }
    assert!(!Path::new(&out).exists());
}
