use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use vitesse_core::progress::{Event, Listener};

/// Draws a bar for each step with a known end, a spinner for the others.
pub(super) struct Bars {
    all: MultiProgress,
    running: Mutex<HashMap<String, ProgressBar>>,
}

impl Bars {
    pub(super) fn new() -> Self {
        Self { all: MultiProgress::new(), running: Mutex::default() }
    }

    fn start(&self, step: &str, total: Option<u64>) -> ProgressBar {
        let (bar, template) = match total {
            Some(total) => {
                (ProgressBar::new(total), "{spinner} {msg} {bar:30} {human_pos}/{human_len} {eta}")
            }
            None => (ProgressBar::new_spinner(), "{spinner} {msg} {human_pos} {elapsed}"),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(step.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        self.all.add(bar)
    }
}

impl Listener for Bars {
    fn on(&self, event: Event) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { step, total } => {
                let bar = self.start(&step, total);
                running.insert(step, bar);
            }
            Event::Advanced { step, done, .. } => {
                if let Some(bar) = running.get(&step) {
                    bar.set_position(done);
                }
            }
            Event::Note { step, message } => {
                if let Some(bar) = running.get(&step) {
                    bar.set_message(format!("{step}: {message}"));
                }
            }
            Event::Finished { step, .. } => {
                if let Some(bar) = running.remove(&step) {
                    bar.finish_and_clear();
                }
            }
            _ => {}
        }
    }
}
