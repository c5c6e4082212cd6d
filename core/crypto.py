"""Keyed digests and encryption at rest. The data key comes from the environment and is separated by purpose (HKDF)."""

import base64
import hashlib
import hmac
import os
import secrets as random_source

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

DATA_KEY = "DATA_KEY"
# Refused by settings in production; lets tests and a newcomer's first start work without ceremony.
DEVELOPMENT_DATA_KEY = "development-only-data-key"


def _derive(*, purpose: str, salt: bytes = b"") -> bytes:
    root = os.environ.get(DATA_KEY, DEVELOPMENT_DATA_KEY).encode()
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=purpose.encode()).derive(root)


def digest(value: str) -> str:
    """This will return the SHA-256 of a high-entropy secret (a token, a key) in hex."""
    return hashlib.sha256(value.encode()).hexdigest()


def keyed_digest(value: str, *, purpose: str) -> str:
    """This will return an HMAC of low-entropy personal data (an e-mail address) that cannot be looked up without
    our key.
    """
    return hmac.new(_derive(purpose=purpose), value.encode(), hashlib.sha256).hexdigest()


class SignatureInvalid(ValueError):
    """The text was not signed by us for this purpose, or was changed."""


def sign(text: str, *, purpose: str) -> str:
    """This will return `text` with our signature behind a dot."""
    return f"{text}.{_signature(text, purpose=purpose)}"


def signed_text(signed: str, *, purpose: str) -> str:
    """This will return the text that `sign` signed for the same purpose. Raises: SignatureInvalid."""
    text, _, signature = signed.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signature(text, purpose=purpose).encode()):
        raise SignatureInvalid
    return text


def _signature(text: str, *, purpose: str) -> str:
    mac = hmac.new(_derive(purpose=purpose), text.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def seal(plain: bytes, *, purpose: str, client_secret: str) -> bytes:
    """This will encrypt with a key made from our data key and a secret only the client holds: 12 bytes nonce + AES-
    GCM.
    """
    key = _derive(purpose=purpose, salt=client_secret.encode())
    nonce = random_source.token_bytes(12)
    return nonce + AESGCM(key).encrypt(nonce, plain, purpose.encode())


def unseal(sealed: bytes, *, purpose: str, client_secret: str) -> bytes:
    """This will decrypt what `seal` made. Raises: cryptography.exceptions.InvalidTag for another key or altered
    bytes.
    """
    key = _derive(purpose=purpose, salt=client_secret.encode())
    return AESGCM(key).decrypt(sealed[:12], sealed[12:], purpose.encode())


def derived_token(*, purpose: str, client_secret: str) -> str:
    """This will return a 256-bit token that the same purpose and client secret always give and nobody else can make."""
    return base64.urlsafe_b64encode(_derive(purpose=purpose, salt=client_secret.encode())).rstrip(b"=").decode()
