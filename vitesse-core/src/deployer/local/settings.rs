use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result};

/// What the target `local` is told in `deployment_config`. Keys it doesn't know are left to others.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LocalSettings {
    /// The host at which the machine is reached, for the address that is told; with a port where it isn't the usual
    /// one.
    pub host: String,
    /// The engine's socket, as `unix:///var/run/docker.sock`; that of `DOCKER_HOST` if none is given.
    pub docker_socket: Option<String>,
    /// The network that containers and Traefik share. It is made if it isn't there.
    pub network: String,
    /// How Traefik routes.
    #[serde(rename = "traefik_config")]
    pub traefik: Traefik,
    /// A port of the machine at which the container answers by itself, beside Traefik.
    pub publish: Option<Published>,
}

/// How Traefik routes to an integration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Traefik {
    /// Whether it does at all.
    pub enabled: bool,
    /// The entry point that takes requests.
    #[serde(alias = "entrypoint", alias = "entryPoint")]
    pub entry_point: String,
    /// Under which domain an integration has a name of its own: `vitesse-ID.local`.
    pub domain: String,
    /// Whether it is routed over TLS.
    pub tls: bool,
    /// Where Traefik gets the certificate from; means TLS.
    #[serde(alias = "certresolver", alias = "certResolver")]
    pub cert_resolver: Option<String>,
}

/// A port of the machine, written `8080` for this machine alone, or `0.0.0.0:8080`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Published(pub SocketAddr);

impl Default for LocalSettings {
    fn default() -> Self {
        Self {
            host: "localhost".into(),
            docker_socket: None,
            network: "vitesse-net".into(),
            traefik: Traefik::default(),
            publish: None,
        }
    }
}

impl Default for Traefik {
    fn default() -> Self {
        Self {
            enabled: true,
            entry_point: "web".into(),
            domain: "local".into(),
            tls: false,
            cert_resolver: None,
        }
    }
}

impl TryFrom<Value> for Published {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let port = match &value {
            Value::Number(number) => number.as_u64().and_then(|port| u16::try_from(port).ok()),
            Value::String(text) => match text.parse::<SocketAddr>() {
                Ok(address) if address.port() != 0 => return Ok(Self(address)),
                _ => text.parse().ok(),
            },
            _ => None,
        };
        let port = port.filter(|port| *port != 0);
        let port = port.ok_or("publish is a port, as 8080, or an address with one, as 0.0.0.0:8080")?;
        Ok(Self(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)))
    }
}

impl LocalSettings {
    /// Reads what `deployment_config` says besides what every target knows.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] naming the key that is wrong.
    pub fn read(extra: &Map<String, Value>) -> Result<Self> {
        let wrong = |what: String| {
            Error::new(
                ErrorKind::InvalidInput,
                format!("deployment_config is wrong for the target local: {what}"),
            )
            .in_operation("deployer.local")
        };
        let settings: Self =
            serde_json::from_value(Value::Object(extra.clone())).map_err(|error| wrong(error.to_string()))?;
        let Self { host, docker_socket, network, traefik, .. } = &settings;
        let name = |text: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            (1..=63).contains(&text.len()) && text.chars().all(plain)
        };
        if host.is_empty()
            || host.len() > 255
            || !host.chars().all(|c| c.is_ascii_alphanumeric() || "-.:[]".contains(c))
        {
            return Err(wrong(format!("host is a name or an address, not {host:?}")));
        }
        let dotted = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !network.starts_with(|c: char| c.is_ascii_alphanumeric())
            || network.len() > 200
            || !network.chars().all(dotted)
        {
            return Err(wrong(format!("network is a name, not {network:?}")));
        }
        // These end up in a rule of Traefik's, between backticks, and in names of its configuration.
        let domain = !traefik.domain.is_empty()
            && traefik.domain.split('.').all(|part| name(part) && !part.contains('_'));
        if !domain || traefik.domain.len() > 200 {
            return Err(wrong(format!("traefik_config.domain is a domain, not {:?}", traefik.domain)));
        }
        for (key, value) in
            [("entry_point", Some(&traefik.entry_point)), ("cert_resolver", traefik.cert_resolver.as_ref())]
        {
            if let Some(value) = value.filter(|value| !name(value)) {
                return Err(wrong(format!("traefik_config.{key} is a name, not {value:?}")));
            }
        }
        // Whoever may deploy may not have this process connect wherever they like.
        if let Some(socket) = docker_socket.as_ref().filter(|socket| !socket.starts_with("unix://")) {
            return Err(wrong(format!("docker_socket is a unix:// address, not {socket:?}"))
                .help("an engine elsewhere is named by DOCKER_HOST, in the environment of Vitesse"));
        }
        Ok(settings)
    }

    /// Whether what Traefik takes is behind TLS.
    pub fn is_tls(&self) -> bool {
        self.traefik.tls || self.traefik.cert_resolver.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(config: Value) -> Result<LocalSettings> {
        LocalSettings::read(config.as_object().unwrap())
    }

    #[test]
    fn what_is_said_is_taken_and_the_rest_is_as_always() {
        assert_eq!(read(json!({})).unwrap(), LocalSettings::default());
        let settings = read(json!({
            "host": "10.0.0.5", "docker_socket": "unix:///run/docker.sock", "network": "apps", "region": "eu",
            "traefik_config": {"entrypoint": "websecure", "domain": "apps.example.com", "cert_resolver": "le"},
            "publish": "0.0.0.0:8080",
        }))
        .unwrap();
        assert_eq!((settings.host.as_str(), settings.network.as_str()), ("10.0.0.5", "apps"));
        assert_eq!(settings.traefik.entry_point, "websecure");
        assert!(settings.is_tls());
        assert_eq!(settings.publish.unwrap().0.to_string(), "0.0.0.0:8080");
        assert_eq!(read(json!({"publish": 8080})).unwrap().publish.unwrap().0.to_string(), "127.0.0.1:8080");
    }

    #[test]
    fn what_could_break_out_of_its_place_is_refused_by_its_key() {
        for (config, key) in [
            (json!({"host": "a/b?c"}), "host"),
            (json!({"network": "a b"}), "network"),
            (json!({"network": "--x"}), "network"),
            (json!({"traefik_config": {"domain": "a`) || Path(`/"}}), "domain"),
            (json!({"traefik_config": {"entry_point": "web,other"}}), "entry_point"),
            (json!({"traefik_config": {"cert_resolver": ""}}), "cert_resolver"),
            (json!({"traefik_config": {"midlewares": []}}), "midlewares"),
            (json!({"docker_socket": "tcp://10.0.0.1:2375"}), "docker_socket"),
            (json!({"publish": 0}), "publish"),
            (json!({"publish": 70000}), "publish"),
            (json!({"publish": true}), "publish"),
        ] {
            let error = read(config.clone()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(key), "{config}: {error}");
        }
    }
}
