//! Folders of PNG pictures: either pictures, or one folder for each class. Names are taken in order; other files are passed over.

use std::path::{Path, PathBuf};

use super::png::{SIGNATURE, decode};
use super::{ImageError, ImageSet, ImageShape};
use crate::io::IoError;

/// What lies in a folder, in order of names, without what is hidden: pictures and folders.
fn entries(path: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), ImageError> {
    let failed = || IoError::file("read the folder", path);
    let (mut pictures, mut folders) = (vec![], vec![]);
    for entry in std::fs::read_dir(path).map_err(failed())? {
        let entry = entry.map_err(failed())?.path();
        let hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if hidden {
            continue;
        }
        if entry.is_dir() {
            folders.push(entry);
        } else if entry.extension().is_some_and(|e| e.eq_ignore_ascii_case("png")) {
            pictures.push(entry);
        }
    }
    pictures.sort();
    folders.sort();
    Ok((pictures, folders))
}

/// Pictures that were read so far.
struct Reader<'a> {
    folder: &'a Path,
    most: u64,
    shape: Option<ImageShape>,
    pixels: Vec<u8>,
}

impl Reader<'_> {
    fn read(&mut self, path: &Path) -> Result<(), ImageError> {
        let left = self.most - self.pixels.len() as u64;
        let length = path.metadata().map_err(IoError::file("read", path))?.len();
        // A picture that is stored without compression is little larger than its pixels; text may come with it.
        if length > left.saturating_mul(2).saturating_add(1 << 20) {
            return Err(ImageError::Limit {
                path: self.folder.into(),
                bytes: self.most - left + length,
                most: self.most,
            });
        }
        let bytes = std::fs::read(path).map_err(IoError::file("read", path))?;
        if !bytes.starts_with(SIGNATURE) {
            let reason = "it is named .png and is none; save it as PNG, or remove it".into();
            return Err(ImageError::Picture { path: path.into(), reason });
        }
        let (found, planes) = decode(path, &bytes, left)?;
        let expected = *self.shape.get_or_insert(found);
        if found != expected {
            return Err(ImageError::Shape { path: path.into(), expected, found });
        }
        self.pixels.extend(planes);
        Ok(())
    }
}

/// Reads a folder.
pub(super) fn images(path: &Path, most: u64) -> Result<ImageSet, ImageError> {
    let kind = |found: &str| ImageError::Kind { path: path.into(), found: found.into() };
    let (pictures, folders) = entries(path)?;
    let mut reader = Reader { folder: path, most, shape: None, pixels: vec![] };
    let (mut labels, mut names) = (None, vec![]);
    if !pictures.is_empty() {
        if !folders.is_empty() {
            return Err(kind(
                "it is a folder with both pictures and folders in it, so it is not clear what the classes are",
            ));
        }
        for picture in &pictures {
            reader.read(picture)?;
        }
    } else {
        let mut found = vec![];
        for (class, folder) in (0u32..).zip(&folders) {
            names.push(folder.file_name().unwrap_or_default().to_string_lossy().into_owned());
            for picture in &entries(folder)?.0 {
                reader.read(picture)?;
                found.push(class);
            }
        }
        labels = Some(found);
    }
    let shape = reader.shape.ok_or_else(|| kind("it is a folder without a PNG picture"))?;
    Ok(ImageSet::new(shape, reader.pixels, labels)?.with_class_names(names))
}
