"""The bytes at the door: how many are read, whatever their sender says of them."""

import io
from typing import Any

import pytest

from webhooks import selectors
from webhooks.models import Event
from webhooks.tests.conftest import Door
from webhooks.tests.factories import ADDRESS, assert_problem, deliver, event_body, signature

pytestmark = pytest.mark.usefixtures("database")


class EndlessBody(io.RawIOBase):
    """A sender that never stops; it counts what was taken from it."""

    taken_bytes = 0

    def read(self, size: int = -1, /) -> bytes:
        """Give what is asked for, in pieces of at most 64 KiB."""
        assert size > 0, "a reader without a limit would never return"
        piece = b" " * min(size, 65_536)
        self.taken_bytes += len(piece)
        return piece


@pytest.mark.usefixtures("account")
class TestBody:
    def test_of_two_megabytes_is_refused_unread(self, door: Door) -> None:
        sender = EndlessBody()

        with door() as client:
            response = client.generic("POST", ADDRESS, b"", **self.wire(sender, CONTENT_LENGTH="2097152"))

        assert_problem(response, status=413, code="body_too_large")
        assert sender.taken_bytes == 0

    def test_without_a_length_is_refused_one_byte_past_the_limit(self, door: Door) -> None:
        sender = EndlessBody()

        with door() as client:
            response = client.generic(
                "POST", ADDRESS, b"", **self.wire(sender, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")
            )

        assert_problem(response, status=413, code="body_too_large")
        assert sender.taken_bytes == 512 * 1024 + 1

    @pytest.mark.parametrize("length", ["10", "-1", "ten", "0x10", ""])
    def test_longer_than_its_length_says_is_read_no_further(self, door: Door, length: str) -> None:
        sender = EndlessBody()

        with door() as client:
            response = client.generic("POST", ADDRESS, b"", **self.wire(sender, CONTENT_LENGTH=length))

        assert response.status_code == 400
        assert sender.taken_bytes <= 10

    def test_shorter_than_its_length_says_is_judged_as_it_came(self, door: Door) -> None:
        body = event_body()

        with door() as client:
            response = client.generic(
                "POST",
                ADDRESS,
                b"",
                HTTP_STRIPE_SIGNATURE=signature(body),
                **self.wire(io.BytesIO(body[:-1]), CONTENT_LENGTH=str(len(body))),
            )

        assert_problem(response, status=400, code="invalid_signature")

    def test_in_pieces_is_taken_whole(self, door: Door) -> None:
        body = event_body(padding="x" * 200_000)

        with door() as client:
            response = client.generic(
                "POST",
                ADDRESS,
                b"",
                HTTP_STRIPE_SIGNATURE=signature(body),
                **self.wire(io.BytesIO(body), CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked"),
            )

        assert response.status_code == 200
        assert selectors.body_of(Event.objects.get().pk) == body

    def test_of_exactly_the_limit_is_taken(self, door: Door) -> None:
        body = event_body()
        body += b" " * (512 * 1024 - len(body))

        with door() as client:
            taken = deliver(client, body)
            refused = deliver(client, body + b" ")

        assert (taken.status_code, refused.status_code) == (200, 413)

    def test_broken_off_is_a_bad_request(self, door: Door) -> None:
        class BrokenOff(io.RawIOBase):
            def read(self, size: int = -1, /) -> bytes:
                raise ConnectionResetError

        with door() as client:
            response = client.generic("POST", ADDRESS, b"", **self.wire(BrokenOff(), CONTENT_LENGTH="100"))

        assert_problem(response, status=400, code="body_unreadable")

    def wire(self, sender: Any, **environ: str) -> dict[str, Any]:
        """The WSGI environment of a body that does not come from the test client."""
        return {"wsgi.input": sender, **environ}
