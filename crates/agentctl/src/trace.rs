//! `agentctl vpp trace`: what went over the connection to VPP.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use vpp_trace::PrintError;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The recording.
    file: PathBuf,
    /// Show only messages with this in their name.
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let told = |e: &dyn std::fmt::Display| format!("{}: {e}", arguments.file.display());
    let file = File::open(&arguments.file).map_err(|e| told(&e))?;
    let mut out = BufWriter::new(io::stdout().lock());
    let shown = vpp_trace::print(BufReader::new(file), arguments.message.as_deref(), &mut out);
    match shown.and_then(|()| Ok(out.flush()?)) {
        // Who reads may have seen enough.
        Err(PrintError::Io(e)) if e.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(e) => Err(told(&e).into()),
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}
