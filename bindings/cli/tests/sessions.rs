//! Runs every `shellsession` block of the book and of the examples. The blocks of a page are one session, from its top to its end in one
//! shell, with what it starts in the background; `console` blocks, each for itself, are run by `book.rs`.
//!
//! The shell stands in a folder of its own that holds a copy of `examples`. The ports of the pages, 14010 to 14090, are free
//! ones of this machine. `[..]` stands for the rest of a line or a part of it, a line of `...` for any lines, and `? 4`
//! before the output for the exit code. `TRYCMD=overwrite` writes what was printed into the pages.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod parts;

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use parts::parts;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// What parts the output of one command from that of the next.
const MARK: char = '\u{1e}';

macro_rules! pages {
    ($($name:ident: $page:literal,)*) => {
        $(#[test]
        fn $name() {
            session($page);
        })*

        #[test]
        fn every_session_of_the_book_is_run() {
            let mut found = Vec::new();
            for folder in ["docs/src", "examples"] {
                walk(&Path::new(ROOT).join(folder), &mut |path| {
                    if fs::read_to_string(path).unwrap_or_default().contains("```shellsession") {
                        found.push(path.strip_prefix(ROOT).unwrap().display().to_string());
                    }
                });
            }
            found.sort();
            let mut listed = [$($page),*];
            listed.sort_unstable();
            assert_eq!(found, listed, "enter the page in `pages!`");
        }
    };
}

pages! {
    connect_by_oauth: "docs/src/how-to/connect-by-oauth.md",
    convert_values: "docs/src/how-to/convert-values.md",
    crm_to_marketing: "examples/crm-to-marketing/README.md",
    dead_letters: "docs/src/how-to/dead-letters.md",
    debug_a_run: "docs/src/how-to/debug-a-run.md",
    deploy_to_a_process: "docs/src/how-to/deploy-to-a-process.md",
    deploy_to_docker: "docs/src/how-to/deploy-to-docker.md",
    ecommerce_to_crm: "examples/ecommerce-to-crm/README.md",
    forget_a_record: "docs/src/how-to/forget-a-record.md",
    stripe_to_square: "examples/stripe-to-square/README.md",
    two_public_apis: "docs/src/tutorial/two-public-apis.md",
    one_call: "docs/src/how-to/one-call.md",
    operate_a_sync: "docs/src/how-to/operate-a-sync.md",
    own_functions: "docs/src/how-to/own-functions.md",
    run_as_a_service: "docs/src/how-to/run-as-a-service.md",
    run_the_control_plane: "docs/src/how-to/run-the-control-plane.md",
    upgrade: "docs/src/how-to/upgrade.md",
}

/// A command of a page, and what it shall print.
#[derive(Debug, PartialEq)]
struct Step {
    /// The line of its first word, from 0.
    at: usize,
    /// The first line behind its output.
    end: usize,
    command: String,
    code: i32,
    output: Vec<String>,
}

fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    let mut typing = false;
    for (at, line) in page.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == "```shellsession";
            typing = false;
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            steps.push(Step { at, end: at + 1, command: command.to_owned(), code: 0, output: Vec::new() });
            typing = true;
        } else if let (true, Some(step)) = (inside, steps.last_mut()) {
            step.end = at + 1;
            match (line.strip_prefix("> "), line.strip_prefix("? ")) {
                (Some(more), _) if typing => write!(step.command, "\n{more}").unwrap(),
                (_, Some(code)) if typing => {
                    step.code = code.parse().unwrap();
                    typing = false;
                }
                _ => {
                    step.output.push(line.to_owned());
                    typing = false;
                }
            }
        }
    }
    steps
}

/// A folder for a session: a home, the examples, and the two programs.
struct Place {
    folder: tempfile::TempDir,
    /// The ports of the pages and those they stand for.
    ports: Vec<(String, String)>,
    /// The Docker Engine, for a page that deploys to one.
    engine: Option<String>,
}

