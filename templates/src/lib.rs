//! The files Vitesse generates for an integration, and the typed values each takes.
//!
//! A template takes its values from one struct and nothing else, so the compiler finds a missing one. Every
//! value is escaped for the place it lands in by a filter, never by hand: a hostile name stays a name.
//!
//! ```
//! use vitesse_templates::{Dockerfile, render};
//!
//! let text = render(&Dockerfile {
//!     integration_id: "ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba".into(),
//!     name: "Shop to CRM\nRUN curl evil".into(),
//!     mapping_hash: "sha256:5f3c".into(),
//!     version: "0.1.0".into(),
//!     added_roots: false,
//! })?;
//! assert!(text.contains("FROM scratch"));
//! assert!(!text.contains("\nRUN"));
//! # Ok::<(), vitesse_templates::Error>(())
//! ```

#![forbid(unsafe_code)]

mod escape;
mod files;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

pub use files::{Compose, ComposeLabel, Dockerfile, EnvEntry, EnvFile, Readme, ReadmeStream};
pub use minijinja::Error;

/// A generated file: its name, its template, and, by being a struct, its values.
pub trait Template: Serialize {
    /// The name of the file that is generated.
    const FILE: &'static str;
    /// The template's text.
    const SOURCE: &'static str;
}

/// Renders a file.
///
/// # Errors
/// If the template uses a value the struct doesn't have; the tests render every template.
pub fn render<T: Template>(values: &T) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).keep_trailing_newline(true).build()?);
    environment.add_filter("docker", escape::docker);
    environment.add_filter("comment", escape::comment);
    environment.add_filter("env", escape::env);
    environment.add_filter("yaml", escape::yaml);
    environment.add_filter("markdown", escape::markdown);
    environment.render_named_str(T::FILE, T::SOURCE, Serde(values))
}
