#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sentinela_fuzz::media_feed(data));
