"""The books: postings balance, every sale has its order, clearing is what attempts took less what went back."""

from reconciliation.invariants.check import Check

CHECKS = (
    Check(
        "I9",
        "postings_balance",
        "The entries of a posting sum to zero in every currency, and there are some.",
        """
        SELECT posting.public_id AS subject, concat(posting.event, ' of ', posting.source_id, ' is off by ',
            coalesce(sum(entry.amount_minor)::text, 'everything: it has no entries'), ' ', entry.currency) AS detail
        FROM ledger_posting AS posting LEFT JOIN ledger_entry AS entry ON entry.posting_id = posting.id
        GROUP BY posting.id, entry.currency HAVING coalesce(sum(entry.amount_minor), 1) <> 0
        """,
    ),
    Check(
        "I9",
        "entries_belong",
        "Every entry belongs to a posting, about the same order, and is in the currency of its account.",
        """
        SELECT coalesce(posting.public_id, concat('entry ', entry.id)) AS subject, concat('entry ', entry.id, ' of ',
            entry.amount_minor, ' ', entry.currency, ' does not belong here') AS detail
        FROM ledger_entry AS entry LEFT JOIN ledger_posting AS posting ON posting.id = entry.posting_id
        LEFT JOIN ledger_account AS account ON account.id = entry.account_id
        WHERE posting.id IS NULL OR account.currency IS DISTINCT FROM entry.currency
            OR posting.order_public_id <> entry.order_public_id
        """,
    ),
    Check(
        "I4",
        "paid_order_has_its_sale",
        "An order was recognised as a sale if and only if it became paid, over what was due; goods given away at a "
        "price of zero are no sale.",
        """
        SELECT coalesce("order".public_id, sale.order_public_id) AS subject, concat('paid_at ',
            coalesce("order".paid_at::text, 'empty'), ', sale in the books: ', coalesce(sale.receivable_minor::text,
                'none'),
            ' of ', "order".due_minor) AS detail
        FROM orders_order AS "order" FULL JOIN (
            SELECT posting.order_public_id, sum(entry.amount_minor) FILTER (
                WHERE account.code = 'asset:receivable:customer') AS receivable_minor
            FROM ledger_posting AS posting JOIN ledger_entry AS entry ON entry.posting_id = posting.id
            JOIN ledger_account AS account ON account.id = entry.account_id
            WHERE posting.source_kind = 'order' AND posting.event = 'sale' GROUP BY posting.order_public_id
        ) AS sale ON sale.order_public_id = "order".public_id
        WHERE (("order".paid_at IS NULL) <> (sale.order_public_id IS NULL)
                AND NOT (sale.order_public_id IS NULL AND "order".due_minor = 0
                    AND ("order".snapshot ->> 'discount_minor')::bigint = 0))
            OR ("order".paid_at IS NOT NULL AND coalesce(sale.receivable_minor, 0) <> "order".due_minor)
        """,
    ),
    Check(
        "I9",
        "receivable_is_what_customers_owe",
        "An order is owed what is due less what was accepted once its sale is recognised (nothing when it is paid), "
        "before "
        "that nothing.",
        """
        SELECT coalesce("order".public_id, books.order_public_id) AS subject, concat('receivable is ',
            coalesce(books.receivable_minor, 0), ', should be ', "order".expected_minor) AS detail
        FROM (
            SELECT public_id, CASE WHEN paid_at IS NULL THEN 0 ELSE due_minor - captured_minor + excess_minor END AS
                expected_minor
            FROM orders_order
        ) AS "order" FULL JOIN (
            SELECT entry.order_public_id, sum(entry.amount_minor) AS receivable_minor FROM ledger_entry AS entry
            JOIN ledger_account AS account ON account.id = entry.account_id
            WHERE account.code = 'asset:receivable:customer' GROUP BY entry.order_public_id
        ) AS books ON books.order_public_id = "order".public_id
        WHERE coalesce(books.receivable_minor, 0) IS DISTINCT FROM "order".expected_minor
        """,
    ),
    Check(
        "I9",
        "clearing_is_captured_less_returned",
        "What the books say a provider owes us for an attempt is what the attempt captured less what it gave back.",
        """
        SELECT coalesce(attempt.public_id, books.attempt_public_id) AS subject, concat('clearing is ',
            coalesce(books.clearing_minor, 0), ', captured less returned ',
            coalesce(attempt.kept_minor::text, 'unknown: there is no such attempt')) AS detail
        FROM (
            SELECT public_id, captured_minor - excess_returned_minor - returned_minor AS kept_minor FROM
                payments_paymentattempt
        ) AS attempt FULL JOIN (
            SELECT entry.attempt_public_id, sum(entry.amount_minor) AS clearing_minor FROM ledger_entry AS entry
            JOIN ledger_account AS account ON account.id = entry.account_id
            WHERE starts_with(account.code, 'asset:clearing:') AND entry.attempt_public_id <> ''
            GROUP BY entry.attempt_public_id
        ) AS books ON books.attempt_public_id = attempt.public_id
        WHERE coalesce(books.clearing_minor, 0) IS DISTINCT FROM attempt.kept_minor
        """,
    ),
)
