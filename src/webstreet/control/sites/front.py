"""What stands in front of sites: a proxy, if the control plane was told of one. No Django here.

A site is told its public address and whom to believe in its wish, so what was decided is kept there (`Site.wanted_settings`): one
generation never means two things, also when the control plane is started again with other settings.
"""

from __future__ import annotations

from collections.abc import Sequence

from webstreet.contract.environment import BASE_URL, TRUSTED_PROXIES, SettingInvalid

VARIABLE = "WEBSTREET_SITES_BASE_URL"
DOMAIN = "{domain}"


def check_pattern(pattern: str) -> str:
    """The pattern, if it is one or empty.

    Raises:
        SettingInvalid: it is not scheme, host and perhaps a port, with the place of the domain.
    """
    scheme, found, rest = pattern.partition("://")
    before, place, port = rest.partition(DOMAIN)
    right = scheme in ("http", "https") and found and place and not before
    if pattern and not (right and (not port or (port[0] == ":" and port[1:].isdecimal()))):
        raise SettingInvalid(
            f"{VARIABLE} must be like https://{DOMAIN}, perhaps with a port.", code="setting.sites_base_url"
        )
    return pattern


def settings_of(domains: Sequence[str], *, pattern: str, proxies: str) -> dict[str, str]:
    """The settings of a site with these domains; none for one without, which is only reached on this machine."""
    if not (domains and pattern):
        return {}
    return {BASE_URL: pattern.replace(DOMAIN, domains[0])} | ({TRUSTED_PROXIES: proxies} if proxies else {})
