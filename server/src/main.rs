//! The `limn` binary. Everything is in [`cli`]; here an error becomes an exit code.

use std::process::ExitCode;

mod cli;

fn main() -> ExitCode {
    match cli::run(std::env::args_os()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => exit.into(),
    }
}
