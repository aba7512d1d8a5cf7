//! Trainers against closed forms.

mod mistakes;
mod oracles;
mod quadratic;
mod resume;

pub(super) use quadratic::Quadratic;
