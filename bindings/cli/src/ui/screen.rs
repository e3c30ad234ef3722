use std::fmt::Display;

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const RED: Style = AnsiColor::Red.on_default().bold();
pub(super) const GREEN: Style = AnsiColor::Green.on_default().bold();

/// Something that can show itself to a person. Its JSON form comes from `Serialize`.
pub(crate) trait Show {
    fn show(&self, screen: &mut Screen);
}

/// Collects what a person will see, at most as wide as the terminal.
#[derive(Debug)]
pub(crate) struct Screen {
    text: String,
    width: u16,
    hints: bool,
}

impl Screen {
    pub(super) fn new(hints: bool) -> Self {
        Self { text: String::new(), width: width(), hints }
    }

    /// A line of text, as it is.
    pub(crate) fn line(&mut self, line: impl Display) {
        self.text.push_str(&format!("{line}\n"));
    }

    /// The title of what follows, with room above.
    pub(crate) fn heading(&mut self, title: impl Display) {
        let gap = if self.text.is_empty() { "" } else { "\n" };
        self.text.push_str(&format!("{gap}{BOLD}{title}{BOLD:#}\n"));
    }

    /// Good news.
    pub(crate) fn done(&mut self, line: impl Display) {
        self.text.push_str(&format!("{GREEN}✓{GREEN:#} {line}\n"));
    }

    /// Something that needs attention, with room above.
    pub(crate) fn warn(&mut self, line: impl Display) {
        self.text.push_str(&format!("\n{RED}!{RED:#} {line}\n"));
    }

    /// A command to go on with; left out with --quiet.
    pub(crate) fn hint(&mut self, command: impl Display) {
        if self.hints {
            self.text.push_str(&format!("\n{DIM}Next: {command}{DIM:#}\n"));
        }
    }

    /// Rows in columns that fit the terminal; long cells are wrapped. No rows, no table.
    pub(crate) fn table(&mut self, header: &[&str], rows: Vec<Vec<String>>) {
        if rows.is_empty() {
            return;
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(self.width);
        if !header.is_empty() {
            table.set_header(header.iter().map(|title| title.to_uppercase()));
        }
        table.add_rows(rows);
        for line in table.trim_fmt().lines() {
            self.line(line.trim_end());
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// The terminal's width; pipes and files get a fixed one, so that what is read there never changes.
fn width() -> u16 {
    terminal_size::terminal_size_of(std::io::stdout()).map_or(110, |(width, _)| width.0.max(40))
}
