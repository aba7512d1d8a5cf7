//! What is in a file of a network.

use std::path::Path;

use super::common::*;

/// A small file of the library's tests.
fn file(name: &str) -> String {
    text_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../mixwell/tests/data/networks").join(name))
}

#[test]
fn arrays_are_listed_with_what_was_not_read() {
    let o = call(&["network", "inspect", &file("lightning.ckpt")]);
    let text = stdout(&o);
    assert_eq!((code(&o), stderr(&o)), (0, String::new()), "{text}");
    for line in [
        "state_dict.module.0.weight",
        "4 x 1 x 3 x 3",
        "one number",
        "PyTorch (zip): 5 arrays, 48 parameters",
        "not read: epoch, a number",
        "not read: hyper_parameters, argparse.Namespace (a Python object",
    ] {
        assert!(text.contains(line), "`{line}` is missing in: {text}");
    }
}

#[test]
fn the_same_as_json() {
    let o = call(&["network", "inspect", &file("arrays.safetensors"), "--json"]);
    let json: serde_json::Value = serde_json::from_str(&stdout(&o)).unwrap();
    assert_eq!((&json["kind"], &json["parameters"]), (&"safetensors".into(), &20.into()));
    assert_eq!(json["arrays"][0]["name"], "conv.weight");
    assert_eq!(json["arrays"][0]["shape"], serde_json::json!([2, 1, 3, 3]));
    assert_eq!((&json["arrays"][1]["type"], &json["metadata"]["kind"]), (&"f64".into(), &"critic".into()));
}

#[test]
fn what_cannot_be_used_ends_with_status_2() {
    let folder = folder();
    let odd = write(folder.path(), "weights.pth", "not weights");
    for (path, words) in [
        (file("command.pth"), ["`state_dict`", "posix.system"]),
        (odd, ["weights.pth", "nothing at its beginning is known"]),
        ("/nowhere/a.pth".into(), ["/nowhere/a.pth", "check the path"]),
    ] {
        let o = call(&["network", "inspect", &path]);
        let text = stderr(&o);
        assert_eq!((code(&o), stdout(&o)), (2, String::new()), "{text}");
        assert!(text.starts_with("error: ") && words.iter().all(|w| text.contains(w)), "{text}");
    }
}
