"""Numbers that people read out."""

import pytest

from core.ids import is_order_number, new_order_number


class TestOrderNumbers:
    def test_end_with_a_letter_or_a_figure(self) -> None:
        numbers = [new_order_number() for _ in range(500)]

        assert all(number.isalnum() for number in numbers)
        assert all(is_order_number(number) for number in numbers)

    def test_are_drawn_again_when_their_check_character_is_a_sign(self, monkeypatch: pytest.MonkeyPatch) -> None:
        drawn = iter([32, 35, 33 + 37 * 5, 1234])
        monkeypatch.setattr("core.ids.secrets.randbits", lambda _: next(drawn))

        assert new_order_number() == "000000016JD"

    def test_that_were_given_out_with_a_sign_are_still_right(self) -> None:
        assert is_order_number("0000000010*")

    @pytest.mark.parametrize("text", ["0000000010", "00000000100", "000000016JE", "O0000000100", ""])
    def test_with_a_typing_error_are_known(self, text: str) -> None:
        assert not is_order_number(text)
