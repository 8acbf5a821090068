//! What the record seam carries: new things, records, filters and answers.

mod attempts;
mod audit;
mod hints;
mod history;
mod library;
mod orders;
mod plans;

pub use attempts::*;
pub use audit::*;
pub use hints::*;
pub use history::*;
pub use library::*;
pub use orders::*;
pub use plans::*;
