"""What a bank is shown about a disputed payment."""

import hashlib
import io
import json
import zipfile
from typing import Any

import pytest

from accounts.models import StaffRole
from core.db import transaction
from oversight.models import AuditEntry
from oversight.tests.factories import a_colleague
from support.evidence import NotForYourRole, gather_evidence
from tests.journeys.buyers import answer_bank
from tests.journeys.facts import by, control
from tests.shop import Shop


@pytest.fixture
def disputed(shop: Shop) -> Shop:
    """An order that its customer confirmed at their bank, and that the bank disputes for the half of it."""
    order = shop.start(shop.a_cart({"MUG-RED": 2}), token="pm_card_threeDSecure2Required").json()
    answer_bank(shop, order)
    shop.deliver()
    control(shop, "disputes", payment_intent=shop.truth("intent")[0]["id"], amount=1999, reason="fraudulent")
    return shop


def gathered(shop: Shop) -> dict[str, Any]:
    """This will gather the evidence as somebody of finance and return its parts."""
    ada = a_colleague("ada", StaffRole.FINANCE)
    with transaction("test"):
        archive = gather_evidence(shop.order(), staff=ada, cause=by(ada))
    with zipfile.ZipFile(io.BytesIO(archive)) as parts:
        assert parts.testzip() is None
        return {name: parts.read(name) for name in parts.namelist()}


class TestEvidence:
    def test_tells_what_was_agreed_what_the_bank_answered_and_what_it_says_now(self, disputed: Shop) -> None:
        parts = gathered(disputed)

        told = {name: json.loads(content) for name, content in parts.items() if name.endswith(".json")}
        order = disputed.order()
        assert told["order.json"] == {"snapshot": order.snapshot, "snapshot_hash": order.snapshot_hash}
        assert told["customer.json"]["email"] == "ada@example.com"
        (payment,) = told["payments.json"]
        assert payment["three_d_secure"]["result"] == "authenticated"
        assert payment["captured_minor"] == 3998
        assert [row["to"] for row in told["history.json"] if row["to"]][-1] == "paid"
        (dispute,) = told["disputes.json"]
        assert (dispute["amount_minor"], dispute["reason"], dispute["status"]) == (1999, "fraudulent", "needs_response")
        assert order.number in parts["about.txt"].decode()

    def test_each_part_stands_under_its_hash(self, disputed: Shop) -> None:
        parts = gathered(disputed)

        digests = json.loads(parts.pop("sha256.json"))
        assert digests == {name: hashlib.sha256(content).hexdigest() for name, content in parts.items()}

    def test_who_took_it_is_in_the_audit_trail(self, disputed: Shop) -> None:
        gathered(disputed)

        entry = AuditEntry.objects.get(action="evidence_gathered")
        assert entry.subject_id == disputed.order().public_id
        assert entry.actor.startswith("staff:usr_")

    def test_is_not_for_roles_that_do_not_answer_banks(self, disputed: Shop) -> None:
        bob = a_colleague("bob", StaffRole.SUPPORT)

        with pytest.raises(NotForYourRole), transaction("test"):
            gather_evidence(disputed.order(), staff=bob, cause=by(bob))
        assert not AuditEntry.objects.filter(action="evidence_gathered").exists()
