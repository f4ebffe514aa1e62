"""The schema, as named migrations: each is a list of statements that run in one transaction.

Never edit a migration that has been released: add one. `docs/store.md` describes the result, and a test
compares the two.
"""

from __future__ import annotations

FIRST = (
    # One row: facts about the file. `gc_epoch` rises whenever chunks are deleted; writers that
    # remember chunk ids forget them when it does.
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
    "INSERT INTO meta VALUES ('gc_epoch', 0)",
    """CREATE TABLE instances (
        seq INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        host TEXT NOT NULL,
        pid INTEGER NOT NULL,
        pid_started REAL NOT NULL,
        started_at INTEGER NOT NULL,
        ended_at INTEGER
    )""",
    """CREATE TABLE runs (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        title TEXT NOT NULL,
        status TEXT NOT NULL,
        started_at INTEGER NOT NULL,
        ended_at INTEGER,
        last_at INTEGER NOT NULL,
        recipe TEXT,
        model TEXT,
        brief TEXT,
        parent TEXT,
        tenant TEXT NOT NULL,
        path TEXT,
        pid INTEGER,
        pid_started REAL,
        stop_reason TEXT,
        pinned INTEGER NOT NULL DEFAULT 0,
        name TEXT,
        note TEXT,
        tags TEXT
    )""",
    "CREATE INDEX runs_started ON runs (started_at, id)",
    "CREATE INDEX runs_name ON runs (name) WHERE name IS NOT NULL",
    """CREATE TABLE steps (
        run INTEGER NOT NULL REFERENCES runs (seq),
        seq INTEGER NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        status TEXT NOT NULL,
        started_at INTEGER,
        ended_at INTEGER,
        input_hash TEXT,
        output_hash TEXT,
        detail TEXT,
        PRIMARY KEY (run, seq)
    ) WITHOUT ROWID""",
    # `seq` is the moment (microseconds) times 1024, plus a number against clashes: row order is time
    # order, so every index below ends in it for free and a keyset page is one descent.
    """CREATE TABLE exchanges (
        seq INTEGER PRIMARY KEY,
        started_at INTEGER GENERATED ALWAYS AS (seq >> 10) VIRTUAL,
        id TEXT NOT NULL UNIQUE,
        endpoint TEXT NOT NULL,
        model TEXT NOT NULL,
        deployment TEXT,
        provider TEXT,
        status INTEGER,
        state TEXT NOT NULL,
        stream INTEGER NOT NULL,
        cache TEXT NOT NULL,
        input_tokens INTEGER,
        output_tokens INTEGER,
        cached_tokens INTEGER,
        cache_write_tokens INTEGER,
        reasoning_tokens INTEGER,
        usage_estimated INTEGER NOT NULL,
        cost_usd REAL,
        latency_us INTEGER,
        ttft_us INTEGER,
        attempts INTEGER NOT NULL,
        run INTEGER REFERENCES runs (seq),
        step TEXT,
        session INTEGER REFERENCES runs (seq),
        tenant TEXT NOT NULL,
        replay_of TEXT,
        tags TEXT,
        note TEXT,
        name TEXT,
        pinned INTEGER NOT NULL DEFAULT 0,
        redactions TEXT,
        request_bytes INTEGER NOT NULL,
        response_bytes INTEGER NOT NULL,
        finish_reason TEXT,
        error_code TEXT,
        error TEXT,
        tools TEXT,
        client TEXT,
        request_id TEXT,
        instance INTEGER REFERENCES instances (seq),
        context INTEGER,
        base INTEGER REFERENCES exchanges (seq)
    )""",
    "CREATE INDEX exchanges_model ON exchanges (model)",
    "CREATE INDEX exchanges_provider ON exchanges (provider)",
    "CREATE INDEX exchanges_tenant ON exchanges (tenant)",
    "CREATE INDEX exchanges_run ON exchanges (run) WHERE run IS NOT NULL",
    "CREATE INDEX exchanges_session ON exchanges (session) WHERE session IS NOT NULL",
    "CREATE INDEX exchanges_error ON exchanges (status) WHERE status >= 400",
    "CREATE INDEX exchanges_state ON exchanges (state) WHERE state <> 'complete'",
    "CREATE INDEX exchanges_pinned ON exchanges (pinned) WHERE pinned",
    "CREATE INDEX exchanges_note ON exchanges (seq) WHERE note IS NOT NULL",
    "CREATE INDEX exchanges_name ON exchanges (name) WHERE name IS NOT NULL",
    "CREATE INDEX exchanges_replay ON exchanges (replay_of) WHERE replay_of IS NOT NULL",
    "CREATE INDEX exchanges_request ON exchanges (request_id) WHERE request_id IS NOT NULL",
    "CREATE INDEX exchanges_context ON exchanges (context) WHERE context IS NOT NULL",
    "CREATE INDEX exchanges_base ON exchanges (base) WHERE base IS NOT NULL",
    # 'tag:x' and 'tool:y', to filter by; the exchange's own columns are what is shown.
    """CREATE TABLE labels (
        label TEXT NOT NULL,
        exchange INTEGER NOT NULL REFERENCES exchanges (seq),
        PRIMARY KEY (label, exchange)
    ) WITHOUT ROWID""",
    """CREATE TABLE attempts (
        exchange INTEGER NOT NULL REFERENCES exchanges (seq),
        number INTEGER NOT NULL,
        route INTEGER NOT NULL REFERENCES routes (id),
        started_at INTEGER NOT NULL,
        ended_at INTEGER,
        status INTEGER,
        error_code TEXT,
        error TEXT,
        ttft_us INTEGER,
        latency_us INTEGER,
        reason TEXT NOT NULL,
        headers BLOB,
        PRIMARY KEY (exchange, number)
    ) WITHOUT ROWID""",
    # What attempts repeat: where they went. Few, and kept for ever.
    """CREATE TABLE routes (
        id INTEGER PRIMARY KEY,
        deployment TEXT NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        url TEXT,
        UNIQUE (deployment, provider, model, url)
    )""",
    # Header lines as clients and servers repeat them, with null where a value changes each time.
    "CREATE TABLE header_sets (id INTEGER PRIMARY KEY, lines TEXT NOT NULL UNIQUE)",
    # part 0 request, 1 response; attempt n: 2n what was sent upstream, 2n+1 what came back.
    # `chunks`: ids as varint deltas.
    """CREATE TABLE bodies (
        exchange INTEGER NOT NULL REFERENCES exchanges (seq),
        part INTEGER NOT NULL,
        size INTEGER NOT NULL,
        crc INTEGER NOT NULL,
        chunks BLOB,
        headers BLOB,
        timing BLOB,
        PRIMARY KEY (exchange, part)
    ) WITHOUT ROWID""",
    # What has arrived of an answer that is still running; folded into `bodies` at its end.
    """CREATE TABLE partials (
        exchange INTEGER NOT NULL REFERENCES exchanges (seq),
        number INTEGER NOT NULL,
        size INTEGER NOT NULL,
        codec INTEGER NOT NULL,
        data BLOB NOT NULL,
        timing BLOB NOT NULL,
        PRIMARY KEY (exchange, number)
    ) WITHOUT ROWID""",
    # Content-addressed slices of bodies. codec 0: as is; 1: zstd; n: zstd with dictionary n; negative: a
    # stream of events in parts, its text packed by codec ~n.
    # base: the answer this message repeats (of a stream in parts, its text); codec 0: edges and a copy,
    # 1: zstd with it as the dictionary.
    # kind: 0 neither, 1 a request's message, 2 an answer, 3 a request that has no messages.
    """CREATE TABLE chunks (
        id INTEGER PRIMARY KEY,
        hash BLOB NOT NULL UNIQUE,
        size INTEGER NOT NULL,
        codec INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        indexed INTEGER NOT NULL,
        base INTEGER REFERENCES chunks (id),
        data BLOB NOT NULL
    )""",
    "CREATE INDEX chunks_base ON chunks (base) WHERE base IS NOT NULL",
    # Which exchange brought a chunk into its conversation; the ones that continue it (`base`) do not repeat
    # that. A chunk no exchange uses is deleted.
    """CREATE TABLE uses (
        chunk INTEGER NOT NULL REFERENCES chunks (id),
        exchange INTEGER NOT NULL REFERENCES exchanges (seq),
        PRIMARY KEY (chunk, exchange)
    ) WITHOUT ROWID""",
    "CREATE INDEX uses_exchange ON uses (exchange)",
    "CREATE TABLE dictionaries (id INTEGER PRIMARY KEY, created_at INTEGER NOT NULL, data BLOB NOT NULL)",
    # One row per unique message; its row is the id of the chunk (where that says `indexed`).
    "CREATE VIRTUAL TABLE messages_fts USING fts5 (text, content='', tokenize='unicode61')",
)

STREAMS: tuple[str, ...] = ()
"""No table changes. From here on chunks and timings of streams have forms that older programs can't read;
they are to refuse the store, not to call it damaged.
"""

MIGRATIONS: tuple[tuple[str, tuple[str, ...]], ...] = (("0001-first", FIRST), ("0002-streams", STREAMS))
"""Name and statements of each migration, oldest first. `PRAGMA user_version` is how many are applied."""
