//! What Traefik, of version 2 or 3, reads of a container's labels. Only the data side is routed.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::LocalSettings;
use crate::deployer::container_id;

/// The port of the container that takes records and webhooks.
pub(super) const DATA_PORT: u16 = 8080;
/// How often Traefik asks a container for its health, and how long it waits for the answer.
pub(super) const HEALTH_SECONDS: u64 = 2;
/// How many servers Traefik tries for a request when one can't be connected to.
const RETRIES: u64 = 3;

impl LocalSettings {
    /// Where an integration answers.
    pub fn service_url(&self, integration: Uuid) -> String {
        match (self.traefik.enabled, self.publish) {
            (false, Some(published)) => format!("http://{}:{}", self.host_alone(), published.0.port()),
            // Nobody but its network can reach it.
            (false, None) => format!("http://{}:{DATA_PORT}", container_id(integration)),
            _ => {
                let scheme = if self.is_tls() { "https" } else { "http" };
                format!("{scheme}://{}{}", self.host, path(integration))
            }
        }
    }

    fn host_alone(&self) -> &str {
        match self.host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => &self.host,
        }
    }

    /// The labels by which Traefik routes to an integration; none if it doesn't.
    ///
    /// Requests come to `/vitesse-ID`, which is taken off, or to the host `vitesse-ID.DOMAIN`.
    pub fn routes(&self, integration: Uuid) -> BTreeMap<String, String> {
        let traefik = &self.traefik;
        if !traefik.enabled {
            return BTreeMap::new();
        }
        let (name, path) = (router(integration), path(integration));
        let http = |rest: &str| format!("traefik.http.{rest}");
        let own = |kind: &str, rest: &str| http(&format!("{kind}.{name}.{rest}"));
        let mut labels = BTreeMap::from([
            ("traefik.enable".to_owned(), "true".to_owned()),
            ("traefik.docker.network".to_owned(), self.network.clone()),
            (own("routers", "rule"), format!("Host(`{name}.{}`) || PathPrefix(`{path}`)", traefik.domain)),
            (own("routers", "entrypoints"), traefik.entry_point.clone()),
            (own("routers", "service"), name.clone()),
            (own("routers", "middlewares"), format!("{name}-retry,{name}-strip")),
            // Only what reached no server is sent to another: nothing is written twice.
            (http(&format!("middlewares.{name}-retry.retry.attempts")), RETRIES.to_string()),
            (http(&format!("middlewares.{name}-strip.stripprefix.prefixes")), path),
            (own("services", "loadbalancer.server.port"), DATA_PORT.to_string()),
            (own("services", "loadbalancer.healthcheck.path"), "/health".into()),
            (own("services", "loadbalancer.healthcheck.interval"), format!("{HEALTH_SECONDS}s")),
            (own("services", "loadbalancer.healthcheck.timeout"), format!("{HEALTH_SECONDS}s")),
        ]);
        if self.is_tls() {
            labels.insert(own("routers", "tls"), "true".into());
        }
        if let Some(resolver) = &traefik.cert_resolver {
            labels.insert(own("routers", "tls.certresolver"), resolver.clone());
        }
        labels
    }
}

/// What Traefik calls an integration's router and service.
pub(super) fn router(integration: Uuid) -> String {
    format!("vitesse-{integration}")
}

