//! The shell: one file for each facility of the host. Each is total (it falls back, it never panics) and decides
//! nothing.

pub mod beacon;
pub mod clock;
pub mod cookie;
pub mod page;
pub mod platform;
pub mod storage;
