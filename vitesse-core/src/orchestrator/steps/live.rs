//! The real APIs as a test asks them: where they are, and with whose credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::order::connections;
use crate::error::{Error, Result};
use crate::guardian::LiveApi;
use crate::mapping::{self, Mapping};
use crate::net::Auth;
use crate::orchestrator::connections::secret_name;
use crate::orchestrator::streams::Stream;
use crate::orchestrator::{TestStepOptions, Vitesse};
use crate::secret::Secret;
use crate::spec::ApiSpec;
use crate::store::repository::Integration;

/// Both APIs with their credentials.
pub(super) struct LiveApis {
    source: Side,
    dest: Side,
}

struct Side {
    auth: Option<Auth>,
    base_url: Option<String>,
}

impl Vitesse {
    /// Finds the credentials that a deployment would have; without them nobody is asked.
    pub(super) fn live_apis(
        &self,
        integration: &Integration,
        streams: &[Stream],
        options: &TestStepOptions,
    ) -> Result<LiveApis> {
        let (source, dest) = (options.source_connection.as_ref(), options.dest_connection.as_ref());
        let connections = connections(integration, source, dest);
        let mappings: Vec<Mapping> = streams.iter().map(|stream| stream.mapping().clone()).collect();
        let found = self
            .credentials_for(integration.id, &mappings, &connections, &[], BTreeMap::new())
            .map_err(|error| error.help("name connections, set the variables, or test without `live`"))?;
        let side =
            |name: &str, prefix: &str, block: Option<(&mapping::Auth, &str)>, elsewhere: &Option<String>| {
                let Some((auth, base_url)) = block else {
                    return Ok::<Side, Error>(Side { auth: None, base_url: elsewhere.clone() });
                };
                let base_url = elsewhere.as_deref().unwrap_or(base_url);
                let part = |part: &str| Ok(found.get(&format!("{prefix}{part}")).cloned() as Option<Secret>);
                let kept_as = |part: &str| match connections.get(name) {
                    Some(connection) => secret_name(connection, part),
                    None => format!("{prefix}{part}"),
                };
                let scheme = self.scheme_of(auth, name, part, kept_as)?;
                let auth = scheme.map(|scheme| Auth::new(base_url, scheme)).transpose()?;
                Ok(Side { auth, base_url: Some(base_url.to_owned()) })
            };
        // All streams have the same two APIs, so the first speaks for all.
        let first = mappings.first();
        let source = first.and_then(|mapping| mapping.source.as_ref());
        let dest = first.and_then(|mapping| mapping.destination.as_ref());
        Ok(LiveApis {
            source: side(
                "source",
                "VITESSE_SOURCE_",
                source.map(|source| (&source.auth, source.base_url.as_str())),
                &options.source_base_url,
            )?,
            dest: side(
                "destination",
                "VITESSE_DEST_",
                dest.map(|dest| (&dest.auth, dest.base_url.as_str())),
                &options.dest_base_url,
            )?,
        })
    }
}

impl LiveApis {
    /// Both as one stream asks them.
    pub(super) fn of<'a>(&self, stream: &Stream, specs: &'a [Arc<ApiSpec>; 2]) -> [LiveApi<'a>; 2] {
        let mapping = stream.mapping();
        let source = mapping.source.as_ref().map(|source| source.base_url.clone());
        let dest = mapping.destination.as_ref().map(|dest| dest.base_url.clone());
        let api = |spec: &'a ApiSpec, side: &Side, own: Option<String>| LiveApi {
            spec,
            base_url: side.base_url.clone().or(own).unwrap_or_default(),
            auth: side.auth.clone(),
        };
        [api(&specs[0], &self.source, source), api(&specs[1], &self.dest, dest)]
    }
}
