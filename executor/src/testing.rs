//! Providers to test against, on the loopback interface.

mod exchange;
pub mod fake_openai;
