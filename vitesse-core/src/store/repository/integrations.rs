use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{Timestamp, ToSpan};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::codec::{decode, encode};
use super::integration::{Integration, NewIntegration};
use super::listing::{Filter, Listed, Paging};
use super::records::{
    AuditEntry, AuditRecord, TestResult, TestResultRecord, TransformationRecord, TransformationRow,
    VersionedConfig,
};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Batch, Expect, Key, Revision, Scan, Store};

const INTEGRATIONS: &str = "integrations";
/// Integrations by the time they were made, newest first, so that a list needs no sorting.
const BY_TIME: &str = "integrations_by_time";
/// Specs and mappings: large, and not needed to list.
const PARTS: &str = "integration_parts";
const AUDIT: &str = "integration_audit_logs";
const TESTS: &str = "test_results";
const TRANSFORMATIONS: &str = "transformations";
const CONFIGS: &str = "deployment_configs";
/// What each stage read and found, in the order of time.
pub(crate) const WHITEBOARD: &str = "whiteboard";
/// Every deployment that was tried, newest first.
pub(crate) const DEPLOYMENTS: &str = "deployments";
/// What a step that was broken off need not do again.
pub(crate) const CHECKPOINTS: &str = "workflow_checkpoints";
/// Every run of the step `test`, newest first.
pub(crate) const TEST_RUNS: &str = "integration_test_results";
/// Everything of an integration whose ids begin with the integration's.
const CHILDREN: &[&str] =
    &[PARTS, AUDIT, TESTS, TRANSFORMATIONS, CONFIGS, WHITEBOARD, CHECKPOINTS, TEST_RUNS, DEPLOYMENTS];
/// How many documents are deleted in one commit.
const CHUNK: usize = 500;

/// Integrations and their records in one namespace of a store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Repository {
    store: Arc<dyn Store>,
    namespace: String,
}

/// A record as it was read: a change of it is refused if somebody else changed it since.
#[derive(Clone, Debug, PartialEq)]
pub struct Versioned<T> {
    /// The revision it was read at.
    pub revision: Revision,
    /// The record.
    pub value: T,
}

/// What is written together with an integration's new state.
#[derive(Clone, Debug)]
pub struct Step {
    /// What to say of it in the audit log; nothing for what isn't worth an entry, such as a lease.
    pub audit: Option<AuditEntry>,
    /// Rows to add to the test results.
    pub test_results: Vec<TestResult>,
    /// Rows that replace the transformations; `None` leaves them alone.
    pub transformations: Option<Vec<TransformationRow>>,
    /// Other documents of the same store that are written in the same commit.
    pub also: Batch,
}

impl Step {
    /// A change with nothing but its audit entry.
    pub fn audited(audit: AuditEntry) -> Self {
        Self { audit: Some(audit), ..Self::silent() }
    }

    /// A change that leaves no trace but itself.
    pub fn silent() -> Self {
        Self { audit: None, test_results: Vec::new(), transformations: None, also: Batch::new() }
    }
}

/// An integration as it is stored: without its large parts, which have documents of their own.
#[derive(Serialize, Deserialize)]
struct Head {
    #[serde(flatten)]
    integration: Integration,
    /// The hash of each part that is there.
    parts: BTreeMap<String, String>,
    config_version: u32,
}

impl Repository {
    /// The integrations of `namespace` in `store`.
    pub fn new(store: Arc<dyn Store>, namespace: impl Into<String>) -> Self {
        Self { store, namespace: namespace.into() }
    }

