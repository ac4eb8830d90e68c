//! What triggers deliver: rules that need no server.

pub mod webhook;
