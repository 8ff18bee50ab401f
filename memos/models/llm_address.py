"""Where an endpoint is, and whether a key may be sent there."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from memos.errors import BadSetting

_ROUTE = "/chat/completions"
_HINT = "such as https://api.openai.com/v1"


@dataclass(frozen=True, slots=True)
class Address:
    """An endpoint's URL."""

    endpoint: str
    """What is posted to."""
    local: bool
    """Whether it is on this machine."""
    secure: bool
    """Whether nobody on the way can read what is sent."""

    @classmethod
    def read(cls, url: str) -> Self:
        """The address that a setting names.

        Raises:
            BadSetting: it is no URL of HTTP, or a password or key stands in it.
        """
        try:
            parts = urlsplit(url.strip())
            host = parts.hostname or ""
            _ = parts.port
        except ValueError:
            parts, host = urlsplit(""), ""
        # A URL is shown by `memos config show` and in errors, and what stands in it may be a key.
        if parts.username or parts.password or parts.query or parts.fragment:
            message = "llm.url has a name, a password or a query in it, which may be a secret"
            raise BadSetting(message, hint="name the place alone; llm.key_from says where a key is")
        if parts.scheme not in {"http", "https"} or not host:
            raise BadSetting(f"llm.url is {url!r}, which is no URL of HTTP", hint=_HINT)
        path = parts.path.rstrip("/")
        endpoint = f"{parts.scheme}://{parts.netloc}{path.removesuffix(_ROUTE)}{_ROUTE}"
        return cls(endpoint, _is_local(host), parts.scheme == "https")

    @property
    def shown(self) -> str:
        """The address, for people."""
        return self.endpoint

    def require_safe(self, *, with_key: bool) -> None:
        """Refuse to send a key where others can read it on the way.

        Raises:
            BadSetting: a key would be sent over plain HTTP to another machine.
        """
        if with_key and not (self.secure or self.local):
            message = f"the key would be sent to {self.shown} in clear"
            raise BadSetting(message, hint="use https, or set llm.key_from=none")


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
