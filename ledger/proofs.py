"""What is always true of the books, as SELECTs of (subject, detail): a row is something wrong. No percent signs, no
parameters, so that they can stand in one statement with others.
"""

BALANCED = """
    SELECT posting.public_id AS subject, concat(posting.event, ' of ', posting.source_id, ' is off by ',
        coalesce(sum(entry.amount_minor)::text, 'everything: it has no entries'), ' ', entry.currency) AS detail
    FROM ledger_posting AS posting LEFT JOIN ledger_entry AS entry ON entry.posting_id = posting.id
    GROUP BY posting.id, entry.currency HAVING coalesce(sum(entry.amount_minor), 1) <> 0
"""
BELONGING = """
    SELECT coalesce(posting.public_id, concat('entry ', entry.id)) AS subject, concat('entry ', entry.id, ' of ',
        entry.amount_minor, ' ', entry.currency, ' does not belong here') AS detail
    FROM ledger_entry AS entry LEFT JOIN ledger_posting AS posting ON posting.id = entry.posting_id
    LEFT JOIN ledger_account AS account ON account.id = entry.account_id
    WHERE posting.id IS NULL OR account.currency IS DISTINCT FROM entry.currency
        OR posting.order_public_id <> entry.order_public_id
"""
EXACTLY_REVERSED = """
    SELECT reversal.public_id AS subject, concat('is not the exact reversal of ', reversal.reverses) AS detail
    FROM ledger_posting AS reversal LEFT JOIN ledger_posting AS original ON original.public_id = reversal.reverses
    WHERE reversal.reverses IS NOT NULL AND (original.id IS NULL OR EXISTS (
        SELECT 1 FROM ledger_entry WHERE posting_id IN (original.id, reversal.id)
        GROUP BY account_id, currency, order_public_id, attempt_public_id HAVING sum(amount_minor) <> 0))
"""
COUNTED = """
    SELECT concat(account.code, ':', account.currency) AS subject, concat('checkpoint at entry ',
        step.up_to_entry_id, ' counts ', step.counted, ' entries of ', step.moved_minor,
        ' since the one before, there are ', actual.entries_count, ' of ', actual.moved_minor) AS detail
    FROM (
        SELECT account_id, is_livemode, up_to_entry_id, lag(up_to_entry_id, 1, 0::bigint) OVER place AS from_entry_id,
            balance_minor - lag(balance_minor, 1, 0::bigint) OVER place AS moved_minor,
            entries_count - lag(entries_count, 1, 0::bigint) OVER place AS counted
        FROM ledger_checkpoint WINDOW place AS (PARTITION BY account_id, is_livemode ORDER BY up_to_entry_id)
    ) AS step JOIN ledger_account AS account ON account.id = step.account_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS entries_count, coalesce(sum(entry.amount_minor), 0) AS moved_minor
        FROM ledger_entry AS entry JOIN ledger_posting AS posting ON posting.id = entry.posting_id
        WHERE entry.account_id = step.account_id AND posting.is_livemode = step.is_livemode
            AND entry.id > step.from_entry_id AND entry.id <= step.up_to_entry_id
    ) AS actual
    WHERE (step.counted, step.moved_minor) IS DISTINCT FROM (actual.entries_count, actual.moved_minor)
    UNION ALL
    SELECT concat('account ', account_id), concat('checkpoint at entry ', up_to_entry_id, ' counts one mode alone')
    FROM ledger_checkpoint GROUP BY account_id, up_to_entry_id HAVING count(*) <> 2
"""
# Also a posting on a day before the first that was closed: it would be on none.
CLOSED = """
    SELECT coalesce(kept.public_id, actual.public_id) AS subject, concat('the books of ',
        coalesce(kept.starts_on, actual.starts_on), ' are closed with ', coalesce(kept.entries_count, 0),
        ' entries of an account, there are ', coalesce(actual.entries_count, 0), ' or others') AS detail
    FROM (
        SELECT period.id, period.public_id, period.starts_on, total.account_id, total.is_livemode,
            total.entries_count, total.debit_minor, total.credit_minor
        FROM ledger_period AS period JOIN ledger_periodtotal AS total ON total.period_id = period.id
        WHERE period.kind = 'day' AND total.entries_count > 0
    ) AS kept FULL JOIN (
        SELECT period.id, period.public_id, period.starts_on, entry.account_id, posting.is_livemode,
            count(*) AS entries_count, coalesce(sum(amount_minor) FILTER (WHERE amount_minor > 0), 0) AS debit_minor,
            coalesce(-sum(amount_minor) FILTER (WHERE amount_minor < 0), 0) AS credit_minor
        FROM ledger_period AS period JOIN ledger_posting AS posting ON posting.business_on = period.starts_on
        JOIN ledger_entry AS entry ON entry.posting_id = posting.id
        JOIN ledger_account AS account ON account.id = entry.account_id
            AND account.legal_entity = period.legal_entity
        WHERE period.kind = 'day'
        GROUP BY period.id, entry.account_id, posting.is_livemode
    ) AS actual ON actual.id = kept.id AND actual.account_id = kept.account_id
        AND actual.is_livemode = kept.is_livemode
    WHERE (kept.entries_count, kept.debit_minor, kept.credit_minor)
        IS DISTINCT FROM (actual.entries_count, actual.debit_minor, actual.credit_minor)
    UNION ALL
    SELECT posting.public_id, concat('is booked on ', posting.business_on, ', before the first day that was closed')
    FROM ledger_posting AS posting JOIN core_saleschannel AS channel ON channel.id = posting.channel_id
    JOIN (SELECT legal_entity, min(starts_on) AS first_on FROM ledger_period WHERE kind = 'day' GROUP BY legal_entity)
        AS closed ON closed.legal_entity = channel.legal_entity
    WHERE posting.business_on < closed.first_on
"""
OWED_REFUNDS = """
    SELECT posting.source_id AS subject, concat('a refund is owed ', -sum(entry.amount_minor), ' ', entry.currency)
        AS detail
    FROM ledger_posting AS posting JOIN ledger_entry AS entry ON entry.posting_id = posting.id
    JOIN ledger_account AS account ON account.id = entry.account_id
    WHERE posting.source_kind = 'refund' AND account.code = 'liability:refunds_payable'
    GROUP BY posting.source_id, entry.currency HAVING sum(entry.amount_minor) > 0
"""
HELD_DISPUTES = """
    SELECT posting.source_id AS subject, concat('a dispute holds ', sum(entry.amount_minor), ' ', entry.currency)
        AS detail
    FROM ledger_posting AS posting JOIN ledger_entry AS entry ON entry.posting_id = posting.id
    JOIN ledger_account AS account ON account.id = entry.account_id
    WHERE posting.source_kind = 'dispute' AND starts_with(account.code, 'asset:dispute_hold:')
    GROUP BY posting.source_id, entry.currency HAVING sum(entry.amount_minor) < 0
"""
