-- The first schema. Explained column by column in docs/formats.md.

CREATE TABLE master_key (
    version     INTEGER PRIMARY KEY,
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 16)
) STRICT;

CREATE TABLE account (
    id                    INTEGER PRIMARY KEY AUTOINCREMENT,
    name                  TEXT NOT NULL UNIQUE,
    created_at            INTEGER NOT NULL,
    retention_uploaded_ms INTEGER,
    retention_received_ms INTEGER
) STRICT;

CREATE TABLE phone_number (
    id         INTEGER PRIMARY KEY CHECK (id > 0),
    account    INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    display    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (account, id)
) STRICT;

CREATE TABLE credential (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account     INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    kind        INTEGER NOT NULL CHECK (kind IN (1, 2)),
    hash        BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    label       TEXT NOT NULL,
    permissions INTEGER NOT NULL,
    all_numbers INTEGER NOT NULL CHECK (all_numbers IN (0, 1)),
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER,
    revoked_at  INTEGER,
    UNIQUE (account, id)
) STRICT;

CREATE TABLE credential_number (
    credential   INTEGER NOT NULL,
    account      INTEGER NOT NULL,
    phone_number INTEGER NOT NULL,
    PRIMARY KEY (credential, phone_number),
    FOREIGN KEY (account, credential) REFERENCES credential (account, id) ON DELETE CASCADE,
    FOREIGN KEY (account, phone_number) REFERENCES phone_number (account, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX credential_number_by_number ON credential_number (account, phone_number);
CREATE INDEX credential_number_by_credential ON credential_number (account, credential);

CREATE TABLE media (
    id           INTEGER PRIMARY KEY CHECK (id BETWEEN 100000000000000 AND 99999999999999999),
    account      INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    phone_number INTEGER NOT NULL CHECK (phone_number > 0),
    mime_type    TEXT NOT NULL,
    bytes        INTEGER NOT NULL CHECK (bytes >= 0),
    origin       INTEGER NOT NULL CHECK (origin IN (1, 2)),
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    keep_for_ms  INTEGER,
    blob         BLOB NOT NULL CHECK (length(blob) = 16),
    dedup        BLOB NOT NULL CHECK (length(dedup) = 16),
    key_version  INTEGER NOT NULL CHECK (key_version BETWEEN 1 AND 65535),
    box          BLOB NOT NULL
) STRICT;
CREATE INDEX media_by_expiry ON media (expires_at);
CREATE INDEX media_by_blob ON media (blob);
CREATE INDEX media_by_content ON media (account, dedup, created_at);

CREATE TABLE throttle_event (
    number  INTEGER NOT NULL,
    rule    TEXT NOT NULL,
    at      INTEGER NOT NULL,
    gone_at INTEGER NOT NULL
) STRICT;
CREATE INDEX throttle_event_by_rule ON throttle_event (number, rule, at);

CREATE TABLE throttle_block (
    number        INTEGER NOT NULL,
    rule          TEXT NOT NULL,
    blocked_until INTEGER NOT NULL,
    PRIMARY KEY (number, rule)
) STRICT, WITHOUT ROWID;
