"""Hold what the fetch guard refuses: addresses, and answers that are larger than they look."""

from __future__ import annotations

import gzip
import ipaddress
import itertools
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator

import pytest

from jupyter_research.guard import Addresses, Refused, TooMuch, inflated
from jupyter_research.guard.addresses import is_public
from jupyter_research.sources.online import Unavailable
from jupyter_research.sources.online.exchange import MAX_BYTES
from jupyter_research.sources.online.pace import Pace
from jupyter_research.sources.online.web import Web
from jupyter_research.testing import FakeWeb, Reply
from jupyter_research.work import Control

#: A part of a packed answer that holds nothing.
EMPTY_BLOCK = b"\x00\x00\x00\xff\xff"


def resolver(*numbers: str) -> Callable[..., list[tuple[object, ...]]]:
    """Answer each question with the next of some numbers, the last one for ever."""
    left = list(numbers)

    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        number = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in number.split()]

    return resolve


@pytest.fixture
def fake() -> Iterator[FakeWeb]:
    with FakeWeb() as web:
        yield web


def client(fake: FakeWeb, **named: object) -> Web:
    resolve = named.get("resolve", socket.getaddrinfo)
    allowed = named.get("allowed", [fake.host])
    return Web(Control(), addresses=Addresses(allowed, resolve=resolve), pace=Pace())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "number",
    [
        "127.0.0.1", "127.255.0.9", "0.0.0.0", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254",
        "100.100.100.200", "168.63.129.16", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::1", "::127.0.0.1", "no number",
        "192.0.0.192", "::ffff:168.63.129.16", "64:ff9b::a83f:8110", "fec0::1", "64:ff9b:1::808:808",
        "5f00::1",
    ],
)  # fmt: skip
def test_number_that_is_not_on_the_public_internet_is_refused(number: str) -> None:
    assert not is_public(number)
    with pytest.raises(Refused):
        Addresses(resolve=resolver(number)).of("inside.example", 80)


@pytest.mark.parametrize("number", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_number_is_taken(number: str) -> None:
    assert Addresses(resolve=resolver(number)).of("example.org", 443) == [number]


def test_one_private_number_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(Refused, match="10.0.0.7"):
        Addresses(resolve=resolver("93.184.216.34 10.0.0.7")).of("both.example", 80)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "localhost", "[::1]".strip("[]")])
def test_other_spellings_of_the_loopback_are_refused(host: str) -> None:
    with pytest.raises(Refused):
        Addresses().of(host, 80)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://example.org/", "gopher://example.org/", "data:text/plain,x",
        "http://", "//example.org/", "http://user:secret@example.org/", "http://example.org:99999/",
        "http://[::1/", "javascript:alert(1)", "unix:///run/docker.sock",
    ],
)  # fmt: skip
def test_what_is_no_plain_address_of_the_web_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        Addresses().check(url)


def test_host_that_an_administrator_lists_is_reached(fake: FakeWeb) -> None:
    with client(fake) as web:
        assert b"tide mill" in web.get(fake.page("mills.html")).body


def test_host_that_nobody_lists_is_not_connected_to(fake: FakeWeb) -> None:
    with client(fake, allowed=[]) as web, pytest.raises(Unavailable, match="not on the public internet"):
        web.get(fake.page("mills.html"))
    assert not fake.asked


def test_name_is_listed_with_its_port_alone(fake: FakeWeb) -> None:
    with client(fake, allowed=["127.0.0.1:1"]) as web, pytest.raises(Unavailable):
        web.get(fake.page("mills.html"))


def test_second_answer_of_the_name_server_has_nothing_to_say(fake: FakeWeb) -> None:
    asked: list[str] = []
    port = int(fake.host.rpartition(":")[2])

    def rebinding(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        number = "127.0.0.1" if len(asked) > 1 else "93.184.216.34"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, port))]

    addresses = Addresses(resolve=rebinding)
    assert addresses.of("rebinding.example", port) == ["93.184.216.34"]
    assert asked == ["rebinding.example"]
    with client(fake, resolve=rebinding, allowed=[]) as web, pytest.raises(Unavailable, match="127.0.0.1"):
        web.get(f"http://rebinding.example:{port}/pages/mills.html")
    assert not fake.asked


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:9/latest/meta-data",
        "http://169.254.169.254/",
        "http://[::ffff:127.0.0.1]/",
        "file:///etc/passwd",
    ],
)
def test_redirect_is_checked_like_any_address(fake: FakeWeb, target: str) -> None:
    fake.pages["away"] = Reply(status=302, headers={"Location": target})
    with client(fake) as web, pytest.raises(Unavailable):
        web.get(fake.page("away"))
    assert len(fake.asked) == 1


def test_redirects_in_a_circle_end(fake: FakeWeb) -> None:
    fake.pages["round"] = Reply(status=302, headers={"Location": fake.page("round")})
    with client(fake) as web, pytest.raises(Unavailable, match="circle"):
        web.get(fake.page("round"))
    assert len(fake.asked) == 6


