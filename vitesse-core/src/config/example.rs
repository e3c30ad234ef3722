use std::fmt::Write;

use super::{VARIABLES, Variable};

/// The text of `.env.example`: every variable with its meaning, all of them commented out.
///
/// ```
/// let text = vitesse_core::config::example_file();
/// assert!(text.contains("#POSTGRES_SERVER=localhost\n"));
/// ```
pub fn example_file() -> String {
    let mut text = String::from(
        "# Everything Vitesse reads from the environment. Uncomment what you need.\n\
         # A secret may stand in a file instead: NAME_FILE=/run/secrets/name.\n",
    );
    let mut group = "";
    for variable in VARIABLES {
        if variable.group != group {
            group = variable.group;
            let _ = write!(text, "\n# --- {group} ---\n");
        }
        write_variable(&mut text, variable);
    }
    text
}

fn write_variable(text: &mut String, variable: &Variable) {
    let Variable { name, doc, default, example, secret, .. } = variable;
    let mut notes = Vec::new();
    if !default.is_empty() {
        notes.push(format!("default: {default}"));
    }
    if *secret {
        notes.push(format!("or {name}_FILE"));
    }
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
    // Writing to a String can't fail.
    let _ = write!(text, "# {doc}{notes}\n#{name}={example}\n");
}
