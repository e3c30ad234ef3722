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
        self.text.push_str(&format!("{}\n", plain(line)));
    }

    /// Room, for what comes bit by bit.
    pub(crate) fn gap(&mut self) {
        self.text.push('\n');
    }

    /// The title of what follows, with room above.
    pub(crate) fn heading(&mut self, title: impl Display) {
        let gap = if self.text.is_empty() || self.text == "\n" { "" } else { "\n" };
        self.text.push_str(&format!("{gap}{BOLD}{}{BOLD:#}\n", plain(title)));
    }

    /// Good news.
    pub(crate) fn done(&mut self, line: impl Display) {
        self.text.push_str(&format!("{GREEN}✓{GREEN:#} {}\n", plain(line)));
    }

    /// Something that needs attention, with room above.
    pub(crate) fn warn(&mut self, line: impl Display) {
        self.text.push_str(&format!("\n{RED}!{RED:#} {}\n", plain(line)));
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
        table.add_rows(rows.into_iter().map(|row| row.into_iter().map(plain).collect::<Vec<_>>()));
        for line in table.trim_fmt().lines() {
            self.line(line.trim_end());
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// What others wrote must not speak to the terminal: control characters are replaced.
pub(super) fn plain(text: impl Display) -> String {
    text.to_string().chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// The terminal's width; pipes and files get a fixed one, so that what is read there never changes.
fn width() -> u16 {
    terminal_size::terminal_size_of(std::io::stdout()).map_or(110, |(width, _)| width.0.max(40))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_does_not_speak_to_the_terminal() {
        let mut screen = Screen::new(true);
        let hostile = "x\u{1b}[2J\u{1b}]0;title\u{7}\ny";
        screen.heading(hostile);
        screen.line(hostile);
        screen.warn(hostile);
        screen.done(hostile);
        screen.table(&["a"], vec![vec![hostile.into()]]);
        let shown = anstream::adapter::strip_str(&screen.finish()).to_string();
        assert!(
            !shown.contains(['\u{1b}', '\u{7}']) && shown.matches("x\u{fffd}[2J").count() == 5,
            "{shown:?}"
        );
    }
}
