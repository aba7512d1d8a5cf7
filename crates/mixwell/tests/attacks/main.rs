//! Attacks: files nobody would write, thousands of them, from seeds. Whatever they hold, what comes back is an error that says
//! what is wrong in a few words, or a success that is right; never a panic, an abort or a wait.

mod configs;
mod images;
mod mutate;
mod network_files;
mod networks;
mod tables;
