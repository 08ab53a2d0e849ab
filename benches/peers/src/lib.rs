//! What the benchmark of Faultline against its peers is made of, for use elsewhere: the [`generator`] of its inputs.

pub mod generator;
