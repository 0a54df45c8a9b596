//! Feature flags decided locally, and the exact record of who saw what.
#![cfg_attr(not(test), no_std)]
