//! `Workspaces`: working memory that passes through a model hand on to each other, so that a pass allocates nothing once
//! they have grown to size. There are as many as passes ever ran at the same time.

use std::sync::Mutex;

/// The workspaces not in use.
#[derive(Debug)]
pub(crate) struct Workspaces<W>(Mutex<Vec<W>>);

impl<W> Default for Workspaces<W> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

impl<W: Default> Workspaces<W> {
    /// One that is free, or a new one.
    pub fn take(&self) -> W {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).pop().unwrap_or_default()
    }

    /// Takes one back.
    pub fn give(&self, workspace: W) {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).push(workspace);
    }
}
