use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan};
use serde::Serialize;
use uuid::Uuid;

use super::{AgentContribution, Entry, Message, Priority, What};

/// The agents, in the order of the steps.
const AGENTS: &[(&str, &str)] = &[
    ("discovery", "Discovery"),
    ("ingestor", "Ingestor"),
    ("mapper", "Mapper"),
    ("guardian", "Guardian"),
    ("deployer", "Deployer"),
];

/// What an agent does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// A step of its runs.
    Active,
    /// Nothing.
    Idle,
    /// Its last step failed.
    Error,
}

/// What an agent has done so far.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgentActivity {
    /// Names this row: there is one for each agent.
    pub id: String,
    /// Its id.
    pub agent_id: String,
    /// What people call it.
    pub agent_name: String,
    /// What it does at the moment.
    pub status: AgentState,
    /// What it works on: a step and an integration.
    pub current_task: Option<String>,
    /// When it last did anything.
    pub last_activity: Option<Timestamp>,
    /// How many tasks it finished.
    pub tasks_completed: u64,
    /// Which part of its tasks succeeded, from 0 to 1; none if it had none.
    pub success_rate: Option<f64>,
    /// How long a task took on average, in milliseconds.
    pub average_response_time: Option<f64>,
    /// When it first did anything.
    pub created_at: Option<Timestamp>,
    /// When it last did anything.
    pub updated_at: Option<Timestamp>,
}

/// A message between agents.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Communication {
    /// Its id: the integration and the position in its log.
    pub id: String,
    /// When it was sent.
    pub timestamp: Timestamp,
    /// The integration it is about.
    pub integration_id: Uuid,
    /// What it says.
    #[serde(flatten)]
    pub message: Message,
    /// How far it got: the log holds it, so it was delivered; read once the one it is for worked after it.
    pub status: &'static str,
    /// When it was written down: with the work it tells of.
    pub created_at: Timestamp,
}

/// How an agent does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgentMetrics {
    /// Which agent.
    pub agent_id: String,
    /// Which part of the last 7 days, or of the time since its first task, it was not held up by a task that had
    /// failed, in percent; none if it had no task.
    pub uptime_percentage: Option<f64>,
    /// How many tasks it finished in the last 24 hours.
    pub tasks_completed_today: u64,
    /// The same in the last 7 days.
    pub tasks_completed_week: u64,
    /// How long a task took on average, in milliseconds.
    pub average_task_duration: Option<f64>,
    /// Which part of its tasks succeeded, from 0 to 1.
    pub success_rate: Option<f64>,
    /// Which part failed.
    pub error_rate: Option<f64>,
    /// 95 of 100 tasks took no longer, in milliseconds.
    pub response_time_p95: Option<f64>,
    /// How many of its tasks run at the moment.
    pub active_workflows: u64,
    /// How many integrations wait for it to be called.
    pub pending_tasks: u64,
    /// How much of one core the process used during its tasks, in percent; none if no task told.
    pub cpu_usage_avg: Option<f64>,
    /// How much memory the process held at the end of its tasks on average, in MiB; none if no task told.
    pub memory_usage_avg: Option<f64>,
    /// Which part of its contributions built on what another agent left, from 0 to 1.
    pub collaboration_score: Option<f64>,
}

/// How the agents work together, over all integrations.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Collaboration {
    /// How many integrations have a log.
    pub workflows: usize,
    /// How many contributions there are.
    pub contributions: u64,
    /// How many messages were sent.
    pub messages: u64,
    /// How many steps failed.
    pub errors: u64,
    /// How many steps were begun again.
    pub retries: u64,
    /// How many patterns were learned.
    pub patterns: u64,
    /// How often an agent built on what another left: by the two, `ingestor -> mapper`.
    pub handovers: BTreeMap<String, u64>,
}

