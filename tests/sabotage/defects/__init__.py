"""Every planted defect, by where it is made."""

from tests.sabotage.defects import books, claims, coupons, inbox, journey, locks, money, provider, refunds, staff
from tests.sabotage.planting import Defect

DEFECTS: tuple[Defect, ...] = (
    *provider.DEFECTS,
    *money.DEFECTS,
    *journey.DEFECTS,
    *inbox.DEFECTS,
    *locks.DEFECTS,
    *books.DEFECTS,
    *coupons.DEFECTS,
    *refunds.DEFECTS,
    *claims.DEFECTS,
    *staff.DEFECTS,
)
BY_NAME = {defect.name: defect for defect in DEFECTS}
