"""Who may ask for which exemption from strong authentication."""

from core.errors import Invalid
from core.principal import Principal
from payments.models import Exemption

# They rest on an agreement that a program of ours keeps; nobody can prove one by saying so.
OF_PROGRAMS = {Exemption.MIT, Exemption.RECURRING}


class ExemptionNotYours(Invalid):
    """Only a program of ours may say that a payment is made under an agreement, without the customer."""

    code = "exemption_not_yours"
    title = "This exemption is for the shop's own programs. Nothing was done."


def check_exemption(exemption: str, *, principal: Principal) -> None:
    """This will refuse a customer or guest who claims an exemption of programs. Raises: ExemptionNotYours."""
    if exemption in OF_PROGRAMS and principal.kind != "service":
        fault = {"field": "payment.exemption", "message": f"Only programs of the shop may ask for {exemption}."}
        raise ExemptionNotYours(errors=[fault])
