"""Every state that any machine knows is shown with a sign of its own, and no sign stands for nothing."""

import csv
from collections import defaultdict

from django.apps import apps
from django.conf import settings

from support.admin import site
from support.admin.shown import BAD, GOOD, QUIET, SIGNS, WAIT, sign

TABLES = ("core/machines.csv", "orders/order_transitions.csv")
# The model's own name for where it stands.
STANDS_IN = {"state", "status"}


def states() -> dict[str, set[str]]:
    """This will return the states of each machine: of the tables, of those to come too, and of every model."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in TABLES:
        with (settings.BASE_DIR / path).open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                found[row.get("machine", "order")] |= {row["source"], row["target"]} - {""}
    for model in apps.get_models():
        for field in model._meta.fields:
            if field.name in STANDS_IN and field.choices:
                found[model.__name__] |= {code for code, _ in field.flatchoices}
    return found


class TestSigns:
    def test_are_there_for_every_state_of_every_machine(self) -> None:
        machines = states()
        assert {"order", "attempt", "operation", "CouponUse", "Case", "Event", "Reservation"} <= set(machines)

        without = {name: sorted(known - set(SIGNS)) for name, known in machines.items() if known - set(SIGNS)}

        assert without == {}

    def test_stand_for_a_state(self) -> None:
        assert set(SIGNS) - set().union(*states().values()) == set()

    def test_are_a_tone_the_stylesheet_knows_and_one_character(self) -> None:
        css = (settings.BASE_DIR / "templates/static/surety/console.css").read_text()

        for state, (tone, mark) in SIGNS.items():
            assert tone in {GOOD, WAIT, BAD, QUIET}
            assert (f".state-{tone}" in css, len(mark)) == (True, 1), state

    def test_columns_of_every_list_have_their_names_on_narrow_screens(self) -> None:
        css = (settings.BASE_DIR / "templates/static/surety/console.css").read_text()

        nameless = {
            f"{model._meta.model_name}.{column}"
            for model, model_admin in site._registry.items()
            # The first is the row's heading and needs no name.
            for column in model_admin.list_display[1:]
            if f".field-{column}::before" not in css
        }

        assert nameless == set()

    def test_of_an_unknown_state_is_quiet_and_says_the_word(self) -> None:
        assert sign("a_new_one") == (
            '<span class="state state-quiet"><span aria-hidden="true">○</span> A new one</span>'
        )
