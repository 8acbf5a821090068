//! What tests need from outside: providers on the loopback interface, databases, and a clock to move by hand.

mod exchange;
pub mod fake_openai;
mod manual_clock;
mod postgres;

pub use manual_clock::ManualClock;
pub use postgres::scratch_postgres;
