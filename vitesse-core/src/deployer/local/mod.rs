//! The target `local`: an integration as a container of a Docker Engine, routed by Traefik.
//!
//! What is asked of it in `deployment_config`, and the labels that follow, are there in every build: files for other
//! tools are made of them, too. The engine itself is spoken to with the feature `docker`.

#[cfg(feature = "docker")]
mod compare;
#[cfg(feature = "docker")]
mod engine;
#[cfg(feature = "docker")]
mod handover;
#[cfg(feature = "docker")]
mod logs;
#[cfg(feature = "docker")]
mod objects;
#[cfg(feature = "docker")]
mod options;
#[cfg(feature = "docker")]
mod preview;
#[cfg(feature = "docker")]
mod rollout;
mod routes;
#[cfg(feature = "docker")]
mod secrets;
mod settings;
#[cfg(feature = "docker")]
mod target;
#[cfg(feature = "docker")]
mod verify;

#[cfg(feature = "docker")]
pub use options::LocalOptions;
pub use settings::{LocalSettings, Published, Traefik};
#[cfg(feature = "docker")]
pub use target::LocalTarget;
