"""Idempotency keys: one result a key, and a finished request has the answer that every repeat gets."""

from reconciliation.invariants.check import Check

CHECKS = (
    Check(
        "I2",
        "key_has_one_row",
        "A key of one caller for one operation is stored once.",
        """
        SELECT principal AS subject, concat(count(*), ' rows of one key for ', operation) AS detail
        FROM core_idempotencykey GROUP BY principal, operation, key_sha256 HAVING count(*) > 1
        """,
    ),
    Check(
        "I2",
        "finished_key_has_its_answer",
        "A finished request has its answer, a running one has none.",
        """
        SELECT principal AS subject, concat('key ', id, ' for ', operation, ' is ', recovery_point, ', its answer is ',
            CASE WHEN answer_sealed IS NULL THEN 'missing' ELSE 'there' END) AS detail
        FROM core_idempotencykey
        WHERE (recovery_point = 'finished') <> (answer_status IS NOT NULL AND answer_sealed IS NOT NULL)
        """,
    ),
)
