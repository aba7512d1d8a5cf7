//! Methods in one expression: `flex2().train_iterations(300).local(mala().repeat(2))`.
//!
//! A function gives the settings at their defaults, a call named like a setting changes it. A kernel as a method starts from the kernel:
//! `nuts().warmup(200)`. Kernels and stages of your own are written as [`ScheduleMethod`](super::ScheduleMethod).

use super::{Ex2, Flex2, FlowMc, KernelMethod, NeutraMethod, ScoreClimbing};
use crate::kernel::{IsirConfig, KernelConfig};
use crate::train::{MixSchedule, Tempering};

/// Writes the calls of one method's settings; kernels are boxed there.
macro_rules! builder {
    ($settings:ident { $($kernel:ident),* } { $($key:ident: $value:ty),* $(,)? }) => {
        impl $settings {
            $(
                #[doc = concat!("The same settings with this kernel as [`", stringify!($kernel), "`](", stringify!($settings), "::", stringify!($kernel), ").")]
                pub fn $kernel(mut self, $kernel: KernelConfig) -> Self {
                    self.$kernel = Box::new($kernel);
                    self
                }
            )*
            $(
                #[doc = concat!("The same settings with this [`", stringify!($key), "`](", stringify!($settings), "::", stringify!($key), ").")]
                pub fn $key(mut self, $key: $value) -> Self {
                    self.$key = $key;
                    self
                }
            )*
        }
    };
}

builder!(KernelMethod {} { warmup: usize, frozen: usize });
builder!(Ex2 { local } { global: IsirConfig, local_steps: usize, warmup: usize, frozen: usize });
builder!(Flex2 { local } {
    global: IsirConfig,
    local_steps: usize,
    apart: usize,
    apart_epochs: usize,
    burn_in: usize,
    train_iterations: usize,
    mix: MixSchedule,
    tempering: Tempering,
    tune: usize,
    frozen: usize,
});
builder!(FlowMc { local, global } {
    local_steps: usize,
    global_steps: usize,
    training_loops: usize,
    epochs: usize,
    frozen: usize,
});
builder!(NeutraMethod { local, inner } {
    training_loops: usize,
    local_steps: usize,
    epochs: usize,
    reverse_steps: usize,
    tempering: Tempering,
    tune: usize,
    frozen: usize,
});
builder!(ScoreClimbing { local } {
    global: IsirConfig,
    local_steps: usize,
    train_iterations: usize,
    tune: usize,
    frozen: usize,
});

/// Writes `particles` for a method whose global move is i-SIR.
macro_rules! particles {
    ($($settings:ident),*) => {$(
        impl $settings {
            /// The same settings with this many particles in the global move, the current point included.
            pub fn particles(mut self, particles: usize) -> Self {
                self.global.n_particles = particles;
                self
            }
        }
    )*};
}

particles!(Ex2, Flex2, ScoreClimbing);

/// Ex2MCMC with default settings: i-SIR, then local steps. As a kernel alone it is [`kernel::ex2`](crate::kernel::ex2).
pub fn ex2() -> Ex2 {
    Ex2::default()
}

/// FlEx2MCMC with default settings: Ex2 with a flow that is trained while sampling.
///
/// ```
/// use mixwell::kernel::mala;
/// use mixwell::sampler::{Method, flex2};
/// let method = flex2().particles(32).local(mala()).local_steps(3).train_iterations(300);
/// assert_eq!((method.global.n_particles, method.local_steps), (32, 3));
/// Method::from(method).check()?;
/// # Ok::<(), mixwell::ConfigError>(())
/// ```
pub fn flex2() -> Flex2 {
    Flex2::default()
}

/// The flowMC scheme with default settings: rounds of local steps, training and flow proposals.
pub fn flowmc() -> FlowMc {
    FlowMc::default()
}

/// NeuTra with default settings: a flow is trained, then a kernel moves in its latent space. As a kernel alone it is
/// [`kernel::neutra`](crate::kernel::neutra).
pub fn neutra() -> NeutraMethod {
    NeutraMethod::default()
}

/// Markovian score climbing with default settings.
pub fn score_climbing() -> ScoreClimbing {
    ScoreClimbing::default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::kernel::{hmc, mala, nuts};
    use crate::sampler::Method;

    /// Settings that differ from the defaults, as written in a config.
    fn changed(method: impl Into<Method>) -> BTreeMap<String, serde_json::Value> {
        let method = method.into();
        let default = super::super::catalogue().into_iter().find(|e| e.name == method.name()).unwrap();
        let table = |m: &Method| serde_json::to_value(m).unwrap().as_object().unwrap().clone();
        let before = table(&default.default);
        table(&method).into_iter().filter(|(key, value)| before[key] != *value).collect()
    }

    #[test]
    fn every_setting_of_every_method_can_be_changed_by_its_name() {
        let isir = IsirConfig { n_particles: 3, ..IsirConfig::default() };
        let (mix, warm) = (MixSchedule::Constant { forward: 0.5 }, Tempering::Constant { beta: 0.5 });
        let local = || hmc(3);
        let all: [Method; 6] = [
            nuts().warmup(1).frozen(7).into(),
            ex2().global(isir.clone()).local(local()).local_steps(1).warmup(2).frozen(7).into(),
            flex2()
                .global(isir.clone())
                .local(local())
                .local_steps(1)
                .apart(5)
                .apart_epochs(6)
                .burn_in(2)
                .train_iterations(3)
                .mix(mix)
                .tempering(warm)
                .tune(4)
                .frozen(7)
                .into(),
            flowmc()
                .local(local())
                .global(mala())
                .local_steps(1)
                .global_steps(2)
                .training_loops(3)
                .epochs(4)
                .frozen(7)
                .into(),
            neutra()
                .local(local())
                .inner(mala())
                .training_loops(1)
                .local_steps(2)
                .epochs(3)
                .reverse_steps(4)
                .tempering(warm)
                .tune(5)
                .frozen(7)
                .into(),
            score_climbing()
                .global(isir)
                .local(local())
                .local_steps(1)
                .train_iterations(2)
                .tune(3)
                .frozen(7)
                .into(),
        ];
        for method in all {
            let table = serde_json::to_value(&method).unwrap();
            // `kind` names the method; the kernel of `kernel` is where the expression starts.
            let settings = table.as_object().unwrap().len() - 1 - usize::from(method.name() == "kernel");
            assert_eq!(
                changed(method.clone()).len(),
                settings,
                "{}: {:?}",
                method.name(),
                changed(method.clone()).keys()
            );
            assert_eq!(table["frozen"], 7);
        }
        assert_eq!(changed(flex2().particles(5)).into_keys().collect::<Vec<_>>(), ["global"]);
    }
}
