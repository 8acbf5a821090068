//! What the record seam carries: new things, records, filters and answers.

mod attempts;
mod audit;
mod budgets;
mod deletion;
mod hints;
mod history;
mod library;
mod orders;
mod pace;
mod plans;
mod resolution;
mod retention;
mod review;
mod sessions;
mod usage;
mod verification;

pub use attempts::*;
pub use audit::*;
pub use budgets::*;
pub use deletion::*;
pub use hints::*;
pub use history::*;
pub use library::*;
pub use orders::*;
pub use pace::*;
pub use plans::*;
pub use resolution::*;
pub use retention::*;
pub use review::*;
pub use sessions::*;
pub use usage::*;
pub use verification::*;