def test_redirect_to_an_allowed_place_is_followed_and_named(fake: FakeWeb) -> None:
    fake.pages["old"] = Reply(status=301, headers={"Location": "/pages/mills.html"})
    with client(fake) as web:
        assert web.get(fake.page("old")).url == fake.page("mills.html")


def test_body_is_capped_while_it_is_read(fake: FakeWeb) -> None:
    fake.pages["large"] = Reply(body=b"x" * (MAX_BYTES + 1))
    with client(fake) as web, pytest.raises(Unavailable, match="more than 8 MB"):
        web.get(fake.page("large"))


def test_bomb_is_not_unpacked(fake: FakeWeb) -> None:
    bomb = gzip.compress(b"\0" * (MAX_BYTES * 20))
    assert len(bomb) < MAX_BYTES // 10
    fake.pages["bomb"] = Reply(body=bomb, headers={"Content-Encoding": "gzip"})
    with client(fake) as web, pytest.raises(Unavailable, match="more than 8 MB"):
        web.get(fake.page("bomb"))


def test_bomb_within_a_bomb_is_not_taken(fake: FakeWeb) -> None:
    twice = gzip.compress(gzip.compress(b"\0" * 10_000_000))
    fake.pages["bomb"] = Reply(body=twice, headers={"Content-Encoding": "gzip, gzip"})
    with client(fake) as web, pytest.raises(Unavailable, match="not asked for"):
        web.get(fake.page("bomb"))


def test_packed_answer_is_unpacked(fake: FakeWeb) -> None:
    with client(fake) as web:
        assert b"tide mill" in web.get(fake.page("packed")).body


def test_no_more_than_one_byte_beyond_the_limit_is_ever_unpacked() -> None:
    sizes = []
    with pytest.raises(TooMuch):
        for piece in inflated([zlib.compress(b"a" * 10_000_000)], "deflate", 1000):
            sizes.append(len(piece))
    assert sum(sizes) <= 1001


def test_what_follows_the_end_of_a_packed_answer_is_not_kept() -> None:
    asked: list[int] = []

    def endless() -> Iterator[bytes]:
        yield gzip.compress(b"all of it")
        while len(asked) < 1000:
            asked.append(1)
            yield b"x" * 1000

    assert b"".join(inflated(endless(), "gzip", 10_000)) == b"all of it"
    assert not asked


def test_packed_answer_that_unpacks_to_nothing_for_ever_is_ended() -> None:
    with pytest.raises(TooMuch):
        for _ in inflated(itertools.chain([b"\x78\x01"], itertools.repeat(EMPTY_BLOCK)), "deflate", 1000):
            pytest.fail("There is nothing in it to be given.")


class Dripping:
    """Be a server that sends one byte after the other, and never comes to an end."""

    def __init__(self, begin: bytes, endless: bytes) -> None:
        self._sent = itertools.chain(begin, itertools.cycle(endless))
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self.host = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.asked = 0

    def __enter__(self) -> Dripping:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        socket.create_connection(self._socket.getsockname()).close()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                if not connection.recv(65536):
                    return
                self.asked += 1
                try:
                    for byte in self._sent:
                        connection.sendall(bytes([byte]))
                        time.sleep(0.02)
                except OSError:
                    continue


@pytest.mark.parametrize(
    ("begin", "endless"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n\x78\x01", EMPTY_BLOCK),
    ],
    ids=["head", "body", "body of nothing"],
)
def test_answer_that_drips_is_over_when_its_time_is(begin: bytes, endless: bytes) -> None:
    with Dripping(begin, endless) as slow:
        web = Web(Control(), addresses=Addresses([slow.host]), pace=Pace(), seconds=1)
        with web, pytest.raises(Unavailable, match="longer than 1 s"):
            web.get(f"http://{slow.host}/")
        # Another try would take as long.
        assert slow.asked == 1


def test_broken_packing_is_one_sentence(fake: FakeWeb) -> None:
    fake.pages["broken"] = Reply(body=b"no gzip at all", headers={"Content-Encoding": "gzip"})
    with client(fake) as web, pytest.raises(Unavailable, match="encoding"):
        web.get(fake.page("broken"))


@pytest.mark.parametrize("listed", ["[FD00::5]:8080", "fd00::5:8080", "[fd00::5]"])
def test_host_of_ipv6_is_listed_with_its_brackets_or_without(listed: str) -> None:
    addresses = Addresses([listed], resolve=resolver("fd00::5"))
    assert addresses.of("fd00::5", 8080) == ["fd00::5"]
    with pytest.raises(Refused):
        Addresses([listed], resolve=resolver("fd00::6")).of("fd00::6", 8080)


def test_every_private_network_of_the_library_is_refused() -> None:
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15"):
        first = ipaddress.ip_network(network)[1]
        assert not is_public(str(first)) and not is_public(f"::ffff:{first}")
