//! The pictures that a training left, as they are.

use mixwell::io::RunFolder;

use crate::html::picture;
use crate::page::{figure, side_by_side};

/// Bytes of all pictures together, at most.
const MOST_BYTES: usize = 1_200_000;
/// Pictures by the names of their files: the heading, and what to look for.
const KNOWN: [(&str, &str, &str); 7] = [
    ("data.png", "Data", "What the model should have learned to make."),
    ("test.png", "Test images", "Images that training has not seen, to compare with."),
    (
        "samples.png",
        "Samples of the generator",
        "Look for images that repeat, and for kinds of the data that are missing.",
    ),
    (
        "flow.png",
        "Draws of the flow",
        "Look for strokes and shapes of the data: what the energy corrects starts here.",
    ),
    (
        "bank.png",
        "Where the chains stood",
        "Look for images as varied as the data: copies of a few say that the model has holes elsewhere.",
    ),
    (
        "ends.png",
        "Ends of the chains",
        "Look for images that are still such after so many steps, and for kinds that have died out.",
    ),
    (
        "one_chain.png",
        "One chain along its way",
        "Look for a chain that changes from one image to another and does not fade.",
    ),
];

/// A figure for each picture.
pub(super) fn figures(folder: &RunFolder) -> String {
    let (mut figures, mut bytes) = (vec![], 0);
    for (file, heading, sentence) in KNOWN {
        let path = folder.path().join(file);
        let Ok(seen) = path.symlink_metadata() else { continue };
        let room = MOST_BYTES - bytes;
        if !seen.is_file() || seen.len() > room as u64 {
            continue;
        }
        // It was compared with what the training left when the summary was read.
        let Ok(png) = mixwell::io::read_bytes(&path, room as u64) else { continue };
        bytes += png.len();
        figures.push(figure(heading, sentence, &[picture(heading, &png)]));
    }
    side_by_side(&figures)
}
