//! The table itself: what there is to be asked, in the order of the book's page.

use super::{Asked, Given, Kind, Operation, Param};
use super::{agents, connections, deployments, integrations, keys, review, running, steps, system};

const fn optional(name: &'static str, kind: Kind, doc: &'static str) -> Param {
    Param { name, kind, required: false, doc }
}

const AFTER: Param = optional(
    "after",
    Kind::Text(1, 400),
    "The `next` of the page before, unchanged; nothing for the first page.",
);
const LIMIT: Param =
    optional("limit", Kind::Whole(1, 500), "At most this many items; 50 if nothing is said.");
const PAGED: &[Param] = &[LIMIT, AFTER];

const GET: Operation = Operation {
    id: "",
    method: "GET",
    path: "",
    tag: "",
    summary: "",
    doc: "",
    query: &[],
    body: None,
    gives: (200, Given::Json("Answer")),
    fails: &[],
    repeatable: false,
    conditional: false,
    root: false,
    open: false,
    run: |call| Box::pin(system::health(call)),
};
const POST: Operation = Operation { method: "POST", repeatable: true, fails: &[404, 409, 500], ..GET };
const ONE: Operation = Operation { fails: &[404], ..GET };

const fn body(schema: &'static str) -> Option<Asked> {
    Some(Asked { schema, required: true })
}

const fn optional_body(schema: &'static str) -> Option<Asked> {
    Some(Asked { schema, required: false })
}

const STATUSES: &[&str] = &["discovering", "mapping", "testing", "deploying", "active", "failed"];

