//! What every target, kernel, flow, diagnostic and metric promises: one table of cases for each family, and the numbers others
//! computed. One program, so that it is linked once.

#[path = "../data/mod.rs"]
mod data;
mod diagnostics_reference;
mod digits_classifier;
mod flow;
mod flow_matching;
mod image_files;
mod kernel;
mod layers;
mod metric_self_test;
mod network_files;
mod networks_reference;
mod onnx;
mod optimisers_reference;
mod pages;
mod scores;
mod target;
mod target_histograms;
mod target_reference;
mod training_mode;
