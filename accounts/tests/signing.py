"""An app as it signs in: requests with the session token, codes read from mails."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from django.core.mail import EmailMessage
from django.test import Client

PASSWORD = "a long enough one"
DOOR = "/_allauth/app/v1"


@dataclass
class App:
    """One installation. It keeps the token that answers give it, as a real one does."""

    token: str = ""
    client: Client = field(default_factory=Client)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """This will call the sign-in door and keep a new session token."""
        headers = {"X-Session-Token": self.token} if self.token else {}
        payload = "" if body is None else json.dumps(body)
        answer = self.client.generic(
            method, f"{DOOR}/{path}", payload, content_type="application/json", headers=headers
        )
        if answer["Content-Type"] == "application/json":
            self.token = answer.json().get("meta", {}).get("session_token", self.token)
        return answer

    def sign_up(self, email: str, *, password: str = PASSWORD) -> Any:
        """This will ask for an account."""
        return self.call("POST", "auth/signup", {"email": email, "password": password})

    def log_in(self, email: str, *, password: str = PASSWORD) -> Any:
        """This will sign in with a password."""
        return self.call("POST", "auth/login", {"email": email, "password": password})

    def verify(self, code: str) -> Any:
        """This will type the code of a mail."""
        return self.call("POST", "auth/email/verify", {"key": code})


def code_of(mail: EmailMessage) -> str:
    """This will read the code out of a mail."""
    found = re.search(r"^([A-Z]{4}-[A-Z]{4})$", str(mail.body), re.MULTILINE)
    assert found, mail.body
    return found.group(1)


def flows_of(answer: Any) -> list[dict[str, Any]]:
    """This will return the flows an answer offers, pending ones marked."""
    found: list[dict[str, Any]] = answer.json()["data"]["flows"]
    return found
