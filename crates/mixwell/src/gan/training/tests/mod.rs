//! The losses against finite differences, what they converge to, and the loop that goes on after a stop.

mod convergence;
mod gradients;
mod mistakes;
