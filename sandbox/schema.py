"""The sandbox's tables. `seq` orders lists and cursors; every query below has its index."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS intents (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, dialect TEXT NOT NULL,
    amount INTEGER NOT NULL, currency TEXT NOT NULL, capture_method TEXT NOT NULL,
    status TEXT NOT NULL, client_secret TEXT NOT NULL, created INTEGER NOT NULL,
    metadata TEXT NOT NULL, amount_capturable INTEGER NOT NULL, amount_received INTEGER NOT NULL,
    card TEXT, return_url TEXT, description TEXT, receipt_email TEXT, statement_descriptor TEXT,
    latest_charge TEXT, next_action TEXT, last_error TEXT, cancellation_reason TEXT,
    canceled_at INTEGER, off_session INTEGER NOT NULL DEFAULT 0,
    request_three_d_secure TEXT NOT NULL DEFAULT 'automatic', request_multicapture TEXT);
CREATE INDEX IF NOT EXISTS intents_created ON intents (created);
CREATE TABLE IF NOT EXISTS charges (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, intent_id TEXT NOT NULL,
    amount INTEGER NOT NULL, currency TEXT NOT NULL, status TEXT NOT NULL, card TEXT NOT NULL,
    created INTEGER NOT NULL, metadata TEXT NOT NULL, captured INTEGER NOT NULL,
    released INTEGER NOT NULL, amount_captured INTEGER NOT NULL, amount_refunded INTEGER NOT NULL,
    capture_before INTEGER, balance_transaction TEXT, failure_code TEXT, failure_message TEXT,
    decline_code TEXT, advice_code TEXT, three_d_secure TEXT, description TEXT,
    is_multicapture INTEGER NOT NULL DEFAULT 0, hold_is_over INTEGER NOT NULL DEFAULT 0,
    failure_balance_transaction TEXT, dispute_id TEXT);
CREATE INDEX IF NOT EXISTS charges_intent ON charges (intent_id, seq);
CREATE INDEX IF NOT EXISTS charges_created ON charges (created);
CREATE TABLE IF NOT EXISTS captures (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, charge_id TEXT NOT NULL,
    intent_id TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL, status TEXT NOT NULL,
    is_final INTEGER NOT NULL, created INTEGER NOT NULL, balance_transaction TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS captures_charge ON captures (charge_id, seq);
CREATE TABLE IF NOT EXISTS refunds (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, charge_id TEXT NOT NULL,
    intent_id TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL,
    status TEXT NOT NULL, created INTEGER NOT NULL, metadata TEXT NOT NULL, reason TEXT,
    failure_reason TEXT, pending_reason TEXT, balance_transaction TEXT,
    failure_balance_transaction TEXT);
CREATE INDEX IF NOT EXISTS refunds_charge ON refunds (charge_id, seq);
CREATE INDEX IF NOT EXISTS refunds_intent ON refunds (intent_id, seq);
CREATE INDEX IF NOT EXISTS refunds_created ON refunds (created);
CREATE TABLE IF NOT EXISTS balance_transactions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    reporting_category TEXT NOT NULL, amount INTEGER NOT NULL, fee INTEGER NOT NULL,
    currency TEXT NOT NULL, source TEXT NOT NULL, created INTEGER NOT NULL,
    available_on INTEGER NOT NULL, intent_id TEXT, payout TEXT);
CREATE INDEX IF NOT EXISTS balance_transactions_source ON balance_transactions (source, seq);
CREATE INDEX IF NOT EXISTS balance_transactions_created ON balance_transactions (created);
CREATE INDEX IF NOT EXISTS balance_transactions_currency
    ON balance_transactions (currency, available_on, amount, fee);
CREATE TABLE IF NOT EXISTS disputes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, charge_id TEXT NOT NULL,
    intent_id TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL, reason TEXT NOT NULL,
    status TEXT NOT NULL, created INTEGER NOT NULL, due_by INTEGER NOT NULL, metadata TEXT NOT NULL,
    evidence TEXT NOT NULL, balance_transactions TEXT NOT NULL, fee INTEGER NOT NULL,
    is_withdrawn INTEGER NOT NULL, submission_count INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS disputes_charge ON disputes (charge_id, seq);
CREATE INDEX IF NOT EXISTS disputes_intent ON disputes (intent_id, seq);
CREATE INDEX IF NOT EXISTS disputes_created ON disputes (created);
CREATE TABLE IF NOT EXISTS fraud_warnings (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, charge_id TEXT NOT NULL,
    intent_id TEXT NOT NULL, fraud_type TEXT NOT NULL, is_actionable INTEGER NOT NULL,
    created INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS fraud_warnings_charge ON fraud_warnings (charge_id, seq);
CREATE INDEX IF NOT EXISTS fraud_warnings_intent ON fraud_warnings (intent_id, seq);
CREATE TABLE IF NOT EXISTS payouts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, amount INTEGER NOT NULL,
    currency TEXT NOT NULL, status TEXT NOT NULL, is_automatic INTEGER NOT NULL,
    created INTEGER NOT NULL, arrival_date INTEGER NOT NULL, balance_transaction TEXT NOT NULL,
    failure_balance_transaction TEXT, failure_code TEXT);
CREATE INDEX IF NOT EXISTS payouts_created ON payouts (created);
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, dialect TEXT NOT NULL,
    kind TEXT NOT NULL, subject_id TEXT NOT NULL, created INTEGER NOT NULL, body TEXT NOT NULL,
    is_delivered INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS events_created ON events (created);
CREATE INDEX IF NOT EXISTS events_kind ON events (kind, seq);
CREATE INDEX IF NOT EXISTS events_undelivered ON events (seq) WHERE is_delivered = 0;
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, event_id TEXT NOT NULL,
    dialect TEXT NOT NULL, url TEXT NOT NULL, position INTEGER NOT NULL, due_at REAL NOT NULL,
    state TEXT NOT NULL, attempts INTEGER NOT NULL, last_status INTEGER, is_held INTEGER NOT NULL,
    fault TEXT);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due_at, position)
    WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS deliveries_held ON deliveries (seq) WHERE is_held = 1;
CREATE INDEX IF NOT EXISTS deliveries_event ON deliveries (event_id, seq);
CREATE TABLE IF NOT EXISTS idempotency_keys (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL,
    request_id TEXT NOT NULL, created REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS idempotency_keys_created ON idempotency_keys (created);
CREATE TABLE IF NOT EXISTS timers (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, due_at REAL NOT NULL, kind TEXT NOT NULL,
    subject_id TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS timers_due ON timers (due_at, seq);
CREATE TABLE IF NOT EXISTS faults (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, scope TEXT NOT NULL, rule TEXT NOT NULL,
    seen INTEGER NOT NULL DEFAULT 0, hits INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

# Columns that came later: a store from before gets them when it is opened.
ADDED = (
    ("intents", "off_session", "INTEGER NOT NULL DEFAULT 0"),
    ("intents", "request_three_d_secure", "TEXT NOT NULL DEFAULT 'automatic'"),
    ("intents", "request_multicapture", "TEXT"),
    ("charges", "is_multicapture", "INTEGER NOT NULL DEFAULT 0"),
    ("charges", "hold_is_over", "INTEGER NOT NULL DEFAULT 0"),
    ("charges", "failure_balance_transaction", "TEXT"),
    ("charges", "dispute_id", "TEXT"),
    ("balance_transactions", "intent_id", "TEXT"),
    ("balance_transactions", "payout", "TEXT"),
)

# Indexes of columns that came later; they are made after those.
ADDED_INDEXES = """
CREATE INDEX IF NOT EXISTS balance_transactions_payout ON balance_transactions (payout, seq)
    WHERE payout IS NOT NULL;
"""

# What a store from before captures were rows of their own says in other words.
BACKFILL = """
INSERT INTO captures
    (id, charge_id, intent_id, amount, currency, status, is_final, created, balance_transaction)
SELECT 'cap_' || substr(id, 4) || '_1', id, intent_id, amount_captured, currency, 'succeeded', 1,
    created, balance_transaction
FROM charges WHERE amount_captured > 0 AND balance_transaction IS NOT NULL ORDER BY seq;
UPDATE balance_transactions SET intent_id = coalesce(
    (SELECT intent_id FROM charges WHERE id = source), (SELECT intent_id FROM refunds WHERE id = source));
"""

TABLES = (
    "intents",
    "charges",
    "captures",
    "refunds",
    "balance_transactions",
    "disputes",
    "fraud_warnings",
    "payouts",
    "events",
    "deliveries",
    "idempotency_keys",
    "timers",
    "faults",
)