    /// Makes an integration, with its audit entry and the first version of its deployment configuration.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn create(&self, new: NewIntegration) -> Result<Versioned<Integration>> {
        let audit = AuditEntry::success(super::Action::Created, new.created_by.clone(), Value::Null);
        let integration = new.into_integration(now());
        let id = integration.id;
        let head = Head { integration, parts: BTreeMap::new(), config_version: 1 };
        let key = self.key(INTEGRATIONS, id);
        let batch = Batch::new()
            .put(self.key(BY_TIME, by_time(&head.integration)), Expect::Absent, Vec::new())
            .put(key.clone(), Expect::Absent, encode(&key, &head)?);
        let batch = self.with_config(batch, &head)?;
        let batch = self.with_audit(batch, audit.record(id, head.integration.created_at))?;
        let revision = self.store.commit(batch).await?;
        Ok(Versioned { revision, value: head.integration })
    }

    /// Reads an integration with all its parts, as of one moment.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none of that id.
    pub async fn get(&self, id: Uuid) -> Result<Versioned<Integration>> {
        loop {
            let (revision, mut head) = self.head(id).await?.ok_or_else(|| not_found(id))?;
            for part in head.parts.keys() {
                let document = self.store.get(&self.key(PARTS, format!("{id}/{part}"))).await?;
                if let (Some(document), Some(place)) = (document, place(&mut head.integration, part)) {
                    *place = Some(decode(&document)?);
                }
            }
            // Nothing is committed to a part without a new head: the same head means the same parts.
            let unchanged = self.head(id).await?.is_some_and(|(again, _)| again == revision);
            if head.parts.is_empty() || unchanged {
                return Ok(Versioned { revision, value: head.integration });
            }
        }
    }

    /// Reads an integration without its large parts: specs, mappings, the test's report.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none of that id.
    pub async fn light(&self, id: Uuid) -> Result<Versioned<Integration>> {
        let (revision, head) = self.head(id).await?.ok_or_else(|| not_found(id))?;
        Ok(Versioned { revision, value: head.integration })
    }

    /// Writes a change of an integration that was read without its parts, and leaves the parts as they are. The
    /// time of its last change stays, too: this is for leases and the like.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub async fn update_light(
        &self,
        changed: Versioned<Integration>,
        also: Batch,
    ) -> Result<Versioned<Integration>> {
        let Versioned { revision, value } = changed;
        let id = value.id;
        let (current, old) = self.head(id).await?.ok_or_else(|| not_found(id))?;
        if current != revision {
            return Err(conflict(id));
        }
        let (_, integration) = split(value);
        let head = Head { integration, parts: old.parts, config_version: old.config_version };
        let key = self.key(INTEGRATIONS, id);
        let batch = also.put(key.clone(), Expect::At(revision), encode(&key, &head)?);
        let revision = self.store.commit(batch).await.map_err(|error| match error.kind() {
            ErrorKind::Conflict => conflict(id).source(error),
            _ => error,
        })?;
        Ok(Versioned { revision, value: head.integration })
    }

    /// The store underneath, for records of other rooms that belong to an integration.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The namespace all records are in.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Lists integrations, newest first, without their specs and mappings. A last page may be empty.
    ///
    /// The order doesn't change under writes: an integration that exists all the while is listed exactly once.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if [`Paging::after`] is not what an earlier page gave.
    pub async fn list(&self, filter: &Filter, paging: &Paging) -> Result<Listed<Versioned<Integration>>> {
        let limit = paging.limit.max(1);
        let mut after = paging.after.clone();
        if let Some(cursor) = &after {
            check_cursor(cursor)?;
        }
        let mut items = Vec::new();
        loop {
            let scan = self.scan(BY_TIME, "", after.take(), limit.clamp(16, 256));
            let page = self.store.scan(&scan).await?;
            for document in page.documents {
                let id = document.key.id.rsplit('/').next().and_then(|id| id.parse().ok());
                if let Some((revision, head)) = self.head(id.unwrap_or_default()).await?
                    && filter.takes(&head.integration)
                {
                    items.push(Versioned { revision, value: head.integration });
                }
                if items.len() == limit {
                    return Ok(Listed { items, next: Some(document.key.id) });
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(Listed { items, next: None }),
            }
        }
    }

    /// Writes an integration's new state, and with it all that came of the step.
    ///
    /// The id and the time it was made can't be changed. A changed deployment configuration becomes a new
    /// version; the old ones are kept.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] if somebody changed it since it was read, [`ErrorKind::NotFound`] if it is gone.
    pub async fn update(
        &self,
        changed: Versioned<Integration>,
        step: Step,
    ) -> Result<Versioned<Integration>> {
        let Versioned { revision, value: mut integration } = changed;
        let id = integration.id;
        let (current, old) = self.head(id).await?.ok_or_else(|| not_found(id))?;
        if current != revision {
            return Err(conflict(id));
        }
        integration.created_at = old.integration.created_at;
        integration.updated_at = now().max(old.integration.updated_at + 1.microsecond());
        let at = integration.updated_at;

        let mut batch = step.also;
        let mut parts = BTreeMap::new();
        for name in PART_NAMES {
            let key = self.key(PARTS, format!("{id}/{name}"));
            let content = place(&mut integration, name).and_then(|place| place.as_ref());
            let Some(content) = content else {
                if old.parts.contains_key(*name) {
                    batch = batch.delete(key, Expect::Any);
                }
                continue;
            };
            let bytes = encode(&key, content)?;
            let hash = format!("{:x}", Sha256::digest(&bytes));
            if old.parts.get(*name) != Some(&hash) {
                batch = batch.put(key, Expect::Any, bytes);
            }
            parts.insert((*name).to_owned(), hash);
        }

        let new_config = integration.deployment_config != old.integration.deployment_config;
        let config_version = old.config_version + u32::from(new_config);
        let (full, light) = split(integration);
        let head = Head { integration: light, parts, config_version };
        let key = self.key(INTEGRATIONS, id);
        let bytes = encode(&key, &head)?;
        batch = batch.put(key, Expect::At(revision), bytes);
        if new_config {
            batch = self.with_config(batch, &head)?;
        }
        if let Some(rows) = step.transformations {
            batch = self.with_transformations(batch, id, rows).await?;
        }
        for result in step.test_results {
            let record = result.record(id, at);
            let key = self.key(TESTS, format!("{id}/{}/{}", inverted(at), record.id));
            batch = batch.put(key.clone(), Expect::Absent, encode(&key, &record)?);
        }
        if let Some(audit) = step.audit {
            batch = self.with_audit(batch, audit.record(id, at))?;
        }
        let revision = self.store.commit(batch).await.map_err(|error| match error.kind() {
            ErrorKind::Conflict => conflict(id).source(error),
            _ => error,
        })?;
        Ok(Versioned { revision, value: rejoin(head.integration, full) })
    }

    /// Removes an integration and every record of it. Where it is deployed is the caller's to clean up first.
    ///
    /// Broken off, it can be called again; the integration itself goes last.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none of that id.
    pub async fn delete(&self, id: Uuid) -> Result<()> {
        let mut seen = false;
        loop {
            let Some((revision, head)) = self.head(id).await? else {
                // Gone between two rounds is what was asked for.
                return if seen { Ok(()) } else { Err(not_found(id)) };
            };
            seen = true;
            match self.delete_at(&head.integration, revision).await {
                // A step finished meanwhile and left new records: clear those too.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                ended => return ended,
            }
        }
    }

    /// The audit log of an integration, newest first.
    ///
    /// # Errors
    /// If the store fails. An unknown integration has an empty log.
    pub async fn audit_log(&self, id: Uuid, paging: &Paging) -> Result<Listed<AuditRecord>> {
        self.records(AUDIT, id, paging).await
    }

    /// The test results of an integration, newest first.
    ///
    /// # Errors
    /// If the store fails. An unknown integration has none.
    pub async fn test_results(&self, id: Uuid, paging: &Paging) -> Result<Listed<TestResultRecord>> {
        self.records(TESTS, id, paging).await
    }

    /// The transformations of an integration, in the mapping's order.
    ///
    /// # Errors
    /// If the store fails. An unknown integration has none.
    pub async fn transformations(&self, id: Uuid) -> Result<Vec<TransformationRecord>> {
        self.all(TRANSFORMATIONS, id).await
    }

    /// Every deployment configuration the integration had, oldest first.
    ///
    /// # Errors
    /// If the store fails. An unknown integration has none.
    pub async fn deployment_configs(&self, id: Uuid) -> Result<Vec<VersionedConfig>> {
        self.all(CONFIGS, id).await
    }

    async fn head(&self, id: Uuid) -> Result<Option<(Revision, Head)>> {
        let document = self.store.get(&self.key(INTEGRATIONS, id)).await?;
        document.map(|document| Ok((document.revision, decode(&document)?))).transpose()
    }

    async fn delete_at(&self, integration: &Integration, revision: Revision) -> Result<()> {
        let id = integration.id;
        let head = self.key(INTEGRATIONS, id);
        for collection in CHILDREN {
            loop {
                let page = self.store.scan(&self.scan(collection, &format!("{id}/"), None, CHUNK)).await?;
                if page.documents.is_empty() {
                    break;
                }
                let batch = Batch::new().check(head.clone(), Expect::At(revision));
                let delete =
                    |batch: Batch, document: crate::store::Document| batch.delete(document.key, Expect::Any);
                self.store.commit(page.documents.into_iter().fold(batch, delete)).await?;
            }
        }
        let batch = Batch::new()
            .delete(head, Expect::At(revision))
            .delete(self.key(BY_TIME, by_time(integration)), Expect::Any);
        self.store.commit(batch).await.map(drop)
    }

    /// The id of a document of another room that belongs to an integration and is listed newest first.
    #[cfg(feature = "orchestrate")]
    pub(crate) fn newest_id(&self, integration: Uuid, at: Timestamp, id: Uuid) -> String {
        format!("{integration}/{}/{id}", inverted(at))
    }

    /// Such documents, newest first.
    #[cfg(feature = "orchestrate")]
    pub(crate) async fn newest<T: DeserializeOwned>(
        &self,
        collection: &str,
        integration: Uuid,
        paging: &Paging,
    ) -> Result<Listed<T>> {
        self.records(collection, integration, paging).await
    }

    async fn records<T: DeserializeOwned>(
        &self,
        collection: &str,
        id: Uuid,
        paging: &Paging,
    ) -> Result<Listed<T>> {
        let prefix = format!("{id}/");
        let after = paging.after.as_ref().map(|cursor| format!("{prefix}{cursor}"));
        let page = self.store.scan(&self.scan(collection, &prefix, after, paging.limit.max(1))).await?;
        let items = page.documents.iter().map(decode).collect::<Result<_>>()?;
        let next = page.next.map(|next| next[prefix.len()..].to_owned());
        Ok(Listed { items, next })
    }

    async fn all<T: DeserializeOwned>(&self, collection: &str, id: Uuid) -> Result<Vec<T>> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let page = self.store.scan(&self.scan(collection, &format!("{id}/"), after, 256)).await?;
            for document in &page.documents {
                all.push(decode(document)?);
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(all),
            }
        }
    }

    fn with_audit(&self, batch: Batch, record: AuditRecord) -> Result<Batch> {
        let id = format!("{}/{}/{}", record.integration_id, inverted(record.created_at), record.id);
        let key = self.key(AUDIT, id);
        Ok(batch.put(key.clone(), Expect::Absent, encode(&key, &record)?))
    }

    fn with_config(&self, batch: Batch, head: &Head) -> Result<Batch> {
        let Head { integration, config_version: version, .. } = head;
        let key = self.key(CONFIGS, format!("{}/{version:010}", integration.id));
        let config = VersionedConfig {
            version: *version,
            created_at: integration.updated_at,
            config: integration.deployment_config.clone(),
        };
        Ok(batch.put(key.clone(), Expect::Absent, encode(&key, &config)?))
    }

    async fn with_transformations(
        &self,
        mut batch: Batch,
        id: Uuid,
        rows: Vec<TransformationRow>,
    ) -> Result<Batch> {
        let old: Vec<TransformationRecord> = self.all(TRANSFORMATIONS, id).await?;
        let key = |index: usize| self.key(TRANSFORMATIONS, format!("{id}/{index:010}"));
        let kept = rows.len();
        for (index, row) in rows.into_iter().enumerate() {
            let mut record = row.record(id);
            // A line that is the same keeps its id.
            if let Some(old) = old.get(index).filter(|old| same_line(old, &record)) {
                record.id = old.id;
            }
            batch = batch.put(key(index), Expect::Any, encode(&key(index), &record)?);
        }
        for index in kept..old.len() {
            batch = batch.delete(key(index), Expect::Any);
        }
        Ok(batch)
    }

    fn key(&self, collection: &str, id: impl ToString) -> Key {
        Key::new(&self.namespace, collection, id.to_string())
    }

    fn scan(&self, collection: &str, prefix: &str, after: Option<String>, limit: usize) -> Scan {
        let scan = Scan::new(&self.namespace, collection).prefix(prefix).limit(limit);
        match after {
            Some(after) => scan.after(after),
            None => scan,
        }
    }
}

