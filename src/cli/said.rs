//! What a command says. Whoever reads it may go before the end, as in `sentinela user list | head -1`. That breaks off no work that is
//! under way, least of all a restore, and is no fault to report.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whoever read the output has gone.
static GONE: AtomicBool = AtomicBool::new(false);
/// Something could not be written for another reason, such as a full disk.
static UNWRITTEN: AtomicBool = AtomicBool::new(false);

fn note(error: &io::Error) {
    let which = if error.kind() == ErrorKind::BrokenPipe { &GONE } else { &UNWRITTEN };
    which.store(true, Ordering::Relaxed);
}

/// Writes to standard output. What cannot be written is noted for the end of the command, which goes on.
pub fn put(words: Arguments<'_>) {
    if let Err(error) = io::stdout().write_fmt(words) {
        note(&error);
    }
}

/// Writes to standard error. Who cannot be told of it cannot be told that either.
pub fn tell(words: Arguments<'_>) {
    let _ = io::stderr().write_fmt(words);
}

/// Whether something that was said is lost, and somebody still waits for it.
pub fn is_unwritten() -> bool {
    UNWRITTEN.load(Ordering::Relaxed)
}

/// Whether a command failed for no other reason than that its reader has gone.
pub fn is_unheard(error: &anyhow::Error) -> bool {
    let is_broken = |cause: &(dyn std::error::Error + 'static)| {
        let json = cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        json.or_else(|| cause.downcast_ref::<io::Error>().map(io::Error::kind)) == Some(ErrorKind::BrokenPipe)
    };
    GONE.load(Ordering::Relaxed) && error.chain().any(is_broken)
}

/// Standard output for what is too long to go on with when nobody reads it: its errors end the command, and one whose reader has gone
/// ends it without a word.
pub struct Out(Stdout);

pub fn out() -> Out {
    Out(io::stdout())
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).inspect_err(note)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().inspect_err(note)
    }
}