fn path(integration: Uuid) -> String {
    format!("/{}", router(integration))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn id() -> Uuid {
        Uuid::parse_str("ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba").unwrap()
    }

    fn settings(config: Value) -> LocalSettings {
        LocalSettings::read(config.as_object().unwrap()).unwrap()
    }

    #[test]
    fn only_the_data_side_is_routed() {
        let labels = settings(json!({})).routes(id());
        let text: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        insta::assert_snapshot!(text.join("\n"), @r#"
        traefik.docker.network=vitesse-net
        traefik.enable=true
        traefik.http.middlewares.vitesse-ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba-retry.retry.attempts=3
        traefik.http.middlewares.vitesse-ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba-strip.stripprefix.prefixes=/vitesse-ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba
        traefik.http.routers.vitesse-ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba.entrypoints=web
        traefik.http.routers.vitesse-ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba.middlewares=vitesse-ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba-retry,vitesse-ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba-strip
        traefik.http.routers.vitesse-ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba.rule=Host(`vitesse-ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba.local`) || PathPrefix(`/vitesse-ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba`)
        traefik.http.routers.vitesse-ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba.service=vitesse-ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba
        traefik.http.services.vitesse-ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba.loadbalancer.healthcheck.interval=2s
        traefik.http.services.vitesse-ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba.loadbalancer.healthcheck.path=/health
        traefik.http.services.vitesse-ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba.loadbalancer.healthcheck.timeout=2s
        traefik.http.services.vitesse-ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba.loadbalancer.server.port=8080
        "#);
        assert!(!labels.values().any(|value| value.contains("9464")));
        assert!(settings(json!({"traefik_config": {"enabled": false}})).routes(id()).is_empty());
        let tls = settings(json!({"traefik_config": {"cert_resolver": "le"}})).routes(id());
        assert_eq!(tls[&format!("traefik.http.routers.vitesse-{}.tls", id())], "true");
        assert_eq!(tls[&format!("traefik.http.routers.vitesse-{}.tls.certresolver", id())], "le");
    }

    /// Traefik reads a label as a path into its configuration. These are the fields it documents for versions 2 and 3,
    /// with what each holds.
    #[test]
    fn each_label_is_one_that_traefik_knows() {
        const NAMED: &[(&str, &str)] = &[
            ("routers.rule", "rule"),
            ("routers.entrypoints", "names"),
            ("routers.service", "name"),
            ("routers.middlewares", "names"),
            ("routers.tls", "flag"),
            ("routers.tls.certresolver", "name"),
            ("middlewares.retry.attempts", "number"),
            ("middlewares.stripprefix.prefixes", "path"),
            ("services.loadbalancer.server.port", "number"),
            ("services.loadbalancer.healthcheck.path", "path"),
            ("services.loadbalancer.healthcheck.interval", "time"),
            ("services.loadbalancer.healthcheck.timeout", "time"),
        ];
        let labels = settings(json!({"traefik_config": {"cert_resolver": "le"}})).routes(id());
        let name =
            |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        for (label, value) in &labels {
            let Some(rest) = label.strip_prefix("traefik.http.") else {
                assert!(matches!(label.as_str(), "traefik.enable" | "traefik.docker.network"), "{label}");
                continue;
            };
            let mut parts: Vec<&str> = rest.split('.').collect();
            assert!(name(parts.remove(1)), "{label}: a name with a dot would be two steps of the path");
            let (_, holds) =
                NAMED.iter().find(|(path, _)| *path == parts.join(".")).unwrap_or_else(|| panic!("{label}"));
            let fits = match *holds {
                "name" => name(value),
                "names" => value.split(',').all(name),
                "flag" => value == "true",
                "number" => value.parse::<u16>().is_ok(),
                "path" => value.starts_with('/') && !value.contains(['`', ' ', ',']),
                "time" => value.strip_suffix('s').is_some_and(|n| n.parse::<u16>().is_ok()),
                _ => value.split(" || ").all(|matcher| {
                    let inner = matcher.strip_prefix("Host(`").or(matcher.strip_prefix("PathPrefix(`"));
                    inner.and_then(|inner| inner.strip_suffix("`)")).is_some_and(|text| !text.contains('`'))
                }),
            };
            assert!(fits, "{label}={value}");
        }
    }

    #[test]
    fn the_address_is_where_requests_come_in() {
        let url = |config: Value| settings(config).service_url(id());
        assert_eq!(url(json!({})), format!("http://localhost/vitesse-{}", id()));
        assert_eq!(
            url(json!({"host": "10.0.0.5:8443", "traefik_config": {"tls": true}})),
            format!("https://10.0.0.5:8443/vitesse-{}", id())
        );
        assert_eq!(
            url(json!({"traefik_config": {"enabled": false}, "publish": 9000})),
            "http://localhost:9000"
        );
    }
}
