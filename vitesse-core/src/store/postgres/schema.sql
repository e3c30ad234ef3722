-- Migration 1. Names are bytea: any characters, and the order of bytes whatever the locale.
CREATE TABLE vitesse_documents (
    namespace  bytea  NOT NULL,
    collection bytea  NOT NULL,
    id         bytea  NOT NULL,
    revision   bigint NOT NULL,
    value      bytea  NOT NULL,
    PRIMARY KEY (namespace, collection, id)
);
CREATE SEQUENCE vitesse_revision;

-- One commit: locks its keys, compares, writes; a single round trip that is applied wholly or not at all.
--
-- Serializable by strict two-phase locking: the keys of writes and checks are locked before any is looked at and
-- until the end, in one order, so that commits wait for each other but never deadlock or need a retry. Each
-- statement of a volatile function sees what was committed before it began, so the comparison sees everything
-- done by those this commit waited for; and a revision is drawn only once the locks are held, so it grows for
-- each key. Large batches lock the gate alone: the table of locks is small.
--
-- kinds: 0 check, 1 put, 2 delete. expects: -1 anything, 0 absent, else the revision.
CREATE FUNCTION vitesse_commit(
    gate bigint, locks bigint[],
    namespaces bytea[], collections bytea[], ids bytea[], kinds smallint[], expects bigint[], contents bytea[],
    OUT revision bigint, OUT conflict bigint, OUT present bigint
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    held bigint;
BEGIN
    IF cardinality(locks) = 0 THEN
        PERFORM pg_advisory_xact_lock(gate);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(gate);
        FOREACH held IN ARRAY locks LOOP
            PERFORM pg_advisory_xact_lock(held);
        END LOOP;
    END IF;

    SELECT k.at, coalesce(d.revision, 0) INTO conflict, present
    FROM unnest(namespaces, collections, ids, expects) WITH ORDINALITY AS k(namespace, collection, id, expect, at)
    LEFT JOIN vitesse_documents d USING (namespace, collection, id)
    WHERE k.expect >= 0 AND k.expect <> coalesce(d.revision, 0)
    ORDER BY k.at LIMIT 1;
    IF FOUND THEN
        RETURN;
    END IF;

    revision := nextval('vitesse_revision');
    INSERT INTO vitesse_documents AS d
        SELECT k.namespace, k.collection, k.id, vitesse_commit.revision, k.value
        FROM unnest(namespaces, collections, ids, kinds, contents) AS k(namespace, collection, id, kind, value)
        WHERE k.kind = 1
    ON CONFLICT ON CONSTRAINT vitesse_documents_pkey
        DO UPDATE SET revision = excluded.revision, value = excluded.value;
    DELETE FROM vitesse_documents d
        USING unnest(namespaces, collections, ids, kinds) AS k(namespace, collection, id, kind)
        WHERE k.kind = 2 AND d.namespace = k.namespace AND d.collection = k.collection AND d.id = k.id;
END
$$;
