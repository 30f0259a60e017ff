-- The tables of the state that version 3 of the schema writes. A later version must read them or refuse them, so don't edit this.
CREATE TABLE identity (
    tenant_id TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    client_secret TEXT NOT NULL,
    token_key BLOB NOT NULL
);
CREATE TABLE resource_group (
    name TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
    location TEXT NOT NULL,
    tags TEXT NOT NULL
);
CREATE TABLE service (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    resource_group TEXT NOT NULL COLLATE NOCASE REFERENCES resource_group (name) ON DELETE CASCADE,
    name TEXT NOT NULL COLLATE NOCASE UNIQUE,
    id_scope TEXT NOT NULL UNIQUE,
    etag TEXT NOT NULL,
    location TEXT NOT NULL,
    tags TEXT NOT NULL,
    sku TEXT NOT NULL,
    properties TEXT NOT NULL,
    policies TEXT NOT NULL,
    iot_hubs TEXT NOT NULL
);
CREATE TABLE operation (id TEXT PRIMARY KEY, service TEXT NOT NULL COLLATE NOCASE, started TEXT NOT NULL);
CREATE TABLE certificate (
    service INTEGER NOT NULL REFERENCES service (id) ON DELETE CASCADE,
    name TEXT NOT NULL COLLATE NOCASE,
    body TEXT NOT NULL,
    der BLOB NOT NULL,
    summary TEXT NOT NULL,
    verified INTEGER NOT NULL,
    code TEXT,
    etag TEXT NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    PRIMARY KEY (service, name)
);
CREATE TABLE enrollment (
    service INTEGER NOT NULL REFERENCES service (id) ON DELETE CASCADE,
    collection TEXT NOT NULL,
    id TEXT NOT NULL COLLATE NOCASE,
    attestation TEXT NOT NULL,
    document TEXT NOT NULL,
    etag TEXT NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    PRIMARY KEY (service, collection, id)
);
CREATE INDEX enrollment_by_creation ON enrollment (service, collection);
CREATE TABLE registration (
    service INTEGER NOT NULL REFERENCES service (id) ON DELETE CASCADE,
    id TEXT NOT NULL COLLATE NOCASE,
    enrollment_group TEXT COLLATE NOCASE,
    document TEXT NOT NULL,
    etag TEXT NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    PRIMARY KEY (service, id)
);
CREATE INDEX registration_by_group ON registration (service, enrollment_group);
CREATE TABLE hub_device (
    hub TEXT NOT NULL COLLATE NOCASE,
    id TEXT NOT NULL COLLATE NOCASE,
    thumbprint TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (hub, id)
);
PRAGMA user_version = 3;
