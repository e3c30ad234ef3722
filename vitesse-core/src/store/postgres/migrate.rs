use deadpool_postgres::Client;

use super::failure::failed;
use crate::error::{Error, ErrorKind, Result};

/// Each step from one version of the schema to the next. Only ever appended to.
const MIGRATIONS: &[&str] = &[include_str!("schema.sql")];

/// The lock of migrations; odd, unlike the gate of commits, and not in the range that keys hash to often.
const LOCK: i64 = 0x7669_7465_7373_6531;

/// Brings the database to the newest schema. Processes that start together wait for the first.
pub(super) async fn migrate(client: &mut Client) -> Result<()> {
    let transaction = client.transaction().await.map_err(|error| failed("migrated", error))?;
    transaction
        .execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])
        .await
        .map_err(|error| failed("migrated", error))?;
    transaction
        .batch_execute(
            "SET LOCAL client_min_messages = warning;
             CREATE TABLE IF NOT EXISTS vitesse_schema
                (version int PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());",
        )
        .await
        .map_err(|error| failed("migrated", error))?;
    let found: i32 = transaction
        .query_one("SELECT coalesce(max(version), 0) FROM vitesse_schema", &[])
        .await
        .map_err(|error| failed("migrated", error))?
        .get(0);
    let found = usize::try_from(found).unwrap_or(usize::MAX);
    if found > MIGRATIONS.len() {
        return Err(Error::new(
            ErrorKind::StoreFailed,
            "the database was migrated by a newer version of Vitesse",
        )
        .with("schema", found)
        .with("known", MIGRATIONS.len())
        .help("run that version, or a newer one; an older one would not understand the data"));
    }
    for (step, migration) in MIGRATIONS.iter().enumerate().skip(found) {
        let version = i32::try_from(step + 1).unwrap_or(i32::MAX);
        transaction.batch_execute(migration).await.map_err(|error| failed("migrated", error))?;
        transaction
            .execute("INSERT INTO vitesse_schema (version) VALUES ($1)", &[&version])
            .await
            .map_err(|error| failed("migrated", error))?;
    }
    transaction.commit().await.map_err(|error| failed("migrated", error))
}
