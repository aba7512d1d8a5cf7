//! stub
#![allow(missing_docs, unused)]
use crate::{
    Batch, BatchMut, ConfigError, Stream,
    proposal::{Proposal, Transport, Upstream},
};
use serde::{Deserialize, Serialize};
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FlowConfig {
    a: usize,
}
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Schedule {
    a: usize,
}
#[derive(Clone, Debug)]
pub struct Flow;
#[derive(Clone, Debug)]
pub struct Gradient;
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FlowState;
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OptimiserState;
#[derive(Clone, Debug, thiserror::Error)]
#[error("x")]
pub struct FlowError;
#[derive(Clone, Debug)]
pub struct Snapshot;
#[derive(Debug)]
pub struct Optimiser;
pub struct ReverseKl {
    pub loss: f64,
    pub non_finite: usize,
}
#[derive(Default)]
pub struct OptimiserConfig {
    pub learning_rate: f64,
    pub schedule: Schedule,
    pub weight_decay: f64,
    pub clip_norm: Option<f64>,
    pub decoupled: bool,
}
pub struct StepReport;
pub struct FlowEntry {
    pub name: &'static str,
    pub summary: &'static str,
    pub default: FlowConfig,
}
pub fn catalogue() -> Vec<FlowEntry> {
    todo!()
}
impl Flow {
    pub fn new(config: &FlowConfig, dim: usize, stream: &mut Stream) -> Result<Flow, ConfigError> {
        todo!()
    }
    pub fn config(&self) -> &FlowConfig {
        todo!()
    }
    pub fn n_params(&self) -> usize {
        todo!()
    }
    pub fn zero_gradient(&self) -> Gradient {
        todo!()
    }
    pub fn forward_kl(&self, x: Batch, weights: &[f64], gradient: &mut Gradient) -> f64 {
        todo!()
    }
    pub fn reverse_kl(
        &self,
        z: Batch,
        f: &(dyn Fn(Batch, &mut [f64], BatchMut) + Sync),
        beta: f64,
        gradient: &mut Gradient,
    ) -> ReverseKl {
        todo!()
    }
    pub fn set_whitening_from(&mut self, x: Batch, weights: Option<&[f64]>) -> bool {
        todo!()
    }
    pub fn snapshot(&self) -> Snapshot {
        todo!()
    }
    pub fn restore(&mut self, s: &Snapshot) {
        todo!()
    }
    pub fn save_state(&self) -> FlowState {
        todo!()
    }
    pub fn load_state(&mut self, s: &FlowState) -> Result<(), FlowError> {
        todo!()
    }
    pub fn to_safetensors(&self) -> Vec<u8> {
        todo!()
    }
}
impl Gradient {
    pub fn clear(&mut self) {}
    pub fn add(&mut self, o: &Gradient) {}
    pub fn scale(&mut self, s: f64) {}
    pub fn norm(&self) -> f64 {
        todo!()
    }
}
impl Optimiser {
    pub fn new(c: &OptimiserConfig, f: &Flow) -> Result<Optimiser, ConfigError> {
        todo!()
    }
    pub fn step(&mut self, f: &mut Flow, g: &Gradient) -> StepReport {
        todo!()
    }
    pub fn save_state(&self) -> OptimiserState {
        todo!()
    }
    pub fn load_state(&mut self, s: &OptimiserState) -> Result<(), FlowError> {
        todo!()
    }
}
impl Proposal for Flow {
    fn dim(&self) -> usize {
        todo!()
    }
    fn version(&self) -> u64 {
        todo!()
    }
    fn push(&self, n: Batch<'_>, x: BatchMut<'_>, l: &mut [f64]) {
        todo!()
    }
    fn log_prob(&self, x: Batch<'_>, l: &mut [f64]) {
        todo!()
    }
    fn as_transport(&self) -> Option<&dyn Transport> {
        todo!()
    }
}
impl Transport for Flow {
    fn forward(&self, z: Batch<'_>, x: BatchMut<'_>, l: &mut [f64]) {
        todo!()
    }
    fn inverse(&self, x: Batch<'_>, z: BatchMut<'_>, l: &mut [f64]) {
        todo!()
    }
    fn forward_pullback(&self, z: Batch<'_>, u: &mut Upstream<'_>, d: BatchMut<'_>) {
        todo!()
    }
}
