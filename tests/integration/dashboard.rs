//! The dashboard as browsers, monitors and strangers see it: over loopback, from its own server.

mod guarded;
mod scene;
mod shown;
