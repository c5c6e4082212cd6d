"""Mistakes about what customers ask back themselves: cancellations of paid orders and refund requests."""

from tests.sabotage.planting import Defect, Edit

ASKING = {"ask_refund": 20, "decide_claim": 10, "cancel": 12, "start": 4, "confirm": 4, "refund_as_staff": 6}
# A sale is cancelled of which nothing was asked back before.
CANCELLING = {
    "cancel": 8, "fill_cart": 3, "start": 6, "confirm": 6, "deliver": 2, "work": 2, "ask_refund": 0, "start_held": 0,
    "refund_by_rule": 0, "refund_as_staff": 0,
}  # fmt: skip
# A refund waits for its second person, the customer cancels, and then the refund comes to nothing.
SECOND_THOUGHTS = {
    "refund_as_staff": 20, "decide_refund": 2, "cancel": 7, "fill_cart": 3, "start": 6, "confirm": 6, "days_pass": 2,
    "ask_refund": 0, "refund_by_rule": 0, "start_held": 0,
}  # fmt: skip

DEFECTS = (
    Defect(
        "cancelled sale kept",
        "The cancellation of a paid order is opened, and nothing of its money is sent back.",
        (
            Edit(
                "payments.services.refunding.cancelling._return_all",
                "            request_refund(wish, cause=cause)\n            return lock_order(order.public_id)",
                "            return order",
            ),
        ),
        more=CANCELLING,
    ),
    Defect(
        "rest of a cancelled sale kept",
        "A refund that waited for a second person comes to nothing, and nobody asks what the cancelled order is owed.",
        (
            Edit(
                "payments.services.refunding.cancelling.return_rest",
                "    return _return_all(order, cause=cause)",
                "    return order",
            ),
        ),
        more=SECOND_THOUGHTS,
    ),
    Defect(
        "request granted in words",
        "A rule grants a refund request and no refund is ordered.",
        (
            Edit(
                "payments.services.refunding.claims.request_claim",
                "        request_refund(replace(refund, claim=claim, restocks=True), cause=cause)\n",
                "        pass\n",
            ),
        ),
        more=ASKING,
    ),
    Defect(
        "taken since a reversal, and kept",
        "A bank takes a sale's money back, some comes again, the order ends, and what came is still the sale's.",
        (
            Edit(
                "payments.services.settle.settle_order",
                "    _release_accepted(order, attempts, operations, cause=cause)\n",
                "",
            ),
        ),
        more={"paid_once_more": 80},
        is_played_to_the_end=True,
    ),
)
