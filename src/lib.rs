//! Feature flags decided locally, and the exact record of who saw what.
//!
//! In reading order:
//! - [`engine`] decides. Pure: now, ids and random bytes are arguments.
//! - `browser` does: one file for each facility of the host. It decides nothing.
//! - `bindings` translates: what crosses to JavaScript, and nothing else.

pub mod engine;

#[cfg(target_arch = "wasm32")]
mod bindings;
/// Public for `tests/browser` alone.
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod browser;

/// A quarter of the code of the standard library's allocator.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
