"""The books: postings balance, every sale has its order, clearing is what attempts took less what went back."""

from ledger import proofs
from reconciliation.invariants.check import Check

CHECKS = (
    Check(
        "I9",
        "postings_balance",
        "The entries of a posting sum to zero in every currency, and there are some.",
        proofs.BALANCED,
    ),
    Check(
        "I9",
        "entries_belong",
        "Every entry belongs to a posting, about the same order, and is in the currency of its account.",
        proofs.BELONGING,
    ),
    Check(
        "I4",
        "paid_order_has_its_sale",
        "An order is in the books as a sale over what was due from when it became paid until that was undone, after "
        "which it has ended or came back to be paid anew; goods given away at a price of zero are no sale.",
        """
        SELECT coalesce("order".public_id, sale.order_public_id) AS subject, concat('paid_at ',
            coalesce("order".paid_at::text, 'empty'), CASE WHEN "order".is_sale_recognised THEN '' ELSE ', undone' END,
            ', sale in the books: ', coalesce(sale.receivable_minor::text, 'none'), ' of ', "order".due_minor) AS detail
        FROM orders_order AS "order" FULL JOIN (
            SELECT posting.order_public_id, sum(entry.amount_minor) FILTER (
                WHERE account.code = 'asset:receivable:customer') AS receivable_minor
            FROM ledger_posting AS posting JOIN ledger_entry AS entry ON entry.posting_id = posting.id
            JOIN ledger_account AS account ON account.id = entry.account_id
            WHERE posting.source_kind = 'order' AND starts_with(posting.event, 'sale') GROUP BY posting.order_public_id
        ) AS sale ON sale.order_public_id = "order".public_id
        WHERE "order".public_id IS NULL
            OR ("order".is_sale_recognised AND "order".paid_at IS NULL)
            OR ("order".is_sale_recognised AND sale.order_public_id IS NULL
                AND NOT ("order".due_minor = 0 AND ("order".snapshot ->> 'discount_minor')::bigint = 0))
            OR coalesce(sale.receivable_minor, 0)
                <> CASE WHEN "order".is_sale_recognised THEN "order".due_minor ELSE 0 END
            OR ("order".paid_at IS NOT NULL AND NOT "order".is_sale_recognised
                AND "order".state NOT IN ('cancelled', 'cancelled_with_refund', 'expired')
                AND NOT ("order".state IN ('payment_pending', 'payment_authorized', 'payment_failed', 'capture_failed')
                    AND EXISTS (SELECT 1 FROM orders_orderevent AS event WHERE event.order_id = "order".id
                        AND event.kind = 'transition' AND event.from_state = 'expired')))
        """,
    ),
    Check(
        "I9",
        "receivable_is_what_customers_owe",
        "An order is owed what is due less what was accepted while its sale is recognised (nothing when it is paid), "
        "before and after that nothing.",
        """
        SELECT coalesce("order".public_id, books.order_public_id) AS subject, concat('receivable is ',
            coalesce(books.receivable_minor, 0), ', should be ', "order".expected_minor) AS detail
        FROM (
            SELECT public_id, CASE WHEN is_sale_recognised THEN due_minor - captured_minor + excess_minor ELSE 0 END AS
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
        "What the books say is kept of an attempt, at its provider, held for a dispute or in our bank, is what the "
        "attempt captured less what went back; a refund given as store credit went back.",
        """
        SELECT coalesce(attempt.public_id, books.attempt_public_id) AS subject, concat('clearing is ',
            coalesce(books.clearing_minor, 0), ', captured less returned ',
            coalesce(attempt.kept_minor::text, 'unknown: there is no such attempt')) AS detail
        FROM (
            SELECT public_id, captured_minor - excess_returned_minor - returned_minor - beyond_minor AS kept_minor FROM
                payments_paymentattempt
        ) AS attempt FULL JOIN (
            SELECT entry.attempt_public_id, sum(entry.amount_minor) AS clearing_minor FROM ledger_entry AS entry
            JOIN ledger_account AS account ON account.id = entry.account_id
            JOIN ledger_posting AS posting ON posting.id = entry.posting_id
            WHERE entry.attempt_public_id <> '' AND (starts_with(account.code, 'asset:clearing:')
                OR starts_with(account.code, 'asset:dispute_hold:') OR starts_with(account.code, 'asset:bank:')
                OR (posting.event = 'refund_as_credit' AND account.code = 'liability:customer_credit'))
            GROUP BY entry.attempt_public_id
        ) AS books ON books.attempt_public_id = attempt.public_id
        WHERE coalesce(books.clearing_minor, 0) IS DISTINCT FROM attempt.kept_minor
        """,
    ),
    Check(
        "I9",
        "reversals_are_exact",
        "A correction takes back one posting to the penny, for the same order and attempt.",
        proofs.EXACTLY_REVERSED,
    ),
    Check(
        "I9",
        "refunds_are_paid_once",
        "No refund is settled beyond what was accepted of it.",
        proofs.OWED_REFUNDS,
    ),
    Check(
        "I9",
        "disputes_hold_what_was_withdrawn",
        "No dispute gives back or loses more than was withdrawn for it.",
        proofs.HELD_DISPUTES,
    ),
    Check(
        "I9",
        "checkpoints_are_sums",
        "A checkpoint counts the entries up to it, real and test money apart.",
        proofs.COUNTED,
    ),
    Check(
        "I9",
        "closed_days_stay_closed",
        "What is booked on a closed day is what it was closed with.",
        proofs.CLOSED,
    ),
)
