"""Ask online services and pages: what each gives, and how often, where and with what they are asked."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import pytest
from test_analysts import TOPIC
from test_online import HERE, QUERY, fake, found_by, settings, web_of

from jupyter_research.errors import Halted, SessionCancelled
from jupyter_research.guard import Addresses
from jupyter_research.sources.online import Catalogue, Unavailable
from jupyter_research.sources.online.catalogue import _OURS
from jupyter_research.sources.online.pace import Pace
from jupyter_research.sources.online.terms import keywords
from jupyter_research.sources.online.web import Web
from jupyter_research.testing import KEYS, FakeWeb, Reply
from jupyter_research.work import Control

__all__ = ["fake"]  # Fixtures.

# -- the services ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["wikipedia", "arxiv", "crossref", "openalex", "europepmc"])
def test_service_gives_texts_with_what_is_known_of_them(fake: FakeWeb, name: str) -> None:
    found = found_by(fake, name)
    assert found[0].title == "Tide mill"
    first = found[1]
    assert "We measured 14 tide mills and found" in first.text
    assert "<" not in first.text and first.url.startswith("https://")
    assert fake.requests(name)
    if name != "wikipedia":
        assert first.doi == "10.5555/mill.2" and first.year == 2019
        assert any("Reed" in author for author in first.authors)
        assert first.kind == "article"


@pytest.mark.parametrize("name", ["arxiv", "crossref", "openalex", "europepmc"])
def test_retracted_article_is_flagged(fake: FakeWeb, name: str) -> None:
    assert [one.title for one in found_by(fake, name) if one.retracted] == ["Tide mills that never stop"]


@pytest.mark.parametrize("name", ["searxng", "tavily"])
def test_web_search_gives_pages_to_read(fake: FakeWeb, name: str) -> None:
    assert fake.page("mills.html") in [one.url for one in found_by(fake, name)]


@pytest.mark.parametrize("name", sorted(_OURS))
def test_service_that_answers_nonsense_is_unavailable_or_empty(fake: FakeWeb, name: str) -> None:
    for body in (b"<html>Maintenance</html>", b"{}", b"", b"[1]"):
        fake.answer_next(name, Reply(body=body))
        with web_of(fake) as web:
            source = Catalogue(settings(fake)).make(name, web, HERE)
            with pytest.raises((Unavailable, AttributeError, KeyError, TypeError)):
                source.search(QUERY, 10)


def test_key_is_sent_and_kept_out_of_the_cache(fake: FakeWeb, tmp_path: Path) -> None:
    fake.answer_next("openalex", Reply(body=b'{"results": []}', headers={"Cache-Control": "max-age=60"}))
    with web_of(fake, cache=tmp_path / "cache.sqlite") as web:
        assert Catalogue(settings(fake)).make("openalex", web, HERE).search(QUERY, 10) == []
    [asked] = fake.requests("openalex")
    assert asked.params["api_key"] == KEYS["openalex"]
    assert KEYS["openalex"].encode() not in (tmp_path / "cache.sqlite").read_bytes()


def test_query_is_the_words_that_carry_meaning_and_few_of_them() -> None:
    assert keywords(f"{TOPIC} about and The tide-level") == [
        "tide",
        "mill",
        "keep",
        "wheel",
        "turning",
        "tide-level",
    ]
    assert len(keywords(" ".join(f"word{number}" for number in range(50)))) == 8


# -- the client ------------------------------------------------------------------------------


def test_client_names_itself_and_its_contact(fake: FakeWeb) -> None:
    with web_of(fake, contact="mailto:mills@example.org") as web:
        web.get(fake.page("mills.html"))
    agent = fake.asked[0].headers["user-agent"]
    assert agent.startswith("jupyter_research/") and "(mailto:mills@example.org)" in agent


def test_interval_of_a_host_holds_over_all_sessions(fake: FakeWeb) -> None:
    pace = Pace()
    begun = time.monotonic()
    for _ in range(3):
        with pace.turn("host", 0.1, threading.Event()):
            pass
    assert time.monotonic() - begun >= 0.2


def test_service_that_asks_for_patience_gets_it_and_the_person_is_told(fake: FakeWeb) -> None:
    fake.answer_next("pages", Reply(status=429, headers={"Retry-After": "1"}))
    waits: list[tuple[float, str]] = []
    with web_of(fake, waits=lambda seconds, host: waits.append((seconds, host))) as web:
        web.get(fake.page("mills.html"))
    first, second = fake.asked
    assert second.time - first.time >= 1
    assert waits == [(1.0, fake.host)]


def test_service_that_wants_an_hour_is_given_up(fake: FakeWeb) -> None:
    fake.answer_next("pages", Reply(status=503, headers={"Retry-After": "3600"}))
    with web_of(fake) as web, pytest.raises(Unavailable, match="503"):
        web.get(fake.page("mills.html"))
    assert len(fake.asked) == 1


def test_failure_of_a_moment_is_tried_again_and_a_lasting_one_named(fake: FakeWeb) -> None:
    fake.answer_next("pages", Reply(status=502))
    with web_of(fake) as web:
        assert web.get(fake.page("mills.html")).body
    fake.answer_next("pages", *[Reply(status=500)] * 3)
    with web_of(fake) as web, pytest.raises(Unavailable, match="500"):
        web.get(fake.page("mills.html"))
    assert len(fake.asked) == 5


def test_truncated_answer_is_no_answer(fake: FakeWeb) -> None:
    fake.answer_next(
        "pages", *[Reply(body=b"half", headers={"Content-Length": "8", "Connection": "close"})] * 3
    )
    with web_of(fake) as web, pytest.raises(Unavailable, match="no connection"):
        web.get(fake.page("mills.html"))


def test_answer_is_asked_for_once_in_a_session_and_by_its_validator_later(
    fake: FakeWeb, tmp_path: Path
) -> None:
    cache = tmp_path / "cache.sqlite"
    with web_of(fake, cache=cache) as web:
        first = web.get(fake.page("mills.html"))
        assert web.get(fake.page("mills.html")) == first
    assert len(fake.asked) == 1
    fake.answer_next("pages", Reply(status=304))
    with web_of(fake, cache=cache) as web:
        assert web.get(fake.page("mills.html")).body == first.body
    assert fake.asked[1].headers["if-none-match"] == '"mills-1"'


def test_fresh_answer_is_not_asked_for_again(fake: FakeWeb, tmp_path: Path) -> None:
    fake.pages["fresh"] = Reply(body=b"fresh", headers={"Cache-Control": "max-age=600"})
    for _ in range(2):
        with web_of(fake, cache=tmp_path / "cache.sqlite") as web:
            assert web.get(fake.page("fresh")).body == b"fresh"
    assert len(fake.asked) == 1


def test_answer_that_may_not_be_stored_is_not(fake: FakeWeb, tmp_path: Path) -> None:
    fake.pages["secret"] = Reply(body=b"secret", headers={"Cache-Control": "no-store", "ETag": '"1"'})
    for _ in range(2):
        with web_of(fake, cache=tmp_path / "cache.sqlite") as web:
            web.get(fake.page("secret"))
    assert len(fake.asked) == 2


@pytest.mark.parametrize("name", ["folder", "file/answers.sqlite"])
def test_answers_come_without_a_cache_where_there_can_be_none(
    fake: FakeWeb, tmp_path: Path, name: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with web_of(fake, cache=tmp_path / name) as web:
        assert web.get(fake.page("mills.html")).body
    assert (tmp_path / "folder").is_dir()


def test_robots_txt_is_obeyed_and_asked_for_once(fake: FakeWeb) -> None:
    with web_of(fake) as web:
        web.page(fake.page("mills.html"))
        with pytest.raises(Unavailable, match="robots.txt"):
            web.page(fake.page("private/mills.html"))
    assert len(fake.requests("robots.txt")) == 1
    assert [one.path for one in fake.requests("pages")] == ["/pages/mills.html"]


def test_robots_txt_holds_where_a_redirect_leads(fake: FakeWeb) -> None:
    fake.pages["moved"] = Reply(status=302, headers={"Location": "/pages/private/mills.html"})
    with FakeWeb() as other:
        other.robots = "User-agent: *\nDisallow: /\n"
        fake.pages["away"] = Reply(status=302, headers={"Location": other.page("mills.html")})
        with Web(Control(), addresses=Addresses([fake.host, other.host]), pace=Pace()) as web:
            for page in ("moved", "away"):
                with pytest.raises(Unavailable, match="robots.txt"):
                    web.page(fake.page(page))
        assert [one.service for one in other.asked] == ["robots.txt"]
    assert [one.path for one in fake.requests("pages")] == ["/pages/moved", "/pages/away"]


def test_page_that_has_moved_is_read_where_it_is_and_one_in_a_circle_is_not(fake: FakeWeb) -> None:
    fake.pages["old"] = Reply(status=301, headers={"Location": "/pages/mills.html"})
    fake.pages["round"] = Reply(status=302, headers={"Location": "/pages/round"})
    with web_of(fake) as web:
        assert web.page(fake.page("old")).url == fake.page("mills.html")
        with pytest.raises(Unavailable, match="circle"):
            web.page(fake.page("round"))


def test_neither_key_nor_query_is_written_into_a_log(fake: FakeWeb, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    found_by(fake, "openalex")
    [asked] = fake.requests("openalex")
    assert asked.params["api_key"] == KEYS["openalex"]
    assert KEYS["openalex"] not in caplog.text and asked.params["search"] not in caplog.text
    assert "tide" not in caplog.text


def test_key_is_not_sent_to_where_a_redirect_leads(fake: FakeWeb) -> None:
    with FakeWeb() as other:
        elsewhere = f"{other.addresses['openalex']}/works"
        fake.answer_next("openalex", Reply(status=302, headers={"Location": elsewhere}))
        addresses = Addresses([fake.host, other.host])
        with (
            Web(Control(), addresses=addresses, pace=Pace()) as web,
            # It wants a key, and gets none.
            pytest.raises(Unavailable, match="403"),
        ):
            web.get(f"{fake.addresses['openalex']}/works", {"search": "a"}, secret={"api_key": "k"})
        [asked] = other.requests("openalex")
        assert not asked.params


def test_header_that_may_be_a_key_is_not_sent_to_where_a_redirect_leads(fake: FakeWeb) -> None:
    with FakeWeb() as other:
        fake.pages["away"] = Reply(status=302, headers={"Location": other.page("mills.html")})
        fake.pages["here"] = Reply(status=302, headers={"Location": fake.page("mills.html")})
        with Web(Control(), addresses=Addresses([fake.host, other.host]), pace=Pace()) as web:
            for page in ("away", "here"):
                web.get(fake.page(page), headers={"X-Own-Key": "hush", "Accept": "text/html"})
        [there] = other.asked
        assert "x-own-key" not in there.headers and there.headers["accept"] == "text/html"
        assert [one.headers["x-own-key"] for one in fake.requests("pages")] == ["hush"] * 3


def test_what_was_posted_to_one_host_is_not_posted_to_another(fake: FakeWeb) -> None:
    with FakeWeb() as other:
        elsewhere = f"{other.addresses['tavily']}/search"
        fake.answer_next("tavily", Reply(status=307, headers={"Location": elsewhere}))
        with (
            Web(Control(), addresses=Addresses([fake.host, other.host]), pace=Pace()) as web,
            pytest.raises(Unavailable, match="it has moved"),
        ):
            web.post(f"{fake.addresses['tavily']}/search", {"query": "tides"}, headers={})
        assert other.asked == []


def test_no_cookie_is_kept(fake: FakeWeb) -> None:
    fake.pages["baker"] = Reply(body=b"here", headers={"Set-Cookie": "who=you; Path=/"})
    with web_of(fake) as web:
        web.get(fake.page("baker"))
        web.get(fake.page("mills.html"))
    assert all("cookie" not in one.headers for one in fake.asked)


def test_rules_without_end_are_read_so_far_and_no_further(fake: FakeWeb) -> None:
    fake.robots = "User-agent: *\nDisallow: /pages/private\n" + "Disallow: /elsewhere\n" * 300_000
    with web_of(fake) as web:
        assert web.page(fake.page("mills.html")).body
        with pytest.raises(Unavailable, match="robots.txt"):
            web.page(fake.page("private/mills.html"))
        [rules] = web._robots._rules.values()
        assert len(rules.default_entry.rulelines) < 30_000


def test_key_that_no_header_takes_is_not_shown(fake: FakeWeb) -> None:
    with web_of(fake) as web, pytest.raises(Unavailable) as refusal:
        web.post(f"{fake.addresses['tavily']}/search", {}, headers={"Authorization": "Bearer hush-hush\n"})
    assert "hush" not in str(refusal.value)


def test_host_without_robots_txt_allows_and_one_that_fails_does_not(fake: FakeWeb) -> None:
    fake.answer_next("robots.txt", Reply(status=404))
    with web_of(fake) as web:
        assert web.page(fake.page("mills.html")).body
    fake.answer_next("robots.txt", *[Reply(status=500)] * 3)
    with web_of(fake) as web, pytest.raises(Unavailable):
        web.page(fake.page("mills.html"))


@pytest.mark.parametrize("paused", [False, True], ids=["at work", "after a pause"])
def test_cancel_ends_a_request_that_waits_for_its_answer(fake: FakeWeb, paused: bool) -> None:
    fake.pages["slow"] = Reply(body=b"late", delay=600)
    control = Control()
    ended: list[BaseException] = []

    def ask() -> None:
        try:
            web.get(fake.page("slow"))
        except BaseException as error:
            ended.append(error)

    with web_of(fake, control, seconds=3600) as web:
        # Nothing but the cut of its connection ends it in time.
        web._client.timeout = None
        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        while not fake.asked:
            time.sleep(0.001)
        if paused:
            control.request_drain()
        control.cancel()
        thread.join(90)
    assert not thread.is_alive()
    assert isinstance(ended[0], SessionCancelled)


def test_pause_ends_a_wait_that_a_service_has_asked_for(fake: FakeWeb) -> None:
    control, ended, told = Control(), [], threading.Event()
    fake.answer_next("pages", Reply(status=429, headers={"Retry-After": "50"}))

    def ask() -> None:
        try:
            web.get(fake.page("mills.html"))
        except BaseException as error:
            ended.append(error)

    with web_of(fake, control, waits=lambda seconds, host: told.set()) as web:
        thread = threading.Thread(target=ask)
        thread.start()
        assert told.wait(30)
        control.request_drain()
        thread.join(30)
    assert not thread.is_alive()
    assert isinstance(ended[0], Halted)
