-- Webhooks: who is told, and what still has to be said. Explained column by column in docs/formats.md.

CREATE TABLE subscription (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    account       INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    phone_number  INTEGER,
    dialect       INTEGER NOT NULL CHECK (dialect IN (1, 2)),
    allow_private INTEGER NOT NULL CHECK (allow_private IN (0, 1)),
    created_at    INTEGER NOT NULL,
    key_version   INTEGER NOT NULL CHECK (key_version BETWEEN 1 AND 65535),
    box           BLOB NOT NULL,
    UNIQUE (account, id),
    UNIQUE (account, phone_number),
    FOREIGN KEY (account, phone_number) REFERENCES phone_number (account, id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX subscription_for_the_rest ON subscription (account) WHERE phone_number IS NULL;

CREATE TABLE delivery (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    account       INTEGER NOT NULL,
    phone_number  INTEGER NOT NULL,
    subscription  INTEGER NOT NULL,
    kind          TEXT NOT NULL,
    state         INTEGER NOT NULL CHECK (state IN (1, 2, 3, 4)),
    in_line       INTEGER NOT NULL CHECK (in_line IN (0, 1)),
    created_at    INTEGER NOT NULL,
    give_up_at    INTEGER NOT NULL,
    next_at       INTEGER,
    claimed_until INTEGER,
    attempts      INTEGER NOT NULL DEFAULT 0,
    last_at       INTEGER,
    last_status   INTEGER,
    last_error    TEXT,
    gone_at       INTEGER,
    key_version   INTEGER NOT NULL CHECK (key_version BETWEEN 1 AND 65535),
    box           BLOB NOT NULL,
    CHECK (state = 1 OR next_at IS NULL),
    CHECK (claimed_until IS NULL OR next_at = claimed_until),
    CHECK ((state = 1) = (gone_at IS NULL)),
    FOREIGN KEY (account, phone_number) REFERENCES phone_number (account, id) ON DELETE CASCADE,
    FOREIGN KEY (account, subscription) REFERENCES subscription (account, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX delivery_by_number ON delivery (account, phone_number);
CREATE INDEX delivery_by_subscription ON delivery (account, subscription);
CREATE INDEX delivery_due ON delivery (subscription, claimed_until IS NULL, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX delivery_line ON delivery (subscription, phone_number, id) WHERE state = 1 AND in_line = 1;
CREATE INDEX delivery_by_end ON delivery (gone_at) WHERE gone_at IS NOT NULL;
