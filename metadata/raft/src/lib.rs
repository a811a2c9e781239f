//! The metadata log of a cluster: raft-rs decides, raft-engine keeps, and the process around it sends and applies.
//!
//! The C ABI is in `ffi.rs`, its header in include/firn_raft.h. Nothing here knows what an entry says.

mod applier;
mod change;
mod copies;
mod copy;
mod driver;
mod engine;
mod ffi;
mod files;
mod host;
mod status;
mod store;
mod writer;
