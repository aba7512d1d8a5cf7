//! Whole runs, from a start to draws, against what is known of their targets.

mod auto;
#[path = "../data/mod.rs"]
mod data;
mod flex2;
mod gan;
mod german_credit;
mod inference_gym;
mod mixture;
mod moments;
mod neutra;
mod own_kernels;
mod particles;
mod posteriordb;
mod score_climbing;
mod symmetries;
mod tempered_training;
mod tempering;
mod verdict;
