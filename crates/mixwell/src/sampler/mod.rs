//! The run: phases, adaptation, stopping, progress, checkpoints, and what is written where.
//!
//! [`Sampler`] is the way in. A [`Method`] expands into kernels and a [`Schedule`]; one loop runs every schedule through the
//! phases warm-up, frozen and production; an [`Observer`] receives its progress.

mod choose;
mod chunk;
mod config;
mod consistency;
mod cost;
mod draw_array;
mod draw_attributes;
mod engine;
mod error;
mod estimate;
mod finished;
mod method;
mod monitor;
mod observer;
mod plan;
mod recent;
mod record;
mod reported;
mod run;
mod schedule;
mod session;
mod sink;
mod start;
mod state;
mod stopping;
mod summarise;
mod summary;
mod totals;
mod undo;

pub use config::{Output, RunConfig, Stop};
pub use draw_array::DrawArray;
pub use draw_attributes::draw_attributes;
pub use error::RunError;
pub use estimate::ProposalReport;
pub use finished::read_summary;
pub use method::{
    Auto, Ddls, DiscriminatorRejection, Ex2, Flex2, FlowMc, Keep, KernelMethod, Method, MethodEntry, MhGan,
    NeutraMethod, RepGan, ScheduleMethod, ScoreClimbing, catalogue, ex2, flex2, flowmc, neutra,
    score_climbing,
};
pub use observer::{Event, Observer, Phase, Progress, Silent};
pub use run::{Ending, Kept, Run, Sampler};
pub use schedule::{Action, Cursor, Move, Schedule, Stage};
pub use sink::MemoryDraws;
pub use start::Start;
pub use state::Spent;
pub use summary::{KernelAcceptance, Parameter, Summary, TrainingReport};
