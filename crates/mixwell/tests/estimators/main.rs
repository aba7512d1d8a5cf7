//! Estimators of the evidence against what is known exactly: oracles, agreement, coverage, and mistakes that must be found.

mod agreement;
mod coverage;
mod invariance;
mod mistakes;
mod oracles;
mod replicas;
mod world;
