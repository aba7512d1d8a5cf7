//! The real command, as a user meets it.

mod bad_input;
mod calibrate;
mod check;
mod common;
mod damaged_folders;
mod density;
mod derived;
mod evidence;
mod failures;
mod gan_latents;
mod gans;
mod kill_and_resume;
mod memory;
mod network;
mod report;
mod reproduce;
mod score;
mod status;
mod trained_energies;
mod trained_images;
mod training;
mod training_images;
