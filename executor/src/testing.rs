//! What tests need from outside: providers on the loopback interface, and a clock to move by hand.

mod exchange;
pub mod fake_openai;
mod manual_clock;

pub use manual_clock::ManualClock;
