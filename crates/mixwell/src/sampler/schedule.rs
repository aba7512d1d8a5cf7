//! What a run does, as data: stages of a warm-up, then a production cycle.
//!
//! Ex2MCMC, FlEx2MCMC, flowMC and NeuTra differ only in their [`Schedule`]; one loop (`engine/`) runs them all.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ConfigError;
use crate::footprint::MOST_COUNT;
use crate::range::at_most;
use crate::train::TrainAction;

/// The order of moves and training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Stages of the warm-up, run once each in order. Kernels adapt and the flow trains.
    pub warmup: Vec<Stage>,
    /// Draws made after everything is frozen and before the first production draw. They are kept with the warm-up.
    #[serde(default)]
    pub frozen: usize,
    /// The cycle of moves repeated until enough production draws exist.
    pub production: Vec<Move>,
}

/// Some actions, repeated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// How many times the actions are run through.
    pub repeat: usize,
    /// What is done each time, in order.
    pub actions: Vec<Action>,
}

/// One thing a warm-up does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Moves the chains.
    Move(Move),
    /// Trains the flow.
    Train(TrainAction),
}

/// Steps of one kernel; every step is one draw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// The kernel, by its name in the method.
    pub kernel: String,
    /// How many steps.
    #[serde(default = "one")]
    pub times: usize,
}

fn one() -> usize {
    1
}

impl Move {
    /// `times` steps of `kernel`.
    pub fn new(kernel: &str, times: usize) -> Self {
        Self { kernel: kernel.into(), times }
    }
}

impl Schedule {
    /// Draws of the adapting warm-up.
    pub fn adapting_draws(&self) -> usize {
        let per_stage = |s: &Stage| s.repeat.saturating_mul(total(s.actions.iter().map(Action::draws)));
        total(self.warmup.iter().map(per_stage))
    }

    /// Steps that `kernel` takes in the adapting warm-up.
    pub fn adapting_steps(&self, kernel: &str) -> usize {
        let of_action = |a: &Action| match a {
            Action::Move(m) if m.kernel == kernel => m.times,
            _ => 0,
        };
        total(self.warmup.iter().map(|s| s.repeat.saturating_mul(total(s.actions.iter().map(of_action)))))
    }

    /// Every training action, in order.
    pub fn training(&self) -> impl Iterator<Item = &TrainAction> {
        self.warmup.iter().filter(|s| s.repeat > 0).flat_map(|s| &s.actions).filter_map(|a| match a {
            Action::Train(t) => Some(t),
            Action::Move(_) => None,
        })
    }

    /// Training calls that take optimiser steps, for schedules that depend on progress.
    pub fn planned_training_calls(&self) -> usize {
        let of_stage = |s: &Stage| {
            let calls = s.actions.iter().filter(|a| matches!(a, Action::Train(t) if t.optimises())).count();
            s.repeat.saturating_mul(calls)
        };
        total(self.warmup.iter().map(of_stage))
    }

    /// Checks that every move names one of `kernels` and that production moves the chains at all.
    pub fn check(&self, kernels: &[&str]) -> Result<(), ConfigError> {
        let moves = self
            .warmup
            .iter()
            .flat_map(|s| &s.actions)
            .filter_map(|a| match a {
                Action::Move(m) => Some(m),
                Action::Train(_) => None,
            })
            .chain(&self.production);
        for m in moves {
            if !kernels.contains(&m.kernel.as_str()) {
                let known = kernels.join(", ");
                return Err(ConfigError::new(
                    "kernel",
                    &m.kernel,
                    format!("the kernels of this method are: {known}"),
                ));
            }
        }
        for action in self.training() {
            action.check()?;
        }
        at_most("frozen", self.frozen, MOST_COUNT)?;
        if self.adapting_draws() > MOST_COUNT {
            let reason = format!("at most {MOST_COUNT} are possible");
            return Err(ConfigError::new("warmup", format!("{} steps", self.adapting_draws()), reason));
        }
        if self.production.iter().all(|m| m.times == 0) {
            return Err(ConfigError::new("production", "empty", "at least one move is needed to make draws"));
        }
        Ok(())
    }
}

