"""The one place where a provider's name becomes its adapter."""

import functools
from collections.abc import Callable

from core.channels import read_secret, read_wiring
from core.models import ProviderAccount
from payments.providers.base import Adapter, ProviderConfig
from payments.providers.free import FreeAdapter
from payments.providers.stripe import StripeAdapter

ADAPTERS: dict[str, Callable[[ProviderConfig], Adapter]] = {
    "stripe": StripeAdapter,
    "free": FreeAdapter,
}

_built: dict[int, tuple[ProviderConfig, Adapter]] = {}


class UnknownProvider(LookupError):
    """Nobody registered an adapter under this name."""


def config_of(account: ProviderAccount) -> ProviderConfig:
    """This will read the account's wiring and secrets; only an account without a provider behind it has none.

    Raises: core.channels.SecretMissing.
    """
    return ProviderConfig(
        account_id=account.public_id,
        secret_key=read_secret(account.api_key_ref) if account.api_key_ref else "",
        publishable_key=read_secret(account.publishable_key_ref) if account.publishable_key_ref else "",
        api_base=read_wiring(account.api_base_ref),
        hosted_pages=read_wiring(account.hosted_pages_ref),
        is_livemode=account.is_livemode,
    )


@functools.cache
def verifier_for(provider: str) -> Adapter:
    """This will return an adapter that can only read webhooks: it holds no key. Raises: UnknownProvider."""
    if provider not in ADAPTERS:
        raise UnknownProvider(provider)
    return ADAPTERS[provider](
        ProviderConfig(account_id="", secret_key="", publishable_key="", api_base="", is_livemode=False)
    )


def adapter_for(account: ProviderAccount) -> Adapter:
    """This will return the account's adapter with its pooled connections, one per process.

    Raises: UnknownProvider, core.channels.SecretMissing.
    """
    if account.provider not in ADAPTERS:
        raise UnknownProvider(account.provider)
    config = config_of(account)
    known = _built.get(account.pk)
    if known is None or known[0] != config:
        known = (config, ADAPTERS[account.provider](config))
        _built[account.pk] = known
    return known[1]


def use_adapter(account: ProviderAccount, adapter: Adapter | None) -> None:
    """This will make `adapter` answer for an account in this process: the sandbox's engine without a network, for
    tests.
    """
    if adapter is None:
        _built.pop(account.pk, None)
        return
    _built[account.pk] = (config_of(account), adapter)