/// What is counted of one agent.
#[derive(Default)]
struct Tally {
    done: Vec<(Timestamp, f64)>,
    failed: u64,
    last_failed: bool,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    built_on_others: u64,
    contributions: u64,
    /// When tasks ended, and whether they failed.
    turns: Vec<(Timestamp, bool)>,
    /// Processor time and the time it was measured over, in milliseconds.
    cpu: f64,
    cpu_wall: f64,
    /// Memory in MiB, summed over so many tasks.
    memory: f64,
    memories: u64,
}

/// Which steps run at the moment: the agent, the step and the integration.
pub(crate) type Running = Vec<(&'static str, String, Uuid)>;

pub(crate) fn activities(log: &[(Uuid, Entry)], running: &Running) -> Vec<AgentActivity> {
    let tallies = tallies(log);
    let of = |(id, name): &(&str, &str)| {
        let none = Tally::default();
        let tally = tallies.get(*id).unwrap_or(&none);
        let current = running.iter().find(|(agent, ..)| agent == id);
        AgentActivity {
            id: (*id).to_owned(),
            agent_id: (*id).to_owned(),
            agent_name: (*name).to_owned(),
            status: match (current, tally.last_failed) {
                (Some(_), _) => AgentState::Active,
                (None, true) => AgentState::Error,
                (None, false) => AgentState::Idle,
            },
            current_task: current.map(|(_, step, integration)| format!("{step} {integration}")),
            last_activity: tally.last,
            tasks_completed: tally.done.len() as u64,
            success_rate: tally.success_rate(),
            average_response_time: tally.average(),
            created_at: tally.first,
            updated_at: tally.last,
        }
    };
    AGENTS.iter().map(of).collect()
}

pub(crate) fn metrics(
    log: &[(Uuid, Entry)],
    running: &Running,
    waiting: &[&str],
    now: Timestamp,
) -> Vec<AgentMetrics> {
    let tallies = tallies(log);
    let of = |(id, _): &(&str, &str)| {
        let none = Tally::default();
        let tally = tallies.get(*id).unwrap_or(&none);
        let within = |hours: i64| {
            let since = now.checked_sub(hours.hours()).unwrap_or(Timestamp::UNIX_EPOCH);
            tally.done.iter().filter(|(at, _)| *at >= since).count() as u64
        };
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        AgentMetrics {
            agent_id: (*id).to_owned(),
            uptime_percentage: tally.uptime(now),
            tasks_completed_today: within(24),
            tasks_completed_week: within(24 * 7),
            average_task_duration: tally.average(),
            success_rate: tally.success_rate(),
            error_rate: tally.success_rate().map(|rate| 1.0 - rate),
            response_time_p95: tally.p95(),
            active_workflows: running.iter().filter(|(agent, ..)| agent == id).count() as u64,
            pending_tasks: waiting.iter().filter(|agent| *agent == id).count() as u64,
            cpu_usage_avg: (tally.cpu_wall > 0.0).then(|| tally.cpu / tally.cpu_wall * 100.0),
            memory_usage_avg: (tally.memories > 0).then(|| tally.memory / tally.memories as f64),
            collaboration_score: share(tally.built_on_others, tally.contributions),
        }
    };
    AGENTS.iter().map(of).collect()
}

/// Messages, newest first.
pub(crate) fn communications(log: &[(Uuid, Entry)]) -> Vec<Communication> {
    let mut all: Vec<Communication> = Vec::new();
    for (integration, entry) in log {
        let What::Message(message) = &entry.what else { continue };
        let read = log.iter().any(|(other, later)| {
            other == integration
                && later.position > entry.position
                && matches!(&later.what, What::Contribution(AgentContribution { agent_type, .. })
                    if *agent_type == message.to_agent)
        });
        all.push(Communication {
            id: format!("{integration}/{}", entry.position),
            timestamp: entry.at,
            integration_id: *integration,
            message: message.clone(),
            status: if read { "read" } else { "delivered" },
            created_at: entry.at,
        });
    }
    all.sort_by(|a, b| b.timestamp.cmp(&a.timestamp).then_with(|| b.id.cmp(&a.id)));
    all
}

pub(crate) fn collaboration(log: &[(Uuid, Entry)]) -> Collaboration {
    let mut sum = Collaboration::default();
    let workflows: BTreeSet<Uuid> = log.iter().map(|(id, _)| *id).collect();
    sum.workflows = workflows.len();
    let mut writers: BTreeMap<(Uuid, &str), &str> = BTreeMap::new();
    for (id, entry) in log {
        match &entry.what {
            What::Contribution(done) => {
                sum.contributions += 1;
                for writer in others(&writers, *id, done) {
                    *sum.handovers.entry(format!("{writer} -> {}", done.agent_type)).or_default() += 1;
                }
                for key in &done.output_keys {
                    writers.insert((*id, key), &done.agent_type);
                }
            }
            What::Message(_) => sum.messages += 1,
            What::Error { .. } => sum.errors += 1,
            What::Retry { .. } => sum.retries += 1,
            What::Pattern { .. } => sum.patterns += 1,
            What::Checkpoint { .. } => {}
        }
    }
    sum
}

/// What one stage says to the next when it is done.
pub(crate) fn handover(from: &str, to: &str, content: impl Into<String>, priority: Priority) -> What {
    What::Message(Message {
        from_agent: from.to_owned(),
        to_agent: to.to_owned(),
        message_type: "handover".into(),
        content: content.into(),
        priority,
    })
}

impl Tally {
    fn success_rate(&self) -> Option<f64> {
        let all = self.done.len() as u64 + self.failed;
        (all > 0).then(|| self.done.len() as f64 / all as f64)
    }

    /// From a failure to the next success an agent counts as held up.
    fn uptime(&self, now: Timestamp) -> Option<f64> {
        let since = now.checked_sub((7 * 24).hours()).ok()?.max(self.first?);
        let whole = now.duration_since(since).as_secs_f64();
        let mut turns = self.turns.clone();
        turns.sort_by_key(|(at, _)| *at);
        let (mut held, mut from) = (0.0, None);
        for (at, failed) in turns.into_iter().chain([(now, false)]) {
            match (failed, from) {
                (true, None) => from = Some(at.max(since)),
                (false, Some(start)) => {
                    held += at.max(since).duration_since(start).as_secs_f64();
                    from = None;
                }
                _ => {}
            }
        }
        Some(if whole > 0.0 { (100.0 * (1.0 - held / whole)).clamp(0.0, 100.0) } else { 100.0 })
    }

    fn average(&self) -> Option<f64> {
        let total: f64 = self.done.iter().map(|(_, took)| took).sum();
        (!self.done.is_empty()).then(|| total / self.done.len() as f64)
    }

    fn p95(&self) -> Option<f64> {
        let mut all: Vec<f64> = self.done.iter().map(|(_, took)| *took).collect();
        all.sort_by(f64::total_cmp);
        all.get((all.len() * 95).div_ceil(100).saturating_sub(1)).copied()
    }
}

fn tallies(log: &[(Uuid, Entry)]) -> BTreeMap<String, Tally> {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut writers: BTreeMap<(Uuid, &str), &str> = BTreeMap::new();
    for (id, entry) in log {
        let (agent, failed) = match &entry.what {
            What::Contribution(done) => (&done.agent_type, false),
            What::Error { agent_type, .. } => (agent_type, true),
            _ => continue,
        };
        let tally = tallies.entry(agent.clone()).or_default();
        tally.first = Some(tally.first.map_or(entry.at, |first| first.min(entry.at)));
        if tally.last.is_none_or(|last| last <= entry.at) {
            (tally.last, tally.last_failed) = (Some(entry.at), failed);
        }
        match &entry.what {
            What::Contribution(done) => {
                tally.done.push((entry.at, done.execution_time_ms));
                tally.contributions += 1;
                if let Some(cpu) = done.cpu_time_ms {
                    (tally.cpu, tally.cpu_wall) = (tally.cpu + cpu, tally.cpu_wall + done.execution_time_ms);
                }
                if let Some(memory) = done.memory_mb {
                    (tally.memory, tally.memories) = (tally.memory + memory, tally.memories + 1);
                }
                tally.turns.push((entry.at, false));
                tally.built_on_others += u64::from(!others(&writers, *id, done).is_empty());
                for key in &done.output_keys {
                    writers.insert((*id, key), &done.agent_type);
                }
            }
            _ => {
                tally.failed += 1;
                tally.turns.push((entry.at, true));
            }
        }
    }
    tallies
}

/// Which other agents wrote what this one read.
fn others<'a>(
    writers: &BTreeMap<(Uuid, &str), &'a str>,
    integration: Uuid,
    done: &AgentContribution,
) -> BTreeSet<&'a str> {
    let read = done.input_keys.iter().filter_map(|key| writers.get(&(integration, key.as_str())).copied());
    read.filter(|writer| *writer != done.agent_type).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(hour: i64, what: What) -> (Uuid, Entry) {
        let at = Timestamp::from_second(hour * 3600).unwrap();
        let entry = Entry {
            position: format!("{hour:020}"),
            at,
            run: Uuid::nil(),
            step: "map".into(),
            actor: "anna".into(),
            what,
        };
        (Uuid::nil(), entry)
    }

    fn done(hour: i64) -> (Uuid, Entry) {
        entry(
            hour,
            What::Contribution(AgentContribution {
                agent_id: "mapper".into(),
                agent_type: "mapper".into(),
                input_keys: Vec::new(),
                output_keys: Vec::new(),
                output_data: serde_json::Value::Null,
                execution_time_ms: 100.0,
                cpu_time_ms: Some(50.0),
                memory_mb: Some(20.0),
            }),
        )
    }

    fn failed(hour: i64) -> (Uuid, Entry) {
        let (agent_type, kind, message) = ("mapper".to_owned(), "internal".to_owned(), "it broke".to_owned());
        entry(hour, What::Error { agent_type, kind, message, temporary: false, execution_time_ms: 1.0 })
    }

    #[track_caller]
    fn check(log: Vec<(Uuid, Entry)>, now: i64, uptime: Option<f64>) -> AgentMetrics {
        let now = Timestamp::from_second(now * 3600).unwrap();
        let found = metrics(&log, &Vec::new(), &["mapper", "mapper", "deployer"], now);
        let mapper = found.into_iter().find(|metrics| metrics.agent_id == "mapper").unwrap();
        assert_eq!(mapper.uptime_percentage, uptime);
        mapper
    }

    #[test]
    fn an_agent_is_held_up_from_a_failure_to_the_next_success() {
        check(Vec::new(), 100, None);
        check(vec![done(0)], 10, Some(100.0));
        check(vec![done(0), failed(5)], 10, Some(50.0));
        check(vec![done(0), failed(2), failed(3), done(4)], 10, Some(80.0));
        // Only the last seven days count.
        check(vec![failed(0), done(1)], 1000, Some(100.0));
        check(vec![failed(0)], 1000, Some(0.0));
        check(vec![done(10)], 10, Some(100.0));
    }

    #[test]
    fn figures_are_counted_from_what_was_written() {
        let found = check(vec![done(0), failed(160), done(170)], 180, Some(100.0 - 10.0 / 168.0 * 100.0));
        assert_eq!((found.tasks_completed_today, found.tasks_completed_week, found.pending_tasks), (1, 1, 2));
        assert_eq!((found.cpu_usage_avg, found.memory_usage_avg), (Some(50.0), Some(20.0)));
        assert_eq!((found.success_rate, found.response_time_p95), (Some(2.0 / 3.0), Some(100.0)));
        assert_eq!((found.active_workflows, found.collaboration_score), (0, Some(0.0)));
    }
}
