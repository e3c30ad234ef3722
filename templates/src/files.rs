use serde::Serialize;

use crate::Template;

/// Builds an integration's image by hand. Vitesse itself needs no Dockerfile; people who want to see or change
/// what is in the image do.
#[derive(Clone, Debug, Serialize)]
pub struct Dockerfile {
    /// The integration's full id.
    pub integration_id: String,
    /// What people call it; any text.
    pub name: String,
    /// The hash that names the mapping.
    pub mapping_hash: String,
    /// The version of the runtime.
    pub version: String,
    /// Whether certificates were added to the usual roots.
    pub added_roots: bool,
}

impl Template for Dockerfile {
    const FILE: &'static str = "Dockerfile";
    const SOURCE: &'static str = include_str!("../files/Dockerfile.j2");
}

/// Runs an integration's image with Docker Compose, behind Traefik.
#[derive(Clone, Debug, Serialize)]
pub struct Compose {
    /// The integration's full id.
    pub integration_id: String,
    /// What people call it; any text.
    pub name: String,
    /// What the project and its image are called.
    pub project: String,
    /// Where it answers.
    pub service_url: String,
    /// Memory, in MiB.
    pub memory_mb: u32,
    /// Processor share, in cores.
    pub cpu_cores: f64,
    /// The labels of the container.
    pub labels: Vec<ComposeLabel>,
    /// The network that it shares with Traefik.
    pub network: String,
    /// Traefik's entry point; none if there is to be no Traefik.
    pub entry_point: Option<String>,
    /// The port of the entry point.
    pub port: u16,
}

/// A label of a container.
#[derive(Clone, Debug, Serialize)]
pub struct ComposeLabel {
    /// Its name.
    pub name: String,
    /// Its value; any text.
    pub value: String,
}

impl Template for Compose {
    const FILE: &'static str = "compose.yaml";
    const SOURCE: &'static str = include_str!("../files/compose.yaml.j2");
}

/// The environment an integration needs, with everything to fill in.
#[derive(Clone, Debug, Serialize)]
pub struct EnvFile {
    /// What people call the integration.
    pub name: String,
    /// Its variables.
    pub entries: Vec<EnvEntry>,
}

/// One line of an [`EnvFile`].
#[derive(Clone, Debug, Serialize)]
pub struct EnvEntry {
    /// The variable.
    pub name: String,
    /// What it is for, in a sentence.
    pub doc: String,
    /// Its value; `None` leaves it to be filled in. Never a secret.
    pub value: Option<String>,
}

impl Template for EnvFile {
    const FILE: &'static str = ".env.example";
    const SOURCE: &'static str = include_str!("../files/env.j2");
}

/// What a person should know who finds the folder of a project.
#[derive(Clone, Debug, Serialize)]
pub struct Readme {
    /// What people call the integration; any text.
    pub name: String,
    /// What people say of it; any text.
    pub description: String,
    /// What it is for; any text.
    pub intent: String,
    /// Its full id.
    pub integration_id: String,
    /// What the source is called.
    pub source: String,
    /// What the destination is called.
    pub destination: String,
    /// Its streams, in their order.
    pub streams: Vec<ReadmeStream>,
    /// The variables that must be set before it can run.
    pub needed: Vec<String>,
}

/// A stream as a [`Readme`] tells it.
#[derive(Clone, Debug, Serialize)]
pub struct ReadmeStream {
    /// Its name.
    pub name: String,
    /// Its mapping's file.
    pub file: String,
    /// What is read.
    pub from: String,
    /// What is written.
    pub to: String,
    /// How many lines are used.
    pub lines: usize,
}

impl Template for Readme {
    const FILE: &'static str = "README.md";
    const SOURCE: &'static str = include_str!("../files/README.md.j2");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render;