const PART_NAMES: &[&str] = &["source_api_spec", "dest_api_spec", "mapping_logic", "streams", "test_report"];

fn place<'a>(integration: &'a mut Integration, part: &str) -> Option<&'a mut Option<Value>> {
    match part {
        "source_api_spec" => Some(&mut integration.source_api_spec),
        "dest_api_spec" => Some(&mut integration.dest_api_spec),
        "mapping_logic" => Some(&mut integration.mapping_logic),
        "streams" => Some(&mut integration.streams),
        "test_report" => Some(&mut integration.test_report),
        _ => None,
    }
}

/// Takes the large parts out, so that they are neither copied nor written twice.
fn split(mut integration: Integration) -> (Vec<Option<Value>>, Integration) {
    let parts = PART_NAMES.iter().map(|name| place(&mut integration, name).and_then(Option::take)).collect();
    (parts, integration)
}

fn rejoin(mut integration: Integration, parts: Vec<Option<Value>>) -> Integration {
    for (name, part) in PART_NAMES.iter().zip(parts) {
        if let Some(place) = place(&mut integration, name) {
            *place = part;
        }
    }
    integration
}

fn same_line(a: &TransformationRecord, b: &TransformationRecord) -> bool {
    let line = |record: &TransformationRecord| {
        let TransformationRecord { source_field, dest_field, transform_type, transform_config, .. } = record;
        (source_field.clone(), dest_field.clone(), transform_type.clone(), transform_config.clone())
    };
    line(a) == line(b)
}

