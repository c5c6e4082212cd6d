"""The evidence for a bank, taken from an order's page."""

import io
import zipfile

from django.test import Client

from accounts.models import StaffRole, User
from orders.tests.factories import an_order
from oversight.models import AuditEntry
from support.tests.factories import address_of

NAME = "Evidence for the bank (ZIP)"


def demote(user: User) -> None:
    """This will leave somebody with the least role."""
    user.is_superuser, user.staff_role = False, StaffRole.SUPPORT
    user.save()


class TestDownload:
    def test_is_an_archive_that_nobody_keeps(self, console: Client) -> None:
        order = an_order()
        page = console.get(address_of(order)).content.decode()

        answer = console.post(f"/console/orders/order/{order.pk}/evidence/")

        assert NAME in page
        assert answer.headers["Content-Disposition"] == f'attachment; filename="evidence-{order.number}.zip"'
        assert answer.headers["Cache-Control"] == "private, no-store"
        with zipfile.ZipFile(io.BytesIO(answer.content)) as parts:
            assert "order.json" in parts.namelist()
        assert AuditEntry.objects.filter(action="evidence_gathered").count() == 1

    def test_is_neither_shown_nor_given_to_roles_that_do_not_answer_banks(self, console: Client, staff: User) -> None:
        order = an_order()
        demote(staff)

        assert NAME not in console.get(address_of(order)).content.decode()
        assert console.post(f"/console/orders/order/{order.pk}/evidence/").status_code == 403
        assert AuditEntry.objects.count() == 0

    def test_is_asked_for_by_a_button_alone(self, console: Client) -> None:
        assert console.get(f"/console/orders/order/{an_order().pk}/evidence/").status_code == 405

    def test_of_no_order_there_is_none(self, console: Client) -> None:
        assert console.post("/console/orders/order/999999/evidence/").status_code == 404

    def test_strangers_are_led_to_the_door(self, database: str) -> None:
        answer = Client().post(f"/console/orders/order/{an_order().pk}/evidence/")

        assert answer.status_code == 302
        assert AuditEntry.objects.count() == 0
