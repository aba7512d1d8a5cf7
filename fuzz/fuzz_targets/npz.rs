//! NumPy's files.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    mixwell_fuzz::arrays(data);
});
