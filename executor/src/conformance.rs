//! Suites that every implementation of a seam passes. Plain async functions, so that any test can run them.

pub mod records;
