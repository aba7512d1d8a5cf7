//! One change of a run folder, as a bad disk, a careless hand or somebody else may make it.

use std::path::{Path, PathBuf};

use mixwell::Stream;

use super::Files;

/// Words and numbers that make descriptions claim something else.
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "7",
    "4096",
    "1099511627776",
    "9223372036854775807",
    "18446744073709551615",
    "1e308",
    "null",
];

/// Changes something below `root`; gives what was done and the names that have to be put back.
pub fn mutate(
    stream: &mut Stream,
    root: &Path,
    good: &Files,
    foreign: &Files,
    outside: &Path,
) -> (String, Vec<PathBuf>) {
    // The lock says nothing, and the log and the checkpoint are not what a finished run is read from.
    let names: Vec<&PathBuf> =
        good.keys().filter(|n| !n.ends_with(".lock") && !n.ends_with("log.txt")).collect();
    let name = names[stream.index(names.len())];
    let path = root.join(name);
    let bytes = &good[name];
    let shown = name.display();
    let put = |bytes: &[u8]| std::fs::write(&path, bytes).unwrap();
    let at = |stream: &mut Stream| stream.index(bytes.len().max(1));
    let one = vec![name.clone()];
    match stream.index(11) {
        0 => {
            put(&bytes[..at(stream)]);
            (format!("{shown} cut off"), one)
        }
        1 | 2 => {
            let mut bad = bytes.clone();
            for _ in 0..=stream.index(3) {
                let at = at(stream);
                bad[at] ^= 1 << stream.index(8);
            }
            put(&bad);
            (format!("bits of {shown} flipped"), one)
        }
        3 => {
            std::fs::remove_file(&path).unwrap();
            (format!("{shown} deleted"), one)
        }
        4 => {
            let with = names[stream.index(names.len())];
            put(&good[with]);
            (format!("{shown} replaced by {}", with.display()), one)
        }
        5 => {
            let theirs = foreign.get(name).unwrap_or(bytes);
            put(theirs);
            (format!("{shown} of another run"), one)
        }
        6 => {
            let to = path.with_file_name("c.0.7");
            std::fs::rename(&path, &to).unwrap();
            (format!("{shown} renamed"), vec![name.clone(), name.with_file_name("c.0.7")])
        }
        7 => {
            // A folder on the way to the file goes, whole.
            let folders: Vec<&Path> =
                name.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()).collect();
            match folders.get(stream.index(folders.len().max(1))) {
                Some(folder) => {
                    std::fs::remove_dir_all(root.join(folder)).unwrap();
                    (format!("{} deleted", folder.display()), vec![folder.to_path_buf()])
                }
                None => {
                    std::fs::remove_file(&path).unwrap();
                    (format!("{shown} deleted"), one)
                }
            }
        }
        8 => {
            link(stream, &path, outside);
            (format!("{shown} is a link"), one)
        }
        9 => {
            let mut long = bytes.clone();
            long.resize(bytes.len() + 1 + stream.index(100_000), stream.index(256) as u8);
            put(&long);
            (format!("{shown} with something after its end"), one)
        }
        _ => {
            // Another number in a description; of other files, another byte.
            let Ok(text) = std::str::from_utf8(bytes) else {
                let mut bad = bytes.clone();
                let at = at(stream);
                bad[at] = bad[at].wrapping_add(1 + stream.index(255) as u8);
                put(&bad);
                return (format!("a byte of {shown} changed"), one);
            };
            let digits: Vec<usize> = text
                .char_indices()
                .filter(|(i, c)| c.is_ascii_digit() && (*i == 0 || !text.as_bytes()[i - 1].is_ascii_digit()))
                .map(|(i, _)| i)
                .collect();
            if digits.is_empty() {
                put(b"{}");
                return (format!("{shown} emptied"), one);
            }
            let from = digits[stream.index(digits.len())];
            let to = from + text[from..].find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len() - from);
            let number = NUMBERS[stream.index(NUMBERS.len())];
            put(format!("{}{number}{}", &text[..from], &text[to..]).as_bytes());
            (format!("{} in {shown} became {number}", &text[from..to]), one)
        }
    }
}

/// A link in place of a file: to a file outside, to a device that never ends, to nothing.
#[cfg(unix)]
fn link(stream: &mut Stream, path: &Path, outside: &Path) {
    std::fs::remove_file(path).unwrap();
    let to = [outside, Path::new("/dev/zero"), Path::new("/nowhere/at/all"), path][stream.index(4)];
    std::os::unix::fs::symlink(to, path).unwrap();
}

#[cfg(not(unix))]
fn link(_: &mut Stream, path: &Path, _: &Path) {
    std::fs::remove_file(path).unwrap();
}
