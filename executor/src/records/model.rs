//! What the record seam carries: new things, records, filters and answers.

mod attempts;
mod audit;
mod history;
mod library;
mod orders;
mod plans;
mod retention;

pub use attempts::*;
pub use audit::*;
pub use history::*;
pub use library::*;
pub use orders::*;
pub use plans::*;
pub use retention::*;
