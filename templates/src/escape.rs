//! One filter for each kind of place a value can land in.

/// A quoted value in a Dockerfile, quotes included.
///
/// Docker expands `$` and reads `\` inside double quotes, and a line break would end the instruction.
pub(crate) fn docker(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' | '$' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The rest of a comment line.
pub(crate) fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A value in an env file, read alike by Docker, Compose and a shell.
///
/// Docker's `--env-file` takes a value literally, quotes and all, while a shell needs quotes around anything
/// special. Only plain values mean the same to both, so others are quoted for the shell and Compose.
pub(crate) fn env(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c);
    if text.chars().all(plain) {
        return text.to_owned();
    }
    let mut quoted = String::from("'");
    for c in text.chars() {
        match c {
            '\'' => quoted.push_str("'\\''"),
            c if c.is_control() => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// A quoted value in a Compose file, quotes included.
///
/// YAML reads `\` inside double quotes, and Compose puts variables in the place of `$` wherever it stands.
pub(crate) fn yaml(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '$' => quoted.push_str("$$"),
            // These are line breaks to some readers, or may not stand in a document.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Text within a paragraph or a table of Markdown, where it means nothing but itself.
pub(crate) fn markdown(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' => escaped.extend(['\\', c]),
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\"; b\n$(rm -rf /) `id` ${HOME} \\ 'c'\r\0";

    #[test]
    fn nothing_breaks_out() {
        assert_eq!(docker(HOSTILE), r#""a\"; b \$(rm -rf /) `id` \${HOME} \\ 'c'  ""#);
        assert_eq!(comment(HOSTILE), "a\"; b $(rm -rf /) `id` ${HOME} \\ 'c'  ");
        assert_eq!(env(HOSTILE), r#"'a"; b $(rm -rf /) `id` ${HOME} \ '\''c'\''  '"#);
        assert_eq!(yaml(HOSTILE), r#""a\"; b\u000a$$(rm -rf /) `id` $${HOME} \\ 'c'\u000d\u0000""#);
        assert_eq!(env("https://a.example/x?"), "'https://a.example/x?'");
        assert_eq!(env("plain-1.0"), "plain-1.0");
        assert_eq!(markdown("a_b <x> | `c`\n# d"), "a\\_b &lt;x> \\| \\`c\\` \\# d");
    }

    #[test]
    fn a_shell_reads_back_what_was_written() {
        let script = format!("printf %s {}", env("it's $HOME \"and\" `more`"));
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "it's $HOME \"and\" `more`");
    }
}