/// The table.
pub(crate) const OPERATIONS: &[Operation] = &[
    Operation {
        id: "discover",
        path: "/discover",
        tag: "The five steps",
        summary: "Search APIs by name or by what they do",
        doc: "Each result can be given to `POST /integrations` as it is. Nothing leaves the machine.",
        query: &[
            Param {
                name: "query",
                kind: Kind::Text(1, 500),
                required: true,
                doc: "What the API is called or what it does.",
            },
            optional("limit", Kind::Whole(1, 100), "At most this many results; 10 if nothing is said."),
        ],
        gives: (200, Given::Json("Discovered")),
        run: |call| Box::pin(system::discover(call)),
        ..GET
    },
    Operation {
        id: "createIntegration",
        path: "/integrations",
        tag: "The five steps",
        summary: "Step 1: make an integration of two chosen APIs",
        doc: "Everything is checked before anything is stored.",
        body: body("CreateRequest"),
        gives: (200, Given::Json("Created")),
        fails: &[409, 500],
        run: |call| Box::pin(steps::create(call)),
        ..POST
    },
    Operation {
        id: "ingestIntegration",
        path: "/integrations/{integration_id}/ingest",
        tag: "The five steps",
        summary: "Step 2: read the descriptions of both APIs",
        doc: "Addresses that are left out are found out from the discovery results.",
        body: optional_body("IngestRequest"),
        gives: (200, Given::Json("Ingested")),
        conditional: true,
        run: |call| Box::pin(steps::ingest(call)),
        ..POST
    },
    Operation {
        id: "mapIntegration",
        path: "/integrations/{integration_id}/map",
        tag: "The five steps",
        summary: "Step 3: find which fields become which",
        doc: "If nothing fits, `transformation_count` is 0, the status stays `mapping`, and `remedy` says what to do.",
        body: optional_body("MapRequest"),
        gives: (200, Given::Json("Mapped")),
        conditional: true,
        run: |call| Box::pin(steps::map(call)),
        ..POST
    },
    Operation {
        id: "testIntegration",
        path: "/integrations/{integration_id}/test",
        tag: "The five steps",
        summary: "Step 4: prove the mapping on synthetic records",
        doc: "A score under the threshold is answered with 400; the report is kept all the same.",
        body: optional_body("TestRequest"),
        gives: (200, Given::Json("Tested")),
        conditional: true,
        run: |call| Box::pin(steps::test(call)),
        ..POST
    },
    Operation {
        id: "deployIntegration",
        path: "/integrations/{integration_id}/deploy",
        tag: "The five steps",
        summary: "Step 5: bring up what was tested, and wait until it is healthy",
        doc: "What is left out stays as the integration has it: one replica, 512 MiB, half a core.",
        body: optional_body("DeployRequest"),
        gives: (200, Given::Json("Deployed")),
        conditional: true,
        run: |call| Box::pin(steps::deploy(call)),
        ..POST
    },
    Operation {
        id: "listIntegrations",
        path: "/integrations",
        tag: "Integrations",
        summary: "List integrations, newest first",
        doc: "An integration that is there all the while is listed exactly once, whatever else is written meanwhile. \
              `count` is how many are on this page.",
        query: &[
            LIMIT,
            AFTER,
            optional("status", Kind::Word(STATUSES), "Only at this status."),
            optional("name", Kind::Text(1, 200), "Only with this text in the name, in any case."),
            optional("created_by", Kind::Text(1, 200), "Only made by this person."),
            optional("deployment_target", Kind::Text(1, 100), "Only for this target, as it was asked for."),
            optional(
                "view",
                Kind::Word(&["summary", "overview"]),
                "`overview` tells more of each: the builder's record.",
            ),
        ],
        gives: (200, Given::Json("Integrations")),
        run: |call| Box::pin(integrations::list(call)),
        ..GET
    },
    Operation {
        id: "integrationStatistics",
        path: "/integrations/stats",
        tag: "Integrations",
        summary: "Figures over all integrations",
        gives: (200, Given::Json("StatisticsAnswer")),
        run: |call| Box::pin(integrations::statistics(call)),
        ..GET
    },
    Operation {
        id: "getIntegration",
        path: "/integrations/{integration_id}",
        tag: "Integrations",
        summary: "Tell how an integration is",
        doc: "Without an envelope. The ETag names the revision for `If-Match`.",
        gives: (200, Given::Json("IntegrationState")),
        run: |call| Box::pin(integrations::get(call)),
        ..ONE
    },
    Operation {
        id: "updateIntegration",
        method: "PATCH",
        path: "/integrations/{integration_id}",
        tag: "Integrations",
        summary: "Change what people said of an integration",
        doc: "What depended on it is to be done again: another API wants its description read, another intent a new mapping.",
        body: body("UpdateRequest"),
        gives: (200, Given::Json("IntegrationAnswer")),
        conditional: true,
        repeatable: false,
        run: |call| Box::pin(integrations::update(call)),
        ..POST
    },
    Operation {
        id: "deleteIntegration",
        method: "DELETE",
        path: "/integrations/{integration_id}",
        tag: "Integrations",
        summary: "Destroy what runs of an integration, and remove it with every record of it",
        query: &[optional("force", Kind::Flag, "Remove it even if its target can't be reached.")],
        gives: (200, Given::Json("Done")),
        conditional: true,
        repeatable: false,
        run: |call| Box::pin(integrations::delete(call)),
        ..POST
    },
    Operation {
        id: "getIntegrationDetails",
        path: "/integrations/{integration_id}/details",
        tag: "Integrations",
        summary: "Everything that is kept of an integration, with its field mappings and rules",
        gives: (200, Given::Json("DetailsAnswer")),
        run: |call| Box::pin(integrations::details(call)),
        ..ONE
    },
    Operation {
        id: "getDescription",
        path: "/integrations/{integration_id}/descriptions/{side}",
        tag: "Integrations",
        summary: "The description of one side as it was read: `source` or `destination`",
        gives: (200, Given::Json("Answer")),
        run: |call| Box::pin(integrations::description(call)),
        ..ONE
    },
    Operation {
        id: "getHistory",
        path: "/integrations/{integration_id}/history",
        tag: "Integrations",
        summary: "What was done to an integration, by whom, and how it ended, newest first",
        query: PAGED,
        gives: (200, Given::Json("HistoryAnswer")),
        run: |call| Box::pin(integrations::history(call)),
        ..ONE
    },
    Operation {
        id: "getDeploymentConfigs",
        path: "/integrations/{integration_id}/deployment-configs",
        tag: "Integrations",
        summary: "Every deployment configuration it had, oldest first",
        gives: (200, Given::Json("ListAnswer")),
        run: |call| Box::pin(integrations::configs(call)),
        ..ONE
    },
    Operation {
        id: "reviewMapping",
        path: "/integrations/{integration_id}/review",
        tag: "The mapping",
        summary: "The mapping line by line, as a person reviews it",
        gives: (200, Given::Json("Answer")),
        run: |call| Box::pin(review::look(call)),
        ..ONE
    },
    Operation {
        id: "editMapping",
        path: "/integrations/{integration_id}/review",
        tag: "The mapping",
        summary: "Accept, reject, replace and add lines: all of them or none",
        doc: "A mapping that changed is to be tested again.",
        body: body("EditRequest"),
        gives: (200, Given::Json("Edited")),
        conditional: true,
        run: |call| Box::pin(review::edit(call)),
        ..POST
    },
    Operation {
        id: "tryRecord",
        path: "/integrations/{integration_id}/review/try",
        tag: "The mapping",
        summary: "Try the mapping, or one line of it, on a record",
        doc: "Nothing is kept of the record.",
        body: body("TryRequest"),
        gives: (200, Given::Json("Tried")),
        repeatable: false,
        run: |call| Box::pin(review::attempt(call)),
        ..POST
    },
    Operation {
        id: "getMappings",
        path: "/integrations/{integration_id}/mappings",
        tag: "The mapping",
        summary: "The mapping documents, one a stream: what the runtime gets",
        gives: (200, Given::Json("ListAnswer")),
        run: |call| Box::pin(review::documents(call)),
        ..ONE
    },
    Operation {
        id: "listFieldMappings",
        path: "/integrations/{integration_id}/field-mappings",
        tag: "The mapping",
        summary: "The lines that are used, as field mappings",
        gives: (200, Given::Json("FieldMappings")),
        run: |call| Box::pin(review::field_mappings(call)),
        ..ONE
    },
    Operation {
        id: "addFieldMapping",
        path: "/integrations/{integration_id}/field-mappings",
        tag: "The mapping",
        summary: "Add a field mapping, or replace the one for the same field",
        body: body("NewFieldMapping"),
        gives: (201, Given::Json("FieldMappingAnswer")),
        run: |call| Box::pin(review::add_field_mapping(call)),
        ..POST
    },
    Operation {
        id: "listTransformationRules",
        path: "/integrations/{integration_id}/transformation-rules",
        tag: "The mapping",
        summary: "The lines that change their value, as rules",
        gives: (200, Given::Json("TransformationRules")),
        run: |call| Box::pin(review::rules(call)),
        ..ONE
    },
    Operation {
        id: "addTransformationRule",
        path: "/integrations/{integration_id}/transformation-rules",
        tag: "The mapping",
        summary: "Add a rule, or replace the line for the same field",
        doc: "A rule that isn't enabled is kept and left out of what runs.",
        body: body("NewTransformationRule"),
        gives: (201, Given::Json("TransformationRuleAnswer")),
        run: |call| Box::pin(review::add_rule(call)),
        ..POST
    },
    Operation {
        id: "startTest",
        path: "/integrations/{integration_id}/tests",
        tag: "Tests",
        summary: "Begin step 4 in the background",
        doc: "Ask for the test until its status is `completed` or `failed`.",
        body: optional_body("TestRequest"),
        gives: (202, Given::Json("TestRunAnswer")),
        run: |call| Box::pin(steps::start_test(call)),
        ..POST
    },
    Operation {
        id: "listTests",
        path: "/integrations/{integration_id}/tests",
        tag: "Tests",
        summary: "The tests of an integration, newest first",
        query: PAGED,
        gives: (200, Given::Json("TestRuns")),
        run: |call| Box::pin(integrations::tests(call)),
        ..ONE
    },
    Operation {
        id: "getTest",
        path: "/integrations/{integration_id}/tests/{test_id}",
        tag: "Tests",
        summary: "One test",
        gives: (200, Given::Json("TestRunAnswer")),
        run: |call| Box::pin(integrations::test(call)),
        ..ONE
    },
    Operation {
        id: "listTestResults",
        path: "/integrations/{integration_id}/test-results",
        tag: "Tests",
        summary: "The single calls that tests made, newest first",
        query: PAGED,
        gives: (200, Given::Json("TestResults")),
        run: |call| Box::pin(integrations::results(call)),
        ..ONE
    },
    Operation {
        id: "previewDeployment",
        path: "/integrations/{integration_id}/deploy/preview",
        tag: "Deployments",
        summary: "What step 5 would do, without doing it",
        doc: "Each object exactly as its target would make it, and how it differs from what is there. Secrets are named, \
              never shown; nothing that is given is kept. What step 5 would refuse is refused here as well.",
        body: optional_body("DeployRequest"),
        gives: (200, Given::Json("PreviewAnswer")),
        repeatable: false,
        run: |call| Box::pin(deployments::preview(call)),
        ..POST
    },
    Operation {
        id: "rollBack",
        path: "/integrations/{integration_id}/rollback",
        tag: "Deployments",
        summary: "Bring back an earlier deployment with its mappings, configuration and variables",
        doc: "The one that is named, else the last that differs from what runs. Credentials are those of today.",
        body: optional_body("RollbackRequest"),
        gives: (200, Given::Json("Deployed")),
        conditional: true,
        run: |call| Box::pin(deployments::roll_back(call)),
        ..POST
    },
    Operation {
        id: "listDeployments",
        path: "/integrations/{integration_id}/deployments",
        tag: "Deployments",
        summary: "The deployments that were tried, with their configuration, newest first",
        doc: "The last 50 are kept.",
        query: &[optional("limit", Kind::Whole(1, 50), "At most this many; all if nothing is said.")],
        gives: (200, Given::Json("Deployments")),
        run: |call| Box::pin(deployments::list(call)),
        ..ONE
    },
    Operation {
        id: "getDeployment",
        path: "/integrations/{integration_id}/deployments/{number}",
        tag: "Deployments",
        summary: "One of them, with its build log, its mappings and the files that were generated for it",
        gives: (200, Given::Json("DeploymentAnswer")),
        run: |call| Box::pin(deployments::get(call)),
        ..ONE
    },
    Operation {
        id: "exportIntegration",
        path: "/integrations/{integration_id}/export",
        tag: "Deployments",
        summary: "The complete generated project, as files",
        doc: "What runs, what describes it, and what a person needs to run it by hand. It holds no secret.",
        gives: (200, Given::Json("Exported")),
        run: |call| Box::pin(deployments::export(call)),
        ..ONE
    },
    Operation {
        id: "makeImage",
        path: "/integrations/{integration_id}/image",
        tag: "Deployments",
        summary: "Put the image of an integration together, and push it if a place is named",
        doc: "It needs no Docker. The registry's login is that of the connection, else of the server's environment.",
        body: optional_body("ImageRequest"),
        gives: (200, Given::Json("ImageAnswer")),
        run: |call| Box::pin(deployments::make_image(call)),
        ..POST
    },
    Operation {
        id: "getImage",
        path: "/integrations/{integration_id}/image",
        tag: "Deployments",
        summary: "The image as an archive, which `docker load` and tools for OCI images read",
        gives: (200, Given::Text("application/x-tar")),
        fails: &[404, 500],
        run: |call| Box::pin(deployments::image_archive(call)),
        ..GET
    },
    Operation {
        id: "getRunning",
        path: "/integrations/{integration_id}/status",
        tag: "What runs",
        summary: "The integration, its deployment, and what the deployment tells of itself",
        gives: (200, Given::Json("Answer")),
        run: |call| Box::pin(running::status(call)),
        ..ONE
    },
    Operation {
        id: "syncNow",
        path: "/integrations/{integration_id}/sync",
        tag: "What runs",
        summary: "Have the deployment move records now, and wait until it did",
        gives: (200, Given::Json("Answer")),
        run: |call| Box::pin(running::sync(call)),
        ..POST
    },
    Operation {
        id: "pause",
        path: "/integrations/{integration_id}/pause",
        tag: "What runs",
        summary: "Stop what is deployed, and keep its place and its state",
        gives: (200, Given::Json("Done")),
        run: |call| Box::pin(running::pause(call)),
        ..POST
    },
    Operation {
        id: "resume",
        path: "/integrations/{integration_id}/resume",
        tag: "What runs",
        summary: "Start what was paused",
        gives: (200, Given::Json("Done")),
        run: |call| Box::pin(running::resume(call)),
        ..POST
    },
    Operation {
        id: "getLogs",
        path: "/integrations/{integration_id}/logs",
        tag: "What runs",
        summary: "Lines of the deployment's log, oldest first",
        query: PAGED,
        gives: (200, Given::Json("Logs")),
        fails: &[404, 500],
        run: |call| Box::pin(running::logs(call)),
        ..GET
    },
    Operation {
        id: "getWhiteboard",
        path: "/integrations/{integration_id}/whiteboard",
        tag: "The whiteboard",
        summary: "The shared state of an integration's stages",
        gives: (200, Given::Json("Answer")),
        run: |call| Box::pin(running::whiteboard(call)),
        ..ONE
    },
    Operation {
        id: "getWhiteboardLog",
        path: "/integrations/{integration_id}/whiteboard/log",
        tag: "The whiteboard",
        summary: "The log underneath, oldest first",
        query: PAGED,
        gives: (200, Given::Json("ListAnswer")),
        run: |call| Box::pin(running::whiteboard_log(call)),
        ..ONE
    },
    Operation {
        id: "followEvents",
        path: "/integrations/{integration_id}/events",
        tag: "The whiteboard",
        summary: "What happens to an integration, as it happens: server-sent events",
        doc: "Each entry of the whiteboard's log is an event with an id; the header `Last-Event-ID` goes on after one. \
              `progress` events tell how far a running step is, and have no id.",
        query: &[
            optional("after", Kind::Text(1, 100), "Go on after this event, where the header can't be sent."),
            optional("follow", Kind::Flag, "`false` ends with the last event that is there."),
        ],
        gives: (200, Given::Text("text/event-stream")),
        run: |call| Box::pin(crate::events::follow(call)),
        ..ONE
    },
    Operation {
        id: "listAgentActivities",
        path: "/agents/activities",
        tag: "Agents",
        summary: "What each agent does and did, over all integrations",
        gives: (200, Given::Json("AgentActivities")),
        run: |call| Box::pin(agents::activities(call)),
        ..GET
    },
    Operation {
        id: "listAgentCommunications",
        path: "/agents/communications",
        tag: "Agents",
        summary: "What agents told each other, newest first",
        query: &[
            optional("integration_id", Kind::Text(36, 36), "Only about this integration."),
            optional("limit", Kind::Whole(1, 500), "At most this many; 50 if nothing is said."),
        ],
        gives: (200, Given::Json("AgentCommunications")),
        run: |call| Box::pin(agents::communications(call)),
        ..GET
    },
    Operation {
        id: "agentStatistics",
        path: "/agents/stats",
        tag: "Agents",
        summary: "How the agents work together, over all integrations",
        gives: (200, Given::Json("CollaborationAnswer")),
        run: |call| Box::pin(agents::collaboration(call)),
        ..GET
    },
    Operation {
        id: "getAgentMetrics",
        path: "/agents/{agent_id}/metrics",
        tag: "Agents",
        summary: "How one agent does: `discovery`, `ingestor`, `mapper`, `guardian` or `deployer`",
        gives: (200, Given::Json("AgentMetricsAnswer")),
        run: |call| Box::pin(agents::metrics(call)),
        ..ONE
    },
    Operation {
        id: "listConnections",
        path: "/connections",
        tag: "Connections",
        summary: "Every connection, by name, without its secrets",
        gives: (200, Given::Json("Connections")),
        run: |call| Box::pin(connections::list(call)),
        ..GET
    },
    Operation {
        id: "addConnection",
        path: "/connections",
        tag: "Connections",
        summary: "Add a connection, or replace the one of that name",
        doc: "Its secrets go to where credentials are kept, and are never shown again.",
        body: body("NewConnection"),
        gives: (201, Given::Json("ConnectionAnswer")),
        repeatable: false,
        fails: &[409, 500],
        run: |call| Box::pin(connections::add(call)),
        ..POST
    },
    Operation {
        id: "getConnection",
        path: "/connections/{name}",
        tag: "Connections",
        summary: "One connection, without its secrets",
        gives: (200, Given::Json("ConnectionAnswer")),
        run: |call| Box::pin(connections::get(call)),
        ..ONE
    },
    Operation {
        id: "deleteConnection",
        method: "DELETE",
        path: "/connections/{name}",
        tag: "Connections",
        summary: "Remove a connection and its secrets",
        gives: (200, Given::Json("Done")),
        repeatable: false,
        run: |call| Box::pin(connections::remove(call)),
        ..POST
    },
    Operation {
        id: "testConnection",
        path: "/connections/{name}/test",
        tag: "Connections",
        summary: "Try a connection: its token endpoint, if it has one, then a read of the API's address",
        gives: (200, Given::Json("ConnectionTestAnswer")),
        repeatable: false,
        run: |call| Box::pin(connections::test(call)),
        ..POST
    },
    Operation {
        id: "listKeys",
        path: "/keys",
        tag: "Keys",
        summary: "The keys that count, without themselves",
        gives: (200, Given::Json("Keys")),
        run: |call| Box::pin(keys::list(call)),
        ..GET
    },
    Operation {
        id: "addKey",
        path: "/keys",
        tag: "Keys",
        summary: "Make a key for somebody",
        doc: "The only answer that ever shows it. From now on nobody may ask without a key.",
        body: body("NewKey"),
        gives: (201, Given::Json("KeyAnswer")),
        repeatable: false,
        fails: &[409, 500],
        run: |call| Box::pin(keys::add(call)),
        ..POST
    },
    Operation {
        id: "revokeKey",
        method: "DELETE",
        path: "/keys/{key_id}",
        tag: "Keys",
        summary: "Take a key back",
        gives: (200, Given::Json("Done")),
        repeatable: false,
        run: |call| Box::pin(keys::revoke(call)),
        ..POST
    },
    Operation {
        id: "systemStatus",
        path: "/status",
        tag: "The system",
        summary: "How the orchestrator and its agents are",
        gives: (200, Given::Json("SystemStatus")),
        run: |call| Box::pin(system::status(call)),
        ..GET
    },
    Operation {
        id: "health",
        path: "/health",
        tag: "The system",
        summary: "Whether the process answers",
        gives: (200, Given::Json("Health")),
        root: true,
        open: true,
        run: |call| Box::pin(system::health(call)),
        ..GET
    },
    Operation {
        id: "ready",
        path: "/ready",
        tag: "The system",
        summary: "Whether it can take work: its store answers and it isn't stopping",
        gives: (200, Given::Json("Ready")),
        root: true,
        open: true,
        run: |call| Box::pin(system::ready(call)),
        ..GET
    },
    Operation {
        id: "metrics",
        path: "/metrics",
        tag: "The system",
        summary: "Figures for Prometheus",
        gives: (200, Given::Text("text/plain; version=0.0.4; charset=utf-8")),
        root: true,
        run: |call| Box::pin(system::metrics(call)),
        ..GET
    },
    Operation {
        id: "openapi",
        path: "/openapi.json",
        tag: "The system",
        summary: "This document",
        gives: (200, Given::Json("Document")),
        root: true,
        open: true,
        run: |call| Box::pin(system::document(call)),
        ..GET
    },
];
