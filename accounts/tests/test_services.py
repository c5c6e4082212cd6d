"""People, tokens and credentials: what is stored and what is refused."""

from datetime import timedelta

import pytest

from accounts.models import AccessToken, ServiceCredential, StaffRole, User
from accounts.selectors import check_token, find_service
from accounts.services import (
    EmailInvalid,
    EmailTaken,
    NotStaff,
    PasswordRefused,
    TokenTooShort,
    change_staff_role,
    create_customer,
    create_service_credential,
    create_staff,
    issue_token,
    revoke_tokens,
)
from core import clock, crypto
from core.db import TransactionStanceError, transaction

pytestmark = pytest.mark.usefixtures("database")

CART = AccessToken.Purpose.CART
VIEW = AccessToken.Purpose.VIEW
PAY = AccessToken.Purpose.PAY
SERVICE_TOKEN = "replay-token-of-sufficient-length"


class TestCreateCustomer:
    def test_stores_the_address_in_lower_case_and_the_password_as_a_digest(self) -> None:
        with transaction("test"):
            user = create_customer(email=" Ada@Example.ORG ", password="a long enough one", now=clock.now())

        kept = User.objects.get(public_id=user.public_id)

        assert (kept.email, kept.is_staff, kept.is_superuser) == ("ada@example.org", False, False)
        assert "a long enough one" not in kept.password
        assert kept.check_password("a long enough one")

    def test_without_a_password_nobody_signs_in(self) -> None:
        with transaction("test"):
            user = create_customer(email="ada@example.org", now=clock.now())

        assert not user.has_usable_password()

    def test_refuses_an_address_in_use_whatever_its_case(self) -> None:
        with transaction("test"):
            create_customer(email="ada@example.org", now=clock.now())

        with pytest.raises(EmailTaken), transaction("test"):
            create_customer(email="ADA@example.org", now=clock.now())

        assert User.objects.count() == 1

    @pytest.mark.parametrize("email", ["", "ada", "ada@", "ada@localhost@x"])
    def test_refuses_what_is_no_address(self, email: str) -> None:
        with pytest.raises(EmailInvalid), transaction("test"):
            create_customer(email=email, now=clock.now())

    def test_needs_its_callers_transaction(self) -> None:
        with pytest.raises(TransactionStanceError):
            create_customer(email="ada@example.org", now=clock.now())


class TestCreateStaff:
    def test_makes_staff_without_making_a_superuser(self) -> None:
        with transaction("test"):
            user = create_staff(email="grace@example.org", password="a long enough one", now=clock.now())

        assert (user.is_staff, user.is_superuser, user.role) == (True, False, "")

    def test_a_superuser_is_an_administrator_and_who_left_is_nobody(self) -> None:
        with transaction("test"):
            user = create_staff(
                email="grace@example.org", password="a long enough one", now=clock.now(), is_superuser=True
            )

        assert user.role == StaffRole.ADMINISTRATOR
        user.is_active = False
        assert user.role == ""

    def test_has_one_role_that_can_change(self) -> None:
        with transaction("test"):
            user = create_staff(
                email="grace@example.org", password="a long enough one", now=clock.now(), role=StaffRole.SUPPORT
            )
            change_staff_role(user, role=StaffRole.FINANCE)

        assert User.objects.get().role == StaffRole.FINANCE

    def test_customers_have_no_role(self) -> None:
        with transaction("test"):
            ada = create_customer(email="ada@example.org", now=clock.now())

        with pytest.raises(NotStaff), transaction("test"):
            change_staff_role(ada, role=StaffRole.SUPPORT)

        assert User.objects.get().staff_role == ""

    @pytest.mark.parametrize("password", ["", "short", "password1234"])
    def test_refuses_a_password_that_is_guessed(self, password: str) -> None:
        with pytest.raises(PasswordRefused), transaction("test"):
            create_staff(email="grace@example.org", password=password, now=clock.now())

        assert not User.objects.exists()


