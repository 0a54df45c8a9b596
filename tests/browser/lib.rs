//! Empty: cargo wants a library or a program in every package. The tests are in `main.rs`.
