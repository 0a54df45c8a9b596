//! What crosses to JavaScript, and nothing else. Plain data in, plain data out; every time and id is taken here and
//! handed to the engine.
//!
//! Each method borrows the engine's state only while pure code runs, and carries out the effects afterwards: whatever
//! the page does from within a call of ours (a patched `fetch`, a listener) may call any method again.

mod convert;
mod engine;
mod host;
