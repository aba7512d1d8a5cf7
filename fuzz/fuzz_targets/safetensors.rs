//! Safetensors, ours and those of others.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    mixwell_fuzz::arrays(data);
    mixwell_fuzz::network(data);
});
