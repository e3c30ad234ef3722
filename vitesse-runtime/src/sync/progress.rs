use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use vitesse_core::progress::{Event, Progress};

/// A line on the terminal that says how far a sync is.
pub(crate) struct Line {
    shown: bool,
    notes: bool,
    state: Arc<Mutex<State>>,
}

struct State {
    started: Instant,
    drawn: Instant,
}

impl Line {
    pub(crate) fn new(quiet: bool) -> Self {
        let now = Instant::now();
        Self {
            shown: !quiet && std::io::stderr().is_terminal(),
            notes: !quiet,
            state: Arc::new(Mutex::new(State { started: now, drawn: now })),
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        let (shown, notes, state) = (self.shown, self.notes, Arc::clone(&self.state));
        Progress::to(move |event| {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                Event::Started { .. } => state.started = Instant::now(),
                Event::Advanced { step, done, total } if shown => {
                    if state.drawn.elapsed() < Duration::from_millis(100) {
                        return;
                    }
                    state.drawn = Instant::now();
                    let rate = done as f64 / state.started.elapsed().as_secs_f64().max(1e-3);
                    let text = match total {
                        Some(total) if total > 0 => {
                            let part = (done.min(total) * 20 / total) as usize;
                            let bar = "█".repeat(part) + &"░".repeat(20 - part);
                            format!("{step} {bar} {done} of {total}, {rate:.0} records/s")
                        }
                        _ => format!("{step} {done} records, {rate:.0} records/s"),
                    };
                    let _ = write!(std::io::stderr(), "\r\x1b[2K{text}");
                }
                Event::Note { message, .. } if notes => {
                    let clear = if shown { "\r\x1b[2K" } else { "" };
                    let _ = writeln!(std::io::stderr(), "{clear}{message}");
                }
                _ => {}
            }
        })
    }

    /// Takes the line off the terminal.
    pub(crate) fn finish(&self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}
