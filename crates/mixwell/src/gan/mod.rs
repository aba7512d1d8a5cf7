//! Generative adversarial networks, sampled as energy-based models: the discriminator says which of the generator's points are good.

pub mod calibrate;
