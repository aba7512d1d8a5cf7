//! An expression as a list of instructions on a row of numbers: no recursion, no allocation in a steady state, nothing that can fail.

use super::function::Reduction;
use crate::scratch::scratch;

/// Where an operand lies: among the variables' values, or in the working row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Value(usize),
    Work(usize),
}

/// An operand: where it begins, and by how much it goes on from one element to the next (0 for a single number).
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    pub place: Place,
    pub stride: usize,
}

/// What an instruction does; its results follow each other in the working row.
#[derive(Clone, Copy)]
pub(super) enum Step {
    Constant(f64),
    Copy(Source),
    One(fn(f64) -> f64, Source),
    Two(fn(f64, f64) -> f64, Source, Source),
    /// Which, then, else.
    Choice(Source, Source, Source),
    /// Of so many elements.
    Whole(Reduction, Source, usize),
}

/// Instructions, each with the elements it makes.
#[derive(Clone, Default)]
pub(super) struct Program {
    steps: Vec<(Step, usize)>,
    work: usize,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("steps", &self.steps.len()).field("work", &self.work).finish()
    }
}

impl Program {
    /// Adds an instruction that makes `len` numbers; gives the place of the first.
    pub fn push(&mut self, step: Step, len: usize) -> Place {
        let place = Place::Work(self.work);
        self.steps.push((step, len));
        self.work += len;
        place
    }

    /// Numbers of the working row.
    pub fn work(&self) -> usize {
        self.work
    }

    /// Whether some operand begins at this place among the variables' values.
    pub fn reads(&self, place: usize) -> bool {
        let begins = |source: &Source| matches!(source.place, Place::Value(at) if at == place);
        self.steps.iter().any(|(step, _)| match step {
            Step::Constant(_) => false,
            Step::Copy(a) | Step::One(_, a) | Step::Whole(_, a, _) => begins(a),
            Step::Two(_, a, b) => begins(a) || begins(b),
            Step::Choice(a, b, c) => begins(a) || begins(b) || begins(c),
        })
    }

    /// Runs all instructions; `out` gets the last `out.len()` numbers that they made.
    pub fn run(&self, values: &[f64], out: &mut [f64]) {
        let mut work = scratch(self.work);
        let mut made = 0;
        for (step, len) in &self.steps {
            let (before, results) = work.split_at_mut(made);
            let read = |source: &Source, i: usize| match source.place {
                Place::Value(at) => values[at + i * source.stride],
                Place::Work(at) => before[at + i * source.stride],
            };
            for (i, result) in results[..*len].iter_mut().enumerate() {
                *result = match step {
                    Step::Constant(value) => *value,
                    Step::Copy(a) => read(a, i),
                    Step::One(f, a) => f(read(a, i)),
                    Step::Two(f, a, b) => f(read(a, i), read(b, i)),
                    Step::Choice(which, yes, no) => read(if read(which, i) != 0.0 { yes } else { no }, i),
                    Step::Whole(f, a, n) => f(&mut (0..*n).map(|i| read(a, i))),
                };
            }
            made += len;
        }
        out.copy_from_slice(&work[self.work - out.len()..]);
    }
}
