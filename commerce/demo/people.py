"""Who buys at Lantern & Lark: two customers with an account, and where everybody lives."""

from dataclasses import dataclass
from datetime import datetime

from accounts.addresses import address_of
from accounts.selectors import find_customer_emails
from accounts.services import add_address, create_customer, trust_address
from core.db import transaction_required

DOMAIN = "customers.lantern-and-lark.example"
ADDRESSES = {
    "GB": {"line1": "14 Tanner's Row", "city": "Whitby", "postcode": "YO22 4DE", "country": "GB"},
    "IE": {"line1": "3 Quay Street", "city": "Galway", "postcode": "H91 X2P0", "country": "IE"},
    "DE": {"line1": "Lerchenweg 7", "city": "Freiburg", "postcode": "79098", "country": "DE"},
    "JP": {"line1": "1-2-3 Yanaka", "city": "Taito-ku", "postcode": "110-0001", "country": "JP"},
    "KW": {"line1": "Block 4, Street 12", "city": "Kuwait City", "country": "KW"},
}


@dataclass(frozen=True, slots=True)
class DemoCustomer:
    """Somebody with an account."""

    first_name: str
    name: str
    locale: str
    country: str

    @property
    def email(self) -> str:
        """What they sign in with."""
        return f"{self.first_name}@{DOMAIN}"


ADA = DemoCustomer("ada", "Ada Fenwick", "en-GB", "GB")
JONAS = DemoCustomer("jonas", "Jonas Weber", "de", "DE")
CUSTOMERS = [ADA, JONAS]


@transaction_required
def ensure_customers(*, password: str, now: datetime) -> int:
    """This will make the customers who are not there and return how many it made. Needs its caller's transaction."""
    known = find_customer_emails([each.email for each in CUSTOMERS])
    missing = [each for each in CUSTOMERS if each.email not in known]
    for each in missing:
        made = create_customer(email=each.email, password=password, name=each.name, locale=each.locale, now=now)
        trust_address(made)
        home = address_of({**ADDRESSES[each.country], "name": each.name})
        add_address(made.pk, address=home, is_default=True, now=now)
    return len(missing)