impl Place {
    fn new(engine: Option<String>) -> Self {
        let listeners: Vec<_> = (0..9).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let port = |(at, listener): (usize, &TcpListener)| {
            (format!("140{}0", at + 1), listener.local_addr().unwrap().port().to_string())
        };
        let ports = listeners.iter().enumerate().map(port).collect();
        let place = Self { folder: tempfile::tempdir().unwrap(), ports, engine };
        for name in ["home", "bin"] {
            fs::create_dir(place.path(name)).unwrap();
        }
        let vitesse = Path::new(trycmd::cargo::cargo_bin!("vitesse"));
        let link =
            |name: &str, to: &Path| std::os::unix::fs::symlink(to, place.path("bin").join(name)).unwrap();
        link("vitesse", vitesse);
        link("vitesse-runtime", &runtime(vitesse));
        // An example, built beside ours whenever the workspace's tests are.
        link("own-functions", &vitesse.with_file_name("own-functions"));
        let examples = Path::new(ROOT).join("examples");
        walk(&examples, &mut |file| {
            let to = place.path("work/examples").join(file.strip_prefix(&examples).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(to, place.here(&fs::read_to_string(file).unwrap_or_default())).unwrap();
        });
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// With the ports of this machine.
    fn here(&self, text: &str) -> String {
        self.ports.iter().fold(text.to_owned(), |text, (page, own)| text.replace(page, own))
    }

    /// With the ports of the pages.
    fn there(&self, text: &str) -> String {
        let text = self.ports.iter().fold(text.to_owned(), |text, (page, own)| text.replace(own, page));
        text.replace(self.path("work").to_str().unwrap(), "[..]")
    }

    fn shell(&self, script: &str) -> String {
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        for (name, _) in std::env::vars_os() {
            if ["VITESSE_", "XDG_", "TRAEFIK_"].iter().any(|own| name.to_string_lossy().starts_with(own)) {
                command.env_remove(name);
            }
        }
        let output = command
            .args(["-c", script])
            .current_dir(self.path("work"))
            .env("PATH", path)
            .env("HOME", self.path("home"))
            .env("VITESSE_RUNTIME", self.path("bin/vitesse-runtime"))
            .env("USER", "anna")
            .env("NO_COLOR", "1")
            .envs(self.engine.as_ref().map(|address| ("DOCKER_HOST", address)))
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// What was deployed ends with the test, however that ends.
impl Drop for Place {
    fn drop(&mut self) {
        let listed: serde_json::Value =
            serde_json::from_str(&self.shell("vitesse list --json")).unwrap_or_default();
        for left in listed["integrations"].as_array().into_iter().flatten() {
            self.shell(&format!("vitesse delete {} --force --quiet", left["id"]));
        }
    }
}

/// The runtime that ships where there is one, else that built beside the command.
fn runtime(vitesse: &Path) -> PathBuf {
    std::env::var_os("VITESSE_RUNTIME").map_or_else(|| vitesse.with_file_name("vitesse-runtime"), Into::into)
}

fn walk(folder: &Path, each: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true if path.ends_with("target") => {}
            true => walk(&path, each),
            false => each(&path),
        }
    }
}

/// What runs a page's commands, one after the other in one shell.
fn script(steps: &[Step]) -> String {
    let mut script = String::from("trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\nexec 2>&1\n");
    for step in steps {
        let _ = write!(script, "printf '\\n{MARK}\\n'\n{}\ncode=$?\n", step.command);
        let listens = |option| step.command.split(option).nth(1).filter(|_| step.command.ends_with('&'));
        if let Some(port) =
            ["--port ", "--listen 127.0.0.1:", "VITESSE_LISTEN=127.0.0.1:"].into_iter().find_map(listens)
        {
            let port = port.split_whitespace().next().unwrap();
            let _ = writeln!(
                script,
                "for n in {{1..600}}; do (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null && break; sleep 0.05; done"
            );
        }
        let _ = writeln!(script, "printf '\\n{MARK}%s\\n' $code");
    }
    script
}

fn session(page: &str) {
    let path = Path::new(ROOT).join(page);
    let text = fs::read_to_string(&path).unwrap();
    let steps = steps(&text);
    let place = Place::new(page.ends_with("-docker.md").then(|| parts(&["docker", "start"])));
    let said = place.there(&place.shell(&place.here(&script(&steps))));
    let mut said = said.split(MARK).skip(1);
    let mut wrong = String::new();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut found = Vec::new();
    for step in &steps {
        let output = said.next().unwrap_or_default().trim_matches('\n');
        let code: i32 = said.next().and_then(|text| text.lines().next()?.parse().ok()).unwrap_or(-1);
        let output: Vec<&str> = output.lines().map(str::trim_end).collect();
        let wanted: Vec<&str> = step.output.iter().map(String::as_str).collect();
        let wanted = wanted.strip_suffix(&[""]).unwrap_or(&wanted);
        let fits = code == step.code && fits(wanted, &output);
        if !fits {
            let line = step.at + 1;
            let _ = writeln!(wrong, "{page}:{line}: $ {}\n? {code}\n{}\n", step.command, output.join("\n"));
        }
        found.push((step, code, output.into_iter().map(str::to_owned).collect::<Vec<_>>(), fits));
    }
    if std::env::var("TRYCMD").as_deref() == Ok("overwrite") {
        for (step, code, output, _) in found.into_iter().rev().filter(|(.., fits)| !fits) {
            let code = (code != 0).then(|| format!("? {code}"));
            let first = step.at + step.command.lines().count();
            let gap = step.output.last().filter(|line| line.is_empty()).cloned();
            lines.splice(first..step.end, code.into_iter().chain(output).chain(gap));
        }
        fs::write(&path, lines.join("\n") + "\n").unwrap();
    } else {
        assert!(wrong.is_empty(), "what the book says isn't so:\n{wrong}");
    }
}

/// Whether lines are as a page says.
fn fits(wanted: &[&str], lines: &[&str]) -> bool {
    match (wanted, lines) {
        ([], []) => true,
        (["...", rest @ ..], _) => (0..=lines.len()).any(|skipped| fits(rest, &lines[skipped..])),
        ([first, rest @ ..], [line, lines @ ..]) => fits_line(first, line) && fits(rest, lines),
        _ => false,
    }
}

fn fits_line(wanted: &str, line: &str) -> bool {
    let mut parts = wanted.split("[..]");
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = wanted.contains("[..]").then(|| wanted.rsplit("[..]").next().unwrap_or_default()) else {
        return rest.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    line.ends_with(last)
}

#[test]
fn pages_are_read_and_compared_as_they_say() {
    let page =
        "text\n```shellsession\n$ one \\\n> two &\n? 4\nout\n\n$ three\n...\nend [..] of [..]\n```\n$ no\n";
    let steps = steps(page);
    assert_eq!((steps.len(), steps[0].command.as_str(), steps[0].code), (2, "one \\\ntwo &", 4));
    assert_eq!(steps[0].output, ["out", ""]);
    let wanted: Vec<&str> = steps[1].output.iter().map(String::as_str).collect();
    assert!(fits(&wanted, &["a", "b", "end 1 of it"]));
    assert!(fits(&wanted, &["end  of "]));
    assert!(!fits(&wanted, &["end 1 of it", "more"]));
    assert!(!fits(&["a"], &[]) && !fits(&[], &["a"]) && !fits(&["ab"], &["a"]) && !fits(&["a"], &["ab"]));
    assert!(!fits_line("a[..]b", "a c"));
}
