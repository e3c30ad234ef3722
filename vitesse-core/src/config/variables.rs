/// One environment variable that Vitesse reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it is about; the groups of `.env.example`.
    pub group: &'static str,
    /// What it does, in a sentence.
    pub doc: &'static str,
    /// What holds when it isn't set, or empty.
    pub default: &'static str,
    /// A value that could stand there.
    pub example: &'static str,
    /// Whether its value must never be shown. Such a variable also has a `_FILE` twin that names a file.
    pub secret: bool,
}

macro_rules! variables {
    ($($group:literal { $($name:ident $(($secret:ident))? = $default:literal, $example:literal: $doc:literal;)+ })+) => {
        /// Every variable, in the order of `.env.example`.
        pub const VARIABLES: &[Variable] = &[$($(Variable {
            name: stringify!($name),
            group: $group,
            doc: $doc,
            default: $default,
            example: $example,
            secret: variables!(@ $($secret)?),
        },)+)+];
    };
    (@) => { false };
    (@ secret) => { true };
}

variables! {
    "Store" {
        VITESSE_STORE(secret) = "embedded, in the data folder", "postgres://vitesse@localhost/vitesse_db":
            "Where everything is kept: `memory:`, `embedded:PATH` or a PostgreSQL URL. Wins over POSTGRES_*.";
        POSTGRES_SERVER = "", "localhost":
            "Host of a PostgreSQL server, with `:port` where it isn't 5432. With POSTGRES_DB it makes the store's URL.";
        POSTGRES_USER = "postgres", "vitesse":
            "User for POSTGRES_SERVER.";
        POSTGRES_PASSWORD(secret) = "", "secure_password":
            "Password for POSTGRES_USER.";
        POSTGRES_DB = "", "vitesse_db":
            "Database on POSTGRES_SERVER.";
        VITESSE_HOME = "$XDG_DATA_HOME/vitesse", "/var/lib/vitesse":
            "The data folder: the embedded store and what deployments leave.";
    }
    "Security" {
        SECRET_KEY(secret) = "", "":
            "Seals credentials and samples in the store. Several keys separated by commas: the first seals, all open.";
        JWT_SECRET(secret) = "", "":
            "Checks the signed tokens of the control plane.";
        SSL_CERT_FILE = "", "/etc/ssl/certs/company.pem":
            "Certificates that are trusted beside the built-in roots.";
        VITESSE_ALLOW = "", "10.0.0.0/8,crm.internal":
            "Networks and hosts that may be reached although they aren't public, separated by commas.";
    }
    "Control plane" {
        VITESSE_HTTP_LISTEN = "127.0.0.1:9001", "0.0.0.0:9001":
            "Where `vitesse serve` answers. Off loopback it needs a key.";
        VITESSE_HTTP_KEY(secret) = "", "":
            "A key that callers of `vitesse serve` may send, besides those that `vitesse keys` makes.";
    }
    "Language model" {
        OPENAI_API_KEY(secret) = "", "":
            "Key of the language model that may help with undecided fields. Without it nothing leaves the machine.";
        LLM_MODEL = "gpt-4", "gpt-4":
            "Which model to ask.";
    }
    "Local deployment" {
        DOCKER_HOST = "unix:///var/run/docker.sock", "unix:///var/run/docker.sock":
            "The Docker Engine.";
        TRAEFIK_DASHBOARD_URL = "", "http://traefik.local:8080":
            "Traefik's API, asked after a deployment whether the route is up.";
        VITESSE_RUNTIME = "beside the executable", "/usr/local/bin/vitesse-runtime":
            "The runtime binary that deployments carry.";
    }
    "Cloud deployment" {
        AWS_REGION = "", "us-east-1":
            "Region of EKS and ECS.";
        AWS_ACCESS_KEY_ID = "", "":
            "Access key for AWS.";
        AWS_SECRET_ACCESS_KEY(secret) = "", "":
            "Its secret.";
        EKS_CLUSTER_NAME = "", "vitesse-prod":
            "The Kubernetes cluster on EKS.";
        VITESSE_REGISTRY_USERNAME(secret) = "", "vitesse":
            "The user that pushes images, where no connection is named.";
        VITESSE_REGISTRY_PASSWORD(secret) = "", "":
            "Its password or token.";
        ECR_REGISTRY_URL = "", "123456789.dkr.ecr.us-east-1.amazonaws.com":
            "The registry that images are pushed to.";
    }
    "Knowledge" {
        KNOWLEDGE_DB_BACKEND = "built-in", "qdrant":
            "Where learned knowledge is searched.";
        QDRANT_URL = "", "http://localhost:6333":
            "The Qdrant server.";
        QDRANT_API_KEY(secret) = "", "":
            "Its key.";
    }
    "Deployed integrations" {
        SOURCE_API_KEY(secret) = "", "":
            "Token for the source API, handed on to what is deployed.";
        DEST_API_KEY(secret) = "", "":
            "Token for the destination API, handed on to what is deployed.";
        BATCH_SIZE = "the mapping's", "50":
            "How many records go into one write.";
    }
    "The runtime" {
        VITESSE_MAPPING = "", "/mapping":
            "The mapping document that vitesse-runtime runs, or a folder of them, one for each stream.";
        VITESSE_STATE(secret) = "", "/state":
            "Where vitesse-runtime keeps its state: `memory:`, a path or a PostgreSQL URL.";
        VITESSE_LISTEN = "0.0.0.0:8080", "127.0.0.1:8080":
            "Where `vitesse-runtime serve` takes records and webhooks.";
        VITESSE_KEY(secret) = "", "":
            "The key that callers of /transform must send, if there is one.";
        VITESSE_ADMIN_LISTEN = "127.0.0.1:9464", "0.0.0.0:9464":
            "Where `vitesse-runtime serve` is operated. Off loopback it needs VITESSE_ADMIN_KEY.";
        VITESSE_ADMIN_KEY(secret) = "", "":
            "The key that operators must send, if there is one.";
        VITESSE_SCHEDULE = "", "15m":
            "When `vitesse-runtime serve` syncs: every so often (`15m`), or a cron pattern (`0 6 * * 1-5`).";
        VITESSE_TIME_ZONE = "UTC", "Europe/Berlin":
            "The time zone of a cron pattern.";
        VITESSE_HOOKS(secret) = "", "{\"orders\": {\"scheme\": \"github\", \"secret\": \"...\"}}":
            "The webhooks that are taken, by name, as JSON.";
        VITESSE_ALERT_URL(secret) = "", "https://ops.example.com/hooks/vitesse":
            "Where alerts are sent.";
        VITESSE_ALERT_SECRET(secret) = "", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw":
            "Signs alerts, as Standard Webhooks do.";
        VITESSE_SOURCE_TOKEN(secret) = "", "":
            "Token or API key for the source API; wins over SOURCE_API_KEY.";
        VITESSE_SOURCE_CLIENT_ID(secret) = "", "":
            "OAuth 2 client id for the source API.";
        VITESSE_SOURCE_CLIENT_SECRET(secret) = "", "":
            "OAuth 2 client secret for the source API.";
        VITESSE_SOURCE_REFRESH_TOKEN(secret) = "", "":
            "OAuth 2 refresh token for the source API; where the API replaces it, the new one is kept with the state.";
        VITESSE_SOURCE_USERNAME(secret) = "", "":
            "User name for the source API.";
        VITESSE_SOURCE_PASSWORD(secret) = "", "":
            "Its password.";
        VITESSE_SOURCE_BASE_URL = "the mapping's", "https://shop.example.com/v1":
            "Where the source API is, if not where the mapping says (or VITESSE_SOURCE_BASE_URL_FILE).";
        VITESSE_DEST_TOKEN(secret) = "", "":
            "Token or API key for the destination API; wins over DEST_API_KEY.";
        VITESSE_DEST_CLIENT_ID(secret) = "", "":
            "OAuth 2 client id for the destination API.";
        VITESSE_DEST_CLIENT_SECRET(secret) = "", "":
            "OAuth 2 client secret for the destination API.";
        VITESSE_DEST_REFRESH_TOKEN(secret) = "", "":
            "OAuth 2 refresh token for the destination API; where the API replaces it, the new one is kept with the state.";
        VITESSE_DEST_USERNAME(secret) = "", "":
            "User name for the destination API.";
        VITESSE_DEST_PASSWORD(secret) = "", "":
            "Its password.";
        VITESSE_DEST_BASE_URL = "the mapping's", "https://crm.example.com/v1":
            "Where the destination API is, if not where the mapping says (or VITESSE_DEST_BASE_URL_FILE).";
    }
    "Traces" {
        OTEL_EXPORTER_OTLP_ENDPOINT = "", "http://collector:4318":
            "Where `vitesse-runtime serve` sends traces, by OTLP over HTTP. Needs a build with the feature `otel`.";
        OTEL_EXPORTER_OTLP_HEADERS(secret) = "", "x-api-key=abc":
            "Headers that are sent with them: `name=value`, separated by commas.";
        OTEL_SERVICE_NAME = "vitesse-runtime", "shop-to-crm":
            "What the service is called there.";
    }
    "Logs" {
        VITESSE_LOG = "warn", "info":
            "What is logged on stderr: error, warn, info, debug, trace, or per module as `vitesse_core::net=debug`.";
    }
}
