//! What every kernel promises, checked for every kernel. A new kernel is a new row in `cases.rs`.

mod bookkeeping;
mod cases;
mod exactness;
mod world;
mod wrong_kernels;