/// A sum that stops at the largest number.
fn total(counts: impl Iterator<Item = usize>) -> usize {
    counts.fold(0, usize::saturating_add)
}

impl Action {
    /// `times` steps of `kernel`.
    pub fn moves(kernel: &str, times: usize) -> Self {
        Self::Move(Move::new(kernel, times))
    }

    fn draws(&self) -> usize {
        match self {
            Action::Move(m) => m.times,
            Action::Train(_) => 0,
        }
    }
}

/// A place in a schedule: what comes next, and how much of it is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cursor {
    /// Current stage of the warm-up.
    pub stage: usize,
    /// Repeats of the stage that are done.
    pub repeat: usize,
    /// Current action of the stage (or move of the production cycle).
    pub action: usize,
    /// Steps of the action that are done.
    pub step: usize,
}

impl Cursor {
    /// The warm-up action under the cursor; skips what is empty. `None` when the warm-up is over.
    pub fn warmup_action<'s>(&mut self, schedule: &'s Schedule) -> Option<&'s Action> {
        loop {
            let stage = schedule.warmup.get(self.stage)?;
            if self.repeat >= stage.repeat || stage.actions.is_empty() {
                *self = Cursor { stage: self.stage + 1, ..Cursor::default() };
                continue;
            }
            match stage.actions.get(self.action) {
                None => *self = Cursor { stage: self.stage, repeat: self.repeat + 1, ..Cursor::default() },
                Some(Action::Move(m)) if self.step >= m.times => self.finish_action(),
                Some(action) => return Some(action),
            }
        }
    }

    /// The production move under the cursor, going round the cycle.
    pub fn production_move<'s>(&mut self, schedule: &'s Schedule) -> &'s Move {
        loop {
            match schedule.production.get(self.action) {
                None => *self = Cursor { repeat: self.repeat + 1, ..Cursor::default() },
                Some(m) if self.step >= m.times => self.finish_action(),
                Some(m) => return m,
            }
        }
    }

    /// Goes on by some steps of the production cycle.
    pub fn advance_production(&mut self, schedule: &Schedule, mut steps: usize) {
        while steps > 0 {
            let left = self.production_move(schedule).times - self.step;
            let taken = left.min(steps);
            self.step += taken;
            steps -= taken;
        }
    }

    /// Goes on to the next action.
    pub fn finish_action(&mut self) {
        self.action += 1;
        self.step = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule() -> Schedule {
        Schedule {
            warmup: vec![
                Stage { repeat: 0, actions: vec![Action::Move(Move::new("b", 7))] },
                Stage {
                    repeat: 2,
                    actions: vec![
                        Action::Move(Move::new("a", 2)),
                        Action::Move(Move::new("b", 0)),
                        Action::Move(Move::new("b", 1)),
                    ],
                },
            ],
            frozen: 0,
            production: vec![Move::new("a", 1), Move::new("b", 2)],
        }
    }

    #[test]
    fn the_cursor_visits_every_step_in_order() {
        let s = schedule();
        let (mut cursor, mut seen) = (Cursor::default(), String::new());
        while let Some(Action::Move(m)) = cursor.warmup_action(&s) {
            seen.push_str(&m.kernel);
            cursor.step += 1;
        }
        assert_eq!(seen, "aabaab");
        assert_eq!(s.adapting_draws(), 6);
        assert_eq!((s.adapting_steps("a"), s.adapting_steps("b")), (4, 2));
        let (mut cursor, mut seen) = (Cursor::default(), String::new());
        for _ in 0..7 {
            seen.push_str(&cursor.production_move(&s).kernel);
            cursor.step += 1;
        }
        assert_eq!(seen, "abbabba");
        let mut leap = Cursor::default();
        leap.advance_production(&s, 7);
        assert_eq!(leap, cursor);
    }

    #[test]
    fn an_unknown_kernel_is_named() {
        let e = schedule().check(&["a"]).unwrap_err();
        assert!(e.to_string().contains("`kernel` is b"), "{e}");
        schedule().check(&["a", "b"]).unwrap();
    }
}
