//! The binary: parse, run, say what went wrong, exit with a code that scripts can use.

use std::process::ExitCode;

fn main() -> ExitCode {
    wamedia::cli::main()
}
