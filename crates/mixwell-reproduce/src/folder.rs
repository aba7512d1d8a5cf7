//! The output folder: one file per finished cell, flows that other cells start from, and the report.
//!
//! ```text
//! README.md  results.json      the report, written at the end
//! experiment.toml              the experiment with its preset, as it was run
//! cells/NAME.json              result of one cell; whole or absent
//! cells/NAME.run/              the folder of a cell that is a training
//! cells/NAME.safetensors       its flow, where another cell needs it
//! cells/NAME.sketch.json       a part of its draws, where a figure needs them
//! NAME.svg                     figures
//! ```

use std::fs::File;
use std::path::{Path, PathBuf};

use mixwell::flow::Flow;
use mixwell::io::atomic_write;

use crate::ReproduceError;
use crate::cell::{Cell, CellResult};
use crate::sketch::Sketch;

/// An output folder that only this process writes to.
pub(crate) struct Folder {
    path: PathBuf,
    // Held until the folder is dropped.
    _lock: File,
}

impl Folder {
    /// Makes the folder where it is not there yet, and locks it.
    pub fn open(path: &Path) -> Result<Self, ReproduceError> {
        let refuse =
            |operation| move |source| ReproduceError::Folder { operation, path: path.to_path_buf(), source };
        std::fs::create_dir_all(path.join("cells")).map_err(refuse("create the folder"))?;
        let lock = File::create(path.join(".lock")).map_err(refuse("write to the folder"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_path_buf(), _lock: lock }),
            Err(std::fs::TryLockError::WouldBlock) => Err(ReproduceError::Locked(path.to_path_buf())),
            // A file system without locks: two processes are unlikely, and cells are whole in any case.
            Err(std::fs::TryLockError::Error(_)) => Ok(Self { path: path.to_path_buf(), _lock: lock }),
        }
    }

    fn cell(&self, name: &str, ending: &str) -> PathBuf {
        self.path.join("cells").join(format!("{name}.{ending}"))
    }

    /// The folder of a cell that is a training.
    pub fn training(&self, name: &str) -> PathBuf {
        self.cell(name, "run")
    }

    /// The stored result of a cell; `None` when it is still to be made.
    ///
    /// # Errors
    /// When the file holds the result of other settings.
    pub fn load(&self, cell: &Cell, experiment: &str) -> Result<Option<CellResult>, ReproduceError> {
        let path = self.cell(&cell.file(), "json");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(ReproduceError::Folder { operation: "read", path, source }),
        };
        match serde_json::from_str::<CellResult>(&text) {
            Ok(result) if result.hash == cell.hash => {
                let complete = (!cell.gives_flow || self.cell(&cell.file(), "safetensors").exists())
                    && cell
                        .sketch
                        .as_ref()
                        .is_none_or(|c| self.sketch(&cell.file()).is_some_and(|s| s.has(c)));
                Ok(complete.then_some(result))
            }
            _ => Err(ReproduceError::OtherSettings { path, experiment: experiment.into() }),
        }
    }

    /// Stores a finished cell; flow and sketch first, so that a cell that is there is complete.
    pub fn store(
        &self,
        cell: &Cell,
        result: &CellResult,
        flow: Option<&Flow>,
        sketch: Option<&Sketch>,
    ) -> Result<(), ReproduceError> {
        if let Some(sketch) = sketch {
            let text = serde_json::to_string(sketch).expect("numbers");
            atomic_write(&self.cell(&cell.file(), "sketch.json"), text.as_bytes())?;
        }
        if let Some(flow) = flow {
            atomic_write(&self.cell(&cell.file(), "safetensors"), &flow.to_safetensors())?;
        }
        let text = serde_json::to_string_pretty(result).expect("numbers and names");
        Ok(atomic_write(&self.cell(&cell.file(), "json"), text.as_bytes())?)
    }

    /// The sketch of a cell; `None` when there is none that can be read.
    pub fn sketch(&self, name: &str) -> Option<Sketch> {
        let text = std::fs::read_to_string(self.cell(name, "sketch.json")).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// The flow that a finished cell has left.
    pub fn flow(&self, name: &str) -> Result<Flow, ReproduceError> {
        self.read_flow(self.cell(name, "safetensors"))
    }

    fn read_flow(&self, path: PathBuf) -> Result<Flow, ReproduceError> {
        let damaged =
            |source| ReproduceError::Folder { operation: "read the flow", path: path.clone(), source };
        let bytes = std::fs::read(&path).map_err(damaged)?;
        Flow::from_safetensors(&bytes).map_err(|e| damaged(std::io::Error::other(e.to_string())))
    }

    /// The flow that a training has left.
    pub fn flow_of_training(&self, name: &str) -> Result<Flow, ReproduceError> {
        self.read_flow(self.training(name).join("flow.safetensors"))
    }

    /// Writes one of the files at the top.
    pub fn write(&self, name: &str, text: &str) -> Result<(), ReproduceError> {
        Ok(atomic_write(&self.path.join(name), text.as_bytes())?)
    }
}