class TestTokens:
    def test_opens_its_subject_for_its_purposes_alone(self) -> None:
        now = clock.now()
        with transaction("test"):
            raw = issue_token(subject_id="ord_1", purposes=[VIEW, PAY], lifetime=timedelta(days=1), now=now)

        assert check_token(raw, subject_id="ord_1", purpose=VIEW, now=now)
        assert check_token(raw, subject_id="ord_1", purpose=PAY, now=now)
        assert not check_token(raw, subject_id="ord_1", purpose=CART, now=now)
        assert not check_token(raw, subject_id="ord_2", purpose=VIEW, now=now)

    @pytest.mark.parametrize("raw", ["", "guess", "\x00", "ü" * 500])
    def test_anything_else_opens_nothing(self, raw: str) -> None:
        with transaction("test"):
            issue_token(subject_id="ord_1", purposes=[VIEW], lifetime=timedelta(days=1), now=clock.now())

        assert not check_token(raw, subject_id="ord_1", purpose=VIEW, now=clock.now())

    def test_is_not_stored(self) -> None:
        with transaction("test"):
            raw = issue_token(subject_id="ord_1", purposes=[VIEW], lifetime=timedelta(days=1), now=clock.now())

        token = AccessToken.objects.get()

        assert token.token_sha256 == crypto.digest(raw)
        assert raw not in {str(value) for value in vars(token).values()}
        assert len(raw) * 6 >= 128

    def test_ends_at_its_time(self) -> None:
        now = clock.now()
        with transaction("test"):
            raw = issue_token(subject_id="ord_1", purposes=[VIEW], lifetime=timedelta(hours=1), now=now)

        just_before = now + timedelta(hours=1) - timedelta(microseconds=1)

        assert check_token(raw, subject_id="ord_1", purpose=VIEW, now=just_before)
        assert not check_token(raw, subject_id="ord_1", purpose=VIEW, now=now + timedelta(hours=1))

    def test_revoking_ends_all_of_a_subject_and_none_of_another(self) -> None:
        now = clock.now()
        with transaction("test"):
            raws = [
                issue_token(subject_id=subject, purposes=[VIEW], lifetime=timedelta(days=1), now=now)
                for subject in ("ord_1", "ord_1", "ord_2")
            ]

        with transaction("test"):
            revoked_count = revoke_tokens("ord_1", now=now)

        assert revoked_count == 2
        assert not check_token(raws[0], subject_id="ord_1", purpose=VIEW, now=now)
        assert not check_token(raws[1], subject_id="ord_1", purpose=VIEW, now=now)
        assert check_token(raws[2], subject_id="ord_2", purpose=VIEW, now=now)


class TestServiceCredential:
    def test_is_found_by_its_token(self) -> None:
        with transaction("test"):
            create_service_credential(name="replay", token=SERVICE_TOKEN, scopes=["carts", "backdate"], now=clock.now())

        found = find_service(SERVICE_TOKEN, now=clock.now())

        assert found is not None
        assert (found.name, found.scopes) == ("replay", ["backdate", "carts"])
        assert find_service("another", now=clock.now()) is None

    def test_making_it_again_changes_nothing(self) -> None:
        for _ in range(2):
            with transaction("test"):
                create_service_credential(name="replay", token=SERVICE_TOKEN, scopes=["carts"], now=clock.now())

        assert ServiceCredential.objects.count() == 1

    def test_a_new_token_replaces_the_old_one(self) -> None:
        for token in (SERVICE_TOKEN, SERVICE_TOKEN.upper()):
            with transaction("test"):
                create_service_credential(name="replay", token=token, scopes=["carts"], now=clock.now())

        assert find_service(SERVICE_TOKEN, now=clock.now()) is None
        assert find_service(SERVICE_TOKEN.upper(), now=clock.now()) is not None

    def test_what_was_revoked_stays_revoked(self) -> None:
        with transaction("test"):
            create_service_credential(name="replay", token=SERVICE_TOKEN, scopes=["carts"], now=clock.now())
        ServiceCredential.objects.update(revoked_at=clock.now())

        with transaction("test"):
            create_service_credential(name="replay", token=SERVICE_TOKEN, scopes=["carts"], now=clock.now())

        assert find_service(SERVICE_TOKEN, now=clock.now()) is None

    def test_ends_at_its_time(self) -> None:
        now = clock.now()
        with transaction("test"):
            create_service_credential(name="replay", token=SERVICE_TOKEN, scopes=[], now=now)
        ServiceCredential.objects.update(expires_at=now)

        assert find_service(SERVICE_TOKEN, now=now) is None
        assert find_service(SERVICE_TOKEN, now=now - timedelta(seconds=1)) is not None

    def test_refuses_a_token_that_can_be_guessed(self) -> None:
        with pytest.raises(TokenTooShort), transaction("test"):
            create_service_credential(name="replay", token="secret", scopes=[], now=clock.now())
