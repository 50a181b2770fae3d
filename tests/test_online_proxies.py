"""Ask online sources through a proxy: only where an administrator says so, and nothing that is not public."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from traitlets import TraitError

from jupyter_research.app import ResearchApp
from jupyter_research.guard import Addresses
from jupyter_research.sources.online import ENVIRONMENT, Proxies, Unavailable
from jupyter_research.sources.online.pace import Pace
from jupyter_research.sources.online.web import Web
from jupyter_research.testing import FakeWeb, Reply
from jupyter_research.work import Control

PAGE = "http://mills.example.org/pages/mills.html"


@pytest.fixture
def proxy() -> Iterator[FakeWeb]:
    """Be a proxy: what it is asked for by its whole address it has itself."""
    with FakeWeb() as web:
        yield web


def nobody(host: str, port: int, **_: object) -> list[Any]:
    """Know the numbers of numbers alone, as a machine does whose proxy looks names up."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        raise OSError("no such name") from None


def inside(host: str, port: int, **_: object) -> list[Any]:
    """Know each name as one of a network of one's own."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", port))]


def web_through(
    said: str, environment: dict[str, str] | None = None, resolve: Callable[..., Any] = nobody
) -> Web:
    proxies = Proxies.said(said, environment or {})
    return Web(Control(), addresses=Addresses(resolve=resolve), pace=Pace(), proxies=proxies)


def test_page_is_asked_for_at_the_proxy_by_its_whole_address(
    proxy: FakeWeb, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with web_through(f"http://name:secret@{proxy.host}") as web:
        assert b"Tide mills of the coast" in web.get(PAGE).body
    [asked] = proxy.asked
    assert asked.headers["host"] == "mills.example.org"
    assert asked.headers["proxy-authorization"].startswith("Basic ")
    assert "secret" not in caplog.text
    assert "secret" not in repr(Proxies.said(f"http://name:secret@{proxy.host}", {}))


def test_variables_name_the_proxy_where_that_is_allowed(proxy: FakeWeb) -> None:
    with web_through(ENVIRONMENT, {"HTTP_PROXY": proxy.host}) as web:
        assert web.get(PAGE).body
    assert len(proxy.asked) == 1


def test_variables_alone_are_not_followed_and_the_failure_says_what_would_be(proxy: FakeWeb) -> None:
    web = web_through("", {"https_proxy": f"http://{proxy.host}"})
    with web, pytest.raises(Unavailable, match=r"online_proxy = \"environment\""):
        web.get(PAGE)
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("without", "direct"),
    [
        ("example.org", True),
        (".example.org", True),
        ("*", True),
        ("other.org, mills.example.org:80", True),
        ("mills.example.org:8080", False),
        ("ample.org", False),
        ("", False),
    ],
)
def test_hosts_that_are_listed_are_asked_directly(without: str, direct: bool) -> None:
    proxies = Proxies.said(ENVIRONMENT, {"ALL_PROXY": "http://proxy:3128", "NO_PROXY": without})
    assert (proxies.of("http", "mills.example.org", 80) is None) is direct


def test_network_that_is_listed_is_asked_directly() -> None:
    proxies = Proxies.said("http://proxy:3128", {"no_proxy": "10.0.0.0/8"})
    assert proxies.of("https", "10.1.2.3", 443) is None
    assert proxies.of("https", "93.184.216.34", 443) == "http://proxy:3128"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "2130706433", "0x7f.1",
        "127.1", "localhost", "localhost.", "wiki", "wiki.corp", "metadata.google.internal", "printer.local",
        "1.0.0.127.in-addr.arpa",
    ],
)  # fmt: skip
def test_what_is_not_public_is_not_asked_for_at_the_proxy(proxy: FakeWeb, host: str) -> None:
    with web_through(f"http://{proxy.host}") as web, pytest.raises(Unavailable, match="private_hosts"):
        web.get(f"http://{host}/pages/mills.html")
    assert proxy.asked == []


def test_name_that_this_machine_knows_as_private_is_not_asked_for_either(proxy: FakeWeb) -> None:
    web = web_through(f"http://{proxy.host}", resolve=inside)
    with web, pytest.raises(Unavailable, match=r"10\.0\.0\.7"):
        web.get(PAGE)
    assert proxy.asked == []


def test_redirect_through_the_proxy_is_checked_like_any_address(proxy: FakeWeb) -> None:
    proxy.pages["away"] = Reply(status=302, headers={"Location": "http://169.254.169.254/latest"})
    with web_through(f"http://{proxy.host}") as web, pytest.raises(Unavailable, match="private_hosts"):
        web.get("http://mills.example.org/pages/away")
    assert len(proxy.asked) == 1


def test_proxy_is_asked_for_a_tunnel_to_an_encrypted_host_and_its_refusal_is_said(proxy: FakeWeb) -> None:
    with web_through(f"http://{proxy.host}") as web, pytest.raises(Unavailable, match="501"):
        web.get("https://mills.example.org/pages/mills.html")


def test_proxy_of_another_kind_is_refused_with_a_sentence() -> None:
    web = web_through(ENVIRONMENT, {"ALL_PROXY": "socks5://proxy:1080"})
    with web, pytest.raises(Unavailable, match="no proxy of http"):
        web.get(PAGE)


def test_setting_that_is_no_proxy_is_refused_when_it_is_read() -> None:
    with pytest.raises(TraitError, match="online_proxy is 'proxy:3128'"):
        ResearchApp(online_proxy="proxy:3128")
    assert ResearchApp(online_proxy=" http://proxy:3128 ").online_proxy == "http://proxy:3128"
