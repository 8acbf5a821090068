//! What tests need from outside: databases, and a clock to move by hand.

mod manual_clock;
mod postgres;

pub use manual_clock::ManualClock;
pub use postgres::scratch_postgres;
