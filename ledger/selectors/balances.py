"""What stands on accounts. Debit positive, credit negative, in minor units of the account's currency."""

from dataclasses import dataclass

from django.db.models import QuerySet, Sum

from ledger.models import Entry


@dataclass(frozen=True, slots=True)
class Balance:
    """What stands on one account."""

    code: str
    currency: str
    amount_minor: int


def balance(*, legal_entity: str, code: str, currency: str) -> int:
    """This will return what stands on one account; 0 for an account nothing was posted to."""
    entries = Entry.objects.filter(account__legal_entity=legal_entity, account__code=code, account__currency=currency)
    return int(entries.aggregate(total=Sum("amount_minor"))["total"] or 0)


def clearing_balance(*, provider: str, currency: str) -> int:
    """This will return what all our accounts at a provider owe us in one currency."""
    entries = Entry.objects.filter(account__code__startswith=f"asset:clearing:{provider}:", account__currency=currency)
    return int(entries.aggregate(total=Sum("amount_minor"))["total"] or 0)


def trial_balance(*, legal_entity: str, is_livemode: bool) -> list[Balance]:
    """This will return every account of real or of test money, by currency and code; each currency sums to zero."""
    entries = Entry.objects.filter(account__legal_entity=legal_entity, posting__is_livemode=is_livemode)
    return _balances(entries)


def order_balance(order_public_id: str) -> list[Balance]:
    """This will return what an order's postings left on each account, by currency and code."""
    return _balances(Entry.objects.filter(order_public_id=order_public_id))


def _balances(entries: QuerySet[Entry]) -> list[Balance]:
    rows = (
        entries.values_list("account__code", "account__currency")
        .annotate(total=Sum("amount_minor"))
        .order_by("account__currency", "account__code")
    )
    return [Balance(code, currency, int(total)) for code, currency, total in rows]
