//! Progress of a training, while it runs. The library prints nothing; a caller that wants to show progress passes an observer.

use std::time::Duration;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum TrainingEvent {
    /// The training is about to start, or to go on; how much it will need.
    Planned {
        /// Resident memory of data, model and working memory, in bytes.
        memory: u64,
        /// Time, at the speed of a few evaluations that were made now, if that can be told.
        time: Option<Duration>,
    },
    /// An update was made. Sent often: an observer that draws should limit its own rate.
    Progress {
        /// Updates made and planned.
        updates: (u64, u64),
        /// Updates made in this session.
        in_session: u64,
        /// Losses and the like, in a few words.
        words: String,
        /// Time since the start, earlier sessions included, and of this session.
        elapsed: (Duration, Duration),
    },
    /// A checkpoint was written.
    Checkpoint,
    /// Something the user should know.
    Warning(String),
}

/// Follows a training.
pub trait TrainingObserver: Send {
    /// Called on the thread that trains; should return quickly.
    fn event(&mut self, event: &TrainingEvent);
}

/// Sees nothing, says nothing.
pub(super) struct Unobserved;

impl TrainingObserver for Unobserved {
    fn event(&mut self, _: &TrainingEvent) {}
}
