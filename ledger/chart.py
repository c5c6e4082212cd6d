"""The chart of accounts: which codes there are and on which side they grow. Pure.

Codes are those of the usual five classes. Every account belongs to one legal entity and one currency, which stand
beside the code and not in it. Accounts come into being with their first posting.
"""

from ledger.models import Account

RECEIVABLE = "asset:receivable:customer"
SALES = "income:sales"
SHIPPING = "income:shipping"
FEES = "income:fees"
DISCOUNTS = "contra:discounts"
DUE_ADJUSTMENTS = "contra:due_adjustments"
CUSTOMER_CREDIT = "liability:customer_credit"
REFUNDS_PAYABLE = "liability:refunds_payable"
ROUNDING = "expense:rounding"
CLEARING_PREFIX = "asset:clearing:"
TAX_PREFIX = "liability:tax:"

_DEBIT_CLASSES = {"asset", "contra", "expense"}
_CREDIT_CLASSES = {"liability", "income"}


def clearing(*, provider: str, account: str) -> str:
    """This will return the code of what one account at a provider owes us, for example `asset:clearing:stripe:main`.

    Per account and not per provider: each account settles by itself, and test money never mixes with real money.
    """
    return f"{CLEARING_PREFIX}{provider}:{account}"


def tax(jurisdiction: str) -> str:
    """This will return the code of the tax owed to a jurisdiction, for example `liability:tax:GB`."""
    return f"{TAX_PREFIX}{jurisdiction}"


def nature(code: str) -> Account.Nature:
    """This will return the side on which the balance of `code` grows; an unknown class is our bug."""
    account_class = code.partition(":")[0]
    assert account_class in _DEBIT_CLASSES | _CREDIT_CLASSES, f"{code} is of no class of the chart"
    return Account.Nature.DEBIT if account_class in _DEBIT_CLASSES else Account.Nature.CREDIT
