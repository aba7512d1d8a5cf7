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

#[test]
fn a_description_is_guessed_or_shown() {
    let o = call(&["network", "inspect", &file("state_dict.pth")]);
    let text = stdout(&o);
    for words in [
        "guessed",
        "kind = \"convolution\"\nchannels = 4\nkernel = 3",
        "name = \"0\"",
        "# TODO: height and width",
    ] {
        assert!(text.contains(words), "`{words}` is missing in: {text}");
    }
    let o = call(&["network", "inspect", &file("onnx/dense.onnx")]);
    let text = stdout(&o);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    assert!(
        text.contains("ONNX: ") && text.contains("its description") && text.contains("function = \"swish\""),
        "{text}"
    );
}

const DESCRIPTION: &str = r#"
input = [1, 6, 6]
[[layers]]
kind = "convolution"
channels = 4
kernel = 3
name = "0"
[[layers]]
kind = "batch_norm"
affine = false
name = "1"
"#;

#[test]
fn whether_a_description_and_weights_fit() {
    let folder = folder();
    let spec = write(
        folder.path(),
        "network.toml",
        "input = [1, 6, 6]\n[[layers]]\nkind = \"convolution\"\nchannels = 4\nkernel = 3\nname = \"0\"\n",
    );
    let o = call(&["network", "check", &spec, &file("state_dict.pth")]);
    assert_eq!(code(&o), 0, "{}", stderr(&o));
    let text = stdout(&o);
    for words in [
        "they fit: 1 x 6 x 6 -> 4 x 4 x 4, 1 layers, 40 parameters, f32",
        "not asked for: 1.running_var",
        "16 rows (N(0, 1), seed 0), 1024 outputs of 1024 finite",
        "mean",
    ] {
        assert!(text.contains(words), "`{words}` is missing in: {text}");
    }
    // The same twice, and a key and a prefix before it.
    assert_eq!(stdout(&call(&["network", "check", &spec, &file("state_dict.pth")])), text);
    let o = call(&[
        "network",
        "check",
        &spec,
        &file("lightning.ckpt"),
        "--key",
        "state_dict",
        "--strip",
        "module.",
    ]);
    assert_eq!((code(&o), stdout(&o)), (0, text));

    let wrong = write(
        folder.path(),
        "wrong.toml",
        "input = [1, 6, 6]\n[[layers]]\nkind = \"convolution\"\nchannels = 5\nkernel = 3\nname = \"0\"\n",
    );
    let unfit = write(
        folder.path(),
        "unfit.json",
        r#"{"input": [1, 2, 2], "layers": [{"kind": "convolution", "channels": 1, "kernel": 5}]}"#,
    );
    let huge = write(
        folder.path(),
        "huge.toml",
        "input = [100000000]\n[[layers]]\nkind = \"dense\"\nunits = 100000000\n",
    );
    let whole = write(folder.path(), "whole.toml", DESCRIPTION);
    for (description, words) in [
        (wrong.as_str(), ["`0.weight`", "[4, 1, 3, 3]", "[5, 1, 3, 3]"]),
        (&unfit, ["unfit.json", "a kernel of 5", "layers[0]"]),
        (&huge, ["of memory", "are free", "layers"]),
        (&whole, ["`1.running_mean`", "there is", "0.weight"]),
        ("no_such_network", ["no_such_network", "check the path", "mixwell list networks"]),
    ] {
        let o = call(&["network", "check", description, &file("state_dict.pth")]);
        let text = stderr(&o);
        assert_eq!((code(&o), stdout(&o)), (2, String::new()), "{text}");
        assert!(words.iter().all(|w| text.contains(w)), "{text}");
    }
    let o = call(&["network", "check", &file("state_dict.pth")]);
    assert!(code(&o) == 2 && stderr(&o).contains("no description"), "{}", stderr(&o));
}

#[test]
fn points_of_a_file_are_evaluated() {
    let o = call(&["network", "check", &file("onnx/dense.onnx"), "--rows", "100", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&stdout(&o)).unwrap();
    assert_eq!((&json["rows"], &json["finite"], &json["outputs"]), (&100.into(), &true.into(), &2.into()));
    assert!(json["min"].as_f64() < json["mean"].as_f64() && json["mean"].as_f64() < json["max"].as_f64());
    let o = call(&["network", "check", &file("onnx/dense.onnx"), "--input", &file("matrix.npy")]);
    assert!(code(&o) == 0 && stdout(&o).contains("2 rows"), "{}", stderr(&o));
    let o = call(&["network", "check", &file("onnx/generator.onnx"), "--input", &file("matrix.npy")]);
    assert!(code(&o) == 2 && stderr(&o).contains("rows of 5 numbers"), "{}", stderr(&o));
}

#[test]
fn a_network_in_other_files_is_the_same() {
    let folder = folder();
    let path = |name: &str| text_of(&folder.path().join(name));
    let numbers = |file: &str| {
        let o = call(&["network", "check", file, "--json"]);
        let json: serde_json::Value =
            serde_json::from_str(&stdout(&o)).unwrap_or_else(|e| panic!("{e}: {}", stderr(&o)));
        ["min", "mean", "max"].map(|key| json[key].as_f64().unwrap())
    };
    let given = file("onnx/residual.onnx");
    for (from, to) in [(given.clone(), path("a.safetensors")), (path("a.safetensors"), path("b.onnx"))] {
        let o = call(&["network", "convert", &from, &to]);
        assert_eq!((code(&o), stdout(&o), stderr(&o)), (0, String::new(), String::new()));
        for (a, b) in numbers(&to).iter().zip(numbers(&given)) {
            assert!((a - b).abs() < 1e-5 * b.abs().max(1.0), "{to}: {a} and {b}");
        }
    }
    let spec = write(folder.path(), "network.toml", "input = [2]\n[[layers]]\nkind = \"dense\"\nunits = 3\n");
    for (args, words) in [
        (vec![file("arrays.npz"), path("c.onnx")], "no description"),
        (vec![given, path("c.pth")], ".safetensors or .onnx"),
        (vec![file("arrays.npz"), path("c.onnx"), "--description".into(), spec], "the network has 2 arrays"),
    ] {
        let args: Vec<&str> =
            ["network", "convert"].into_iter().chain(args.iter().map(String::as_str)).collect();
        let o = call(&args);
        assert!(code(&o) == 2 && stderr(&o).contains(words), "{}", stderr(&o));
    }
    assert!(!folder.path().join("c.onnx").exists());
}
