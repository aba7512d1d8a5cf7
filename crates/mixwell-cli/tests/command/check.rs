//! `mixwell check`: what it says of sound targets, of starts that are none, and of configs that cannot be used.

use super::common::*;

fn check(config: &str, more: &[&str]) -> std::process::Output {
    let folder = folder();
    let path = write(folder.path(), "c.toml", config);
    call(&[&["check", path.as_str()], more].concat())
}

#[test]
fn a_sound_target_passes() {
    let found = check("[target]\nkind = 'eight_schools'\n[derived]\npooled = 'mean(theta) - mu'\n", &[]);
    let text = stdout(&found);
    assert_eq!(code(&found), 0, "{text}{}", stderr(&found));
    for words in ["10 coordinates, 10 points", "the gradient is right", "nothing speaks against"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn what_is_broken_is_told_and_ends_with_status_2() {
    // The board's dark squares are its support; (-3.5, -1.5) lies on a light one.
    let outside =
        "[target]\nkind = 'checkerboard'\n[start]\nkind = 'points'\npoints = [[-3.5, -3.5], [-3.5, -1.5]]\n";
    let found = check(outside, &["--points", "4"]);
    assert_eq!(code(&found), 2, "{}", stdout(&found));
    assert!(
        stdout(&found).contains("NOT FINITE") && stderr(&found).contains("does not keep"),
        "{}",
        stdout(&found)
    );
    // Of two modes of different weight.
    let found = check("symmetries = [{ kind = 'sign_flip' }]\n[target]\nkind = 'two_modes'\n", &[]);
    assert_eq!(code(&found), 2);
    assert!(stdout(&found).contains("SYMMETRY: sign flip is no symmetry"), "{}", stdout(&found));
    let found = check("[target]\nkind = 'phi4'\nsites = 4\n", &[]);
    assert!(stdout(&found).contains("symmetries: of 2, none is contradicted"), "{}", stdout(&found));
    // A derived quantity that has no value everywhere.
    let found =
        check("[target]\nkind = 'standard_gaussian'\n[derived]\nlog_x = 'ln(x[0])'\n", &["--points", "40"]);
    assert_eq!(code(&found), 2);
    assert!(stdout(&found).contains("REPORTED: `log_x` is NaN"), "{}", stdout(&found));
}

#[test]
fn configs_that_cannot_be_used_are_refused() {
    for (config, words) in [
        ("chains = 0\n[target]\nkind = 'two_modes'\n", "line 1"),
        ("chains = 4\n", "[target]"),
        ("[target]\nkind = 'two_modes'\n[derived]\na = 'x[0] +'\n", "line 4"),
        ("[target]\nkind = 'two_modes'\n[start]\nkind = 'points'\npoints = [[1.0]]\n", "2 coordinates"),
    ] {
        let found = check(config, &[]);
        assert_eq!(code(&found), 2, "{config}");
        assert!(stderr(&found).contains(words), "{words}: {}", stderr(&found));
    }
    let found = check("[target]\nkind = 'two_modes'\n", &["--points", "0"]);
    assert_eq!(code(&found), 2);
}