/// The present moment as precisely as it is kept.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

/// A moment as text that sorts backwards: the newest first.
fn inverted(at: Timestamp) -> String {
    let micros = u64::try_from(at.as_microsecond()).unwrap_or(0);
    format!("{:016x}", u64::MAX - micros)
}

fn by_time(integration: &Integration) -> String {
    format!("{}/{}", inverted(integration.created_at), integration.id)
}

fn check_cursor(cursor: &str) -> Result<()> {
    let sound = cursor.split_once('/').is_some_and(|(time, id)| {
        time.len() == 16 && time.bytes().all(|byte| byte.is_ascii_hexdigit()) && id.parse::<Uuid>().is_ok()
    });
    match sound {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::InvalidInput, "the list can't go on from there")
            .in_operation("store.list")
            .with("after", cursor.escape_debug())
            .help("pass the `next` of the page before, unchanged, or nothing to begin anew")),
    }
}

fn not_found(id: Uuid) -> Error {
    Error::new(ErrorKind::NotFound, "there is no such integration").in_operation("store.get").with("id", id)
}

fn conflict(id: Uuid) -> Error {
    Error::new(ErrorKind::Conflict, "the integration was changed by somebody else since it was read")
        .in_operation("store.update")
        .with("id", id)
        .help("read it again and repeat the change")
}
