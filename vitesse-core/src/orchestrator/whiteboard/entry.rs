use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the log: later entries have greater ones. Not kept, since it is the document's id.
    #[serde(default, skip_deserializing)]
    pub position: String,
    /// When it was written.
    pub at: Timestamp,
    /// The run of a step it belongs to.
    pub run: Uuid,
    /// The step.
    pub step: String,
    /// Who started the run.
    pub actor: String,
    /// What it says.
    #[serde(flatten)]
    pub what: What,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
#[non_exhaustive]
pub enum What {
    /// A snapshot before a major operation: the state is what the entries up to here add up to.
    Checkpoint {
        /// What comes after it: `before map`, or a part that is done, `source`.
        name: String,
        /// The integration's status at that moment.
        status: String,
    },
    /// A stage added something.
    Contribution(AgentContribution),
    /// Something that later integrations can use.
    Pattern {
        /// What it is about.
        name: String,
        /// What was learned.
        pattern: Value,
    },
    /// A stage tells another something.
    Message(Message),
    /// A stage failed.
    Error {
        /// Who failed.
        agent_type: String,
        /// The id of the error's kind.
        kind: String,
        /// What was wrong, where, and what to do.
        message: String,
        /// Whether trying again can help.
        temporary: bool,
        /// How long it had worked.
        execution_time_ms: f64,
    },
    /// A step that had failed or was broken off is begun again.
    Retry {
        /// How often it has been begun in a row.
        attempt: u32,
        /// Why: `broken off` or the id of an error's kind.
        because: String,
    },
}

/// What a stage read and added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentContribution {
    /// Which agent.
    pub agent_id: String,
    /// What kind of agent: `discovery`, `ingestor`, `mapper`, `guardian`, `deployer`.
    pub agent_type: String,
    /// What of the shared state it read.
    pub input_keys: Vec<String>,
    /// What of the shared state it wrote.
    #[serde(default)]
    pub output_keys: Vec<String>,
    /// What came out, in short; the large things are in the integration's record.
    pub output_data: Value,
    /// How long it took.
    pub execution_time_ms: f64,
    /// How much processor time the process used meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_time_ms: Option<f64>,
    /// How much memory the process held at its end, in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mb: Option<f64>,
}

/// What one stage tells another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who says it.
    pub from_agent: String,
    /// Whom it is for.
    pub to_agent: String,
    /// What kind of message: `handover`, `warning`.
    pub message_type: String,
    /// What it says.
    pub content: String,
    /// How much it matters.
    pub priority: Priority,
}

/// How much a message matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Good to know.
    Low,
    /// As most.
    #[default]
    Normal,
    /// Somebody should look.
    High,
}
