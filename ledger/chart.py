"""The chart of accounts: which codes there are and on which side they grow. Pure.

Codes are those of the usual five classes, and suspense for what nobody can explain yet. Every account belongs to one
legal entity and one currency, which stand beside the code and not in it. Accounts come into being with their first
posting.
"""

from ledger.models import Account

RECEIVABLE = "asset:receivable:customer"
SALES = "income:sales"
SHIPPING = "income:shipping"
FEES = "income:fees"
DISCOUNTS = "contra:discounts"
DUE_ADJUSTMENTS = "contra:due_adjustments"
REFUNDS = "contra:refunds"
CUSTOMER_CREDIT = "liability:customer_credit"
REFUNDS_PAYABLE = "liability:refunds_payable"
PROVIDER_FEES = "expense:provider_fees"
DISPUTE_FEES = "expense:dispute_fees"
CHARGEBACK_LOSS = "expense:chargeback_loss"
FX_DIFFERENCE = "expense:fx"
ROUNDING = "expense:rounding"
# Where one currency leaves and the other arrives when a provider exchanges; a pair, one account in each currency.
FX_EXCHANGE = "asset:fx_exchange"
CLEARING_PREFIX = "asset:clearing:"
RESERVE_PREFIX = "asset:reserve:"
DISPUTE_HOLD_PREFIX = "asset:dispute_hold:"
PAYOUT_IN_TRANSIT_PREFIX = "asset:payout_in_transit:"
BANK_PREFIX = "asset:bank:"
SUSPENSE_PREFIX = "suspense:"
TAX_PREFIX = "liability:tax:"

_DEBIT_CLASSES = {"asset", "contra", "expense", "suspense"}
_CREDIT_CLASSES = {"liability", "income"}


def clearing(*, provider: str, account: str) -> str:
    """This will return the code of what one account at a provider owes us, for example `asset:clearing:stripe:main`.

    Per account and not per provider: each account settles by itself, and test money never mixes with real money.
    """
    return f"{CLEARING_PREFIX}{provider}:{account}"


def reserve(*, provider: str, account: str) -> str:
    """This will return the code of what one account at a provider keeps back for later. It is no part of clearing,
    because the provider's balance leaves it out too.
    """
    return f"{RESERVE_PREFIX}{provider}:{account}"


def dispute_hold(*, provider: str, account: str) -> str:
    """This will return the code of what a provider took away while disputes are open."""
    return f"{DISPUTE_HOLD_PREFIX}{provider}:{account}"


def payout_in_transit(*, provider: str, account: str) -> str:
    """This will return the code of payouts announced that no bank statement shows yet."""
    return f"{PAYOUT_IN_TRANSIT_PREFIX}{provider}:{account}"


def bank(name: str) -> str:
    """This will return the code of one of our bank accounts, for example `asset:bank:main`."""
    return f"{BANK_PREFIX}{name}"


def suspense(*, provider: str, account: str) -> str:
    """This will return the code of lines of a provider's report that nobody can explain yet; debit or credit."""
    return f"{SUSPENSE_PREFIX}{provider}:{account}"


def tax(jurisdiction: str) -> str:
    """This will return the code of the tax owed to a jurisdiction, for example `liability:tax:GB`."""
    return f"{TAX_PREFIX}{jurisdiction}"


def nature(code: str) -> Account.Nature:
    """This will return the side on which the balance of `code` grows; an unknown class is our bug."""
    account_class = code.partition(":")[0]
    assert account_class in _DEBIT_CLASSES | _CREDIT_CLASSES, f"{code} is of no class of the chart"
    return Account.Nature.DEBIT if account_class in _DEBIT_CLASSES else Account.Nature.CREDIT
