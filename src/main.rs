use std::process::ExitCode;

fn main() -> ExitCode {
    sentinela::cli::main()
}