    #[test]
    fn dockerfile() {
        let mut values = Dockerfile {
            integration_id: "ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba".into(),
            name: "Shop \"to\" CRM\nRUN false".into(),
            mapping_hash: "sha256:5f3c".into(),
            version: "0.1.0".into(),
            added_roots: false,
        };
        insta::assert_snapshot!(render(&values).unwrap(), @r#"
        # Builds the image of one integration: Shop "to" CRM RUN false
        #
        #   vitesse image ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba --context .
        #   docker build -t vitesse-ad9cb833 .
        #
        # The first puts beside this file what it copies: the runtime, the roots of trust, the mappings, and an empty folder for
        # the state.
        FROM scratch
        COPY certs /etc/ssl/certs
        COPY --chown=65532:65532 state /state
        COPY vitesse-runtime /vitesse-runtime
        COPY mapping /mapping
        LABEL vitesse.integration.id="ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba" \
              vitesse.integration.name="Shop \"to\" CRM RUN false" \
              vitesse.mapping.hash="sha256:5f3c" \
              vitesse.version="0.1.0"
        USER 65532:65532
        VOLUME /state
        EXPOSE 8080
        ENV VITESSE_MAPPING=/mapping VITESSE_STATE=/state
        ENTRYPOINT ["/vitesse-runtime", "serve"]
        "#);
        values.added_roots = true;
        assert!(
            render(&values).unwrap().contains("\nENV SSL_CERT_FILE=/etc/ssl/certs/added.pem\nENTRYPOINT")
        );
    }

    #[test]
    fn compose() {
        let label = |name: &str, value: &str| ComposeLabel { name: name.into(), value: value.into() };
        let mut values = Compose {
            integration_id: "ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba".into(),
            name: "Shop \"to\" CRM\nservices: {evil: {image: evil}}".into(),
            project: "vitesse-ad9cb833".into(),
            service_url: "http://localhost/vitesse-ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba".into(),
            memory_mb: 512,
            cpu_cores: 0.5,
            labels: vec![
                label("traefik.enable", "true"),
                label("vitesse.integration.name", "a\": {}\n  - $(id) ${HOME} {{ x }}"),
            ],
            network: "vitesse-net".into(),
            entry_point: Some("web".into()),
            port: 80,
        };
        insta::assert_snapshot!(render(&values).unwrap(), @r#"
        # Runs one integration behind Traefik: Shop "to" CRM services: {evil: {image: evil}}
        #
        #   vitesse image ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba --context .
        #   cp .env.example .env, and fill it in
        #   docker network create vitesse-net, if it isn't there: integrations share it
        #   docker compose --project-name vitesse-ad9cb833 up --build --detach
        #
        # It answers at http://localhost/vitesse-ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba

        services:
          integration:
            build: .
            image: "vitesse-ad9cb833"
            restart: unless-stopped
            env_file: .env
            read_only: true
            cap_drop: [ALL]
            security_opt: ["no-new-privileges:true"]
            mem_limit: 512m
            cpus: 0.5
            pids_limit: 256
            stop_grace_period: 10s
            volumes:
              - state:/state
            networks: [apps]
            labels:
              "traefik.enable": "true"
              "vitesse.integration.name": "a\": {}\u000a  - $$(id) $${HOME} {{ x }}"

          # One for all integrations of the machine: leave it out where it runs already.
          traefik:
            image: "traefik:v3"
            restart: unless-stopped
            command:
              - "--providers.docker=true"
              - "--providers.docker.exposedbydefault=false"
              - "--providers.docker.network=vitesse-net"
              - "--entrypoints.web.address=:80"
            ports:
              - "80:80"
            volumes:
              - /var/run/docker.sock:/var/run/docker.sock:ro
            networks: [apps]

        volumes:
          state:

        networks:
          apps:
            name: "vitesse-net"
            external: true
        "#);
        values.entry_point = None;
        assert!(!render(&values).unwrap().contains("traefik:v3"));
    }

    #[test]
    fn readme() {
        let values = Readme {
            name: "Shop to CRM\n# <script>".into(),
            description: String::new(),
            intent: "sync `customers`".into(),
            integration_id: "ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba".into(),
            source: "Shop".into(),
            destination: "CRM | x".into(),
            streams: vec![ReadmeStream {
                name: "customers".into(),
                file: "mapping/001-customers.json".into(),
                from: "GET /customers".into(),
                to: "POST /contacts".into(),
                lines: 9,
            }],
            needed: vec!["VITESSE_SOURCE_TOKEN".into()],
        };
        insta::assert_snapshot!(render(&values).unwrap(), @r#"
        # Shop to CRM \# &lt;script>

        Moves records from Shop to CRM \| x. Made by Vitesse; the integration's id is
        `ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba`.

        What it is for: sync \`customers\`

        | stream | mapping | from | to | lines |
        |---|---|---|---|---|
        | customers | mapping/001-customers.json | GET /customers | POST /contacts | 9 |

        ## What is here

        - `vitesse.yaml` describes the integration: keep it in git, and run `vitesse plan` and `vitesse apply` with it.
        - `mapping/` holds what runs: one document a stream, in their order.
        - `.env.example` lists every variable that it reads; copy it to `.env` and fill it in.
        - `Dockerfile` builds an image by hand; `vitesse image ad9cb833-cd8d-4a49-8fcc-4a98bb3dbbba --context .` puts beside it what it
          copies. Vitesse itself doesn't need it.
        - `compose.yaml` runs that image behind Traefik.

        ## Running it

        ```sh
        export VITESSE_SOURCE_TOKEN=...
        VITESSE_MAPPING=mapping VITESSE_STATE=state vitesse-runtime serve
        ```
        "#);
    }

    #[test]
    fn env_file() {
        let entry = |name: &str, value: Option<&str>| EnvEntry {
            name: name.into(),
            doc: format!("What {name} is for."),
            value: value.map(Into::into),
        };
        let values = EnvFile {
            name: "Shop to CRM\nEVIL=1".into(),
            entries: vec![
                entry("VITESSE_SOURCE_BASE_URL", Some("https://shop.example/v1")),
                entry("VITESSE_SOURCE_TOKEN", None),
                entry("NOTE", Some("it's\nfine")),
            ],
        };
        insta::assert_snapshot!(render(&values).unwrap(), @r"
        # The environment of: Shop to CRM EVIL=1
        # A secret may stand in a file instead: NAME_FILE=/run/secrets/name.

        # What VITESSE_SOURCE_BASE_URL is for.
        VITESSE_SOURCE_BASE_URL=https://shop.example/v1

        # What VITESSE_SOURCE_TOKEN is for.
        #VITESSE_SOURCE_TOKEN=

        # What NOTE is for.
        NOTE='it'\''s fine'
        ");
    }
}
