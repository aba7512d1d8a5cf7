//! `mixwell reproduce`: exit status, files, going on, and what bad input says.

use super::common::*;

#[test]
fn three_modes_are_reproduced_in_seconds_and_not_made_twice() {
    let folder = folder();
    let out = text_of(folder.path());
    let o = call(&["reproduce", "e02a", "--out", &out]);
    assert_eq!(code(&o), 0, "{}{}", stdout(&o), stderr(&o));
    assert!(stdout(&o).contains("pass  local_acceptance of mala"), "{}", stdout(&o));
    assert!(stderr(&o).contains("[1/3] mala, repetition 1"), "{}", stderr(&o));
    let page = std::fs::read_to_string(folder.path().join("e02a/README.md")).unwrap();
    assert!(page.contains("**8 of 8 rules hold.**"), "{page}");
    let again = call(&["reproduce", "e02a", "--out", &out, "--quiet"]);
    assert_eq!((code(&again), stderr(&again).as_str()), (0, ""));
    assert_eq!(stdout(&again), stdout(&o));
    std::fs::remove_file(folder.path().join("e02a/cells/mala-0.json")).unwrap();
    let part = call(&["reproduce", "e02a", "--out", &out, "--finished-only"]);
    assert_eq!(code(&part), 1);
    assert!(stdout(&part).contains("in 2 of 3 cells"), "{}", stdout(&part));
}

const OWN: &str = "id = 'own'\ntitle = 'Own'\nsource = 'me'\nmethods = ['a']\nmetrics = ['m']\n\
    [run]\nchains = 4\ndraws = 100\ntarget = { kind = 'standard_gaussian', dim = 1 }\n\
    [method.a]\ntitle = 'A'\nexact = true\n[metric.m]\ntitle = 'M'\nmeasure = { kind = 'rhat' }\n\
    [[rule]]\nmetric = 'm'\nmethods = ['a']\ntest = { kind = 'at_most', value = BOUND }\n[preset.quick]\nseed = 1\n";

#[test]
fn a_rule_that_does_not_hold_ends_with_status_1() {
    let folder = folder();
    let run = |bound: &str| {
        let file = write(folder.path(), "own.toml", &OWN.replace("BOUND", bound));
        call(&["reproduce", &file, "--out", &text_of(folder.path()), "--quiet"])
    };
    assert_eq!(code(&run("1.5")), 0);
    let missed = run("0.5");
    assert_eq!(code(&missed), 1);
    assert!(stdout(&missed).contains("MISS  m of a") && stdout(&missed).contains("0 of 1 rules hold"));
}

#[test]
fn bad_input_ends_with_status_2() {
    let folder = folder();
    let out = text_of(&folder.path().join("out"));
    let refused = |args: &[&str], words: &[&str]| {
        let o = call(args);
        assert_eq!(code(&o), 2, "{}", stderr(&o));
        for word in words {
            assert!(stderr(&o).contains(word), "`{word}` is missing in {}", stderr(&o));
        }
    };
    refused(&["reproduce", "e2a", "--out", &out], &["no experiment is called `e2a`", "did you mean `e02a`?"]);
    refused(&["reproduce", "nowhere.toml", "--out", &out], &["nowhere.toml", "check the path"]);
    refused(&["reproduce", "e02a", "--preset", "middle"], &["middle", "quick"]);
    refused(&["reproduce", "e02a", "--threads", "0", "--out", &out], &["--threads"]);
    let file = write(folder.path(), "file", "");
    refused(&["reproduce", "e02a", "--out", &file], &["cannot create the folder"]);
    let own = write(folder.path(), "own.toml", &OWN.replace("BOUND", "1.5"));
    assert_eq!(code(&call(&["reproduce", &own, "--out", &out, "--quiet"])), 0);
    let own =
        write(folder.path(), "own.toml", &OWN.replace("BOUND", "1.5").replace("draws = 100", "draws = 99"));
    refused(&["reproduce", &own, "--out", &out], &["other settings", "--out"]);
}
