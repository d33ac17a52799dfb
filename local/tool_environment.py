"""The environment variables that point AWS's tools and SDKs at the local AWS."""

import re
import shlex
from collections.abc import Mapping

_SERVICE_ENDPOINT = re.compile(r"AWS_ENDPOINT_URL_[A-Z0-9_]+")

ACCOUNT = "000000000000"
REGION = "us-east-1"

UNWANTED = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
)
"""What would make a tool use other credentials than the ones set here."""


def settings(endpoint: str, account: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Name what must be set.

    Parameters
    ----------
    endpoint
        URL of the local AWS.
    account
        Account to work in. The local AWS takes a 12-digit access key id for
        the account's; cdk remembers the account of an access key id in
        ~/.cdk/cache, which therefore stays true.
    environ
        What is set now. Hosts that go past a proxy now still do.
    """
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "local",
        # Each of these, set in the user's configuration, would turn the tools away from the endpoint.
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
        "AWS_USE_FIPS_ENDPOINT": "false",
        "AWS_USE_DUALSTACK_ENDPOINT": "false",
        "AWS_PAGER": "",
        # The oldest Node.js that this project takes makes the AWS SDK complain at every call.
        "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED": "true",
        **_no_proxy(environ),
    }


def unwanted(environ: Mapping[str, str]) -> list[str]:
    """Name what must not be set: other credentials, and endpoints of single services."""
    # Only what a shell takes for a name: these lines are for its eval.
    return [*UNWANTED, *sorted(name for name in environ if _SERVICE_ENDPOINT.fullmatch(name))]


def export_lines(endpoint: str, environ: Mapping[str, str]) -> list[str]:
    """Lines for the shell's ``eval``."""
    exports = settings(endpoint, ACCOUNT, environ).items()
    return [
        *(f"export {name}={shlex.quote(value)}" for name, value in exports),
        f"unset {' '.join(unwanted(environ))}",
    ]


def tool_environment(endpoint: str, account: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Make the whole environment for a tool that works in one account of the local AWS."""
    kept = {name: value for name, value in environ.items() if name not in unwanted(environ)}
    return {**kept, **settings(endpoint, account, environ)}


def _no_proxy(environ: Mapping[str, str]) -> dict[str, str]:
    """Exempt the local AWS from the proxy, if there is one; tools differ in which spelling they read."""
    if not any(name.lower() in {"http_proxy", "https_proxy", "all_proxy"} for name in environ):
        return {}
    current = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    hosts = ",".join(dict.fromkeys([*filter(None, current.split(",")), "127.0.0.1", "localhost"]))
    return {"NO_PROXY": hosts, "no_proxy": hosts}
