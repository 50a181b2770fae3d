"""Answer as each service does, with hand-written answers of the shape that its documentation gives.

Wikipedia: the Action API's `query`; arXiv: its API user's manual; Crossref: the REST API's `/works`;
OpenAlex: `/works`; Europe PMC: the RESTful `search`; SearXNG: the search API; Tavily: `POST /search`.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any, Final
from xml.sax.saxutils import escape

from .articles import ARTICLES, Article, found
from .exchange import Asked, Reply, as_json

#: The keys that the fakes of those services take that want one.
KEYS: Final = {"openalex": "openalex-key-for-tests", "tavily": "tavily-key-for-tests"}


def wikipedia(asked: Asked, host: str) -> Reply:
    """Answer `action=query` in format version 2: `list=search`, and `prop=extracts|info`."""
    params = asked.params
    if params.get("action") != "query" or params.get("format") != "json":
        return as_json({"error": {"code": "badvalue", "info": "Unrecognized value for parameter."}})
    if params.get("list") == "search":
        hits = found(params["srsearch"], int(params["srlimit"]))
        return as_json(
            {
                "batchcomplete": True,
                "query": {
                    "searchinfo": {"totalhits": len(hits)},
                    "search": [{"ns": 0, "title": one.title, "pageid": 100 + one.number} for one in hits],
                },
            }
        )
    one = next(one for one in ARTICLES if str(100 + one.number) == params["pageids"])
    name = one.title.replace(" ", "_")
    page = {
        "pageid": 100 + one.number,
        "ns": 0,
        "title": one.title,
        "extract": f"{one.abstract}\n\n\n== See also ==\n\nWater mills in general.",
        "lastrevid": 9000 + one.number,
        "fullurl": f"https://en.wikipedia.org/wiki/{name}",
    }
    return as_json({"batchcomplete": True, "query": {"pages": [page]}})


def arxiv(asked: Asked, host: str) -> Reply:
    """Answer in Atom 1.0."""
    query = asked.params["search_query"].replace("all:", "")
    entries = "".join(_atom(one) for one in found(query, int(asked.params["max_results"])))
    feed = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">'
        f"<title>ArXiv Query</title>{entries}</feed>"
    )
    return Reply(body=feed.encode(), headers={"Content-Type": "application/atom+xml; charset=UTF-8"})


def _atom(one: Article) -> str:
    authors = "".join(f"<author><name>{given} {family}</name></author>" for family, given in one.authors)
    comment = "This paper has been withdrawn by its authors" if one.retracted else "12 pages"
    extra = 'xmlns:arxiv="http://arxiv.org/schemas/atom"'
    return (
        f"<entry><id>http://arxiv.org/abs/2101.0000{one.number}v1</id>"
        f"<published>{one.year}-01-02T00:00:00Z</published><title>{escape(one.title)}</title>"
        f"<summary>  {escape(one.abstract)}\n</summary>{authors}"
        f"<arxiv:doi {extra}>{one.doi}</arxiv:doi><arxiv:comment {extra}>{comment}</arxiv:comment></entry>"
    )


def crossref(asked: Asked, host: str) -> Reply:
    """Answer a `work-list`; the abstract is JATS, an update names what it updates."""
    hits = found(asked.params["query.bibliographic"], int(asked.params["rows"]))
    items: list[dict[str, Any]] = [
        {
            "DOI": one.doi,
            "title": [one.title],
            "abstract": f"<jats:title>Abstract</jats:title><jats:p>{escape(one.abstract)}</jats:p>",
            "author": [{"family": family, "given": given} for family, given in one.authors],
            "issued": {"date-parts": [[one.year, 3]]},
            "URL": f"https://doi.org/{one.doi}",
            **(_retraction(one) if one.retracted else {}),
        }
        for one in hits
    ]
    message = {"total-results": len(items), "items-per-page": 10, "items": items}
    body = {"status": "ok", "message-type": "work-list", "message-version": "1.0.0", "message": message}
    return as_json(body)


def _retraction(one: Article) -> dict[str, Any]:
    update = {
        "DOI": f"{one.doi}.r",
        "type": "retraction",
        "label": "Retraction",
        "source": "retraction-watch",
    }
    return {"updated-by": [update]}


def openalex(asked: Asked, host: str) -> Reply:
    """Answer a list of works; the abstract is an inverted index, and without a key there is none."""
    if asked.params.get("api_key") != KEYS["openalex"]:
        return as_json({"error": "API key required", "message": "Get a free key."}, 403)
    hits = found(asked.params["search"], int(asked.params["per-page"]))
    results = [
        {
            "id": f"https://openalex.org/W{one.number}",
            "doi": f"https://doi.org/{one.doi}",
            "display_name": one.title,
            "publication_year": one.year,
            "is_retracted": one.retracted,
            "authorships": [{"author": {"display_name": f"{b} {a}"}} for a, b in one.authors],
            "abstract_inverted_index": _inverted(one.abstract),
        }
        for one in hits
    ]
    return as_json({"meta": {"count": len(results), "page": 1, "per_page": 10}, "results": results})


def _inverted(text: str) -> dict[str, list[int]]:
    index: dict[str, list[int]] = {}
    for place, word in enumerate(text.split()):
        index.setdefault(word, []).append(place)
    return index


def europepmc(asked: Asked, host: str) -> Reply:
    """Answer in JSON with `resultType=core`."""
    if asked.params.get("resultType") != "core" or asked.params.get("format") != "json":
        return as_json({"errCode": 400, "errMsg": "Only core results in JSON are served here."})
    hits = found(asked.params["query"], int(asked.params["pageSize"]))
    result = [
        {
            "id": f"3000{one.number}",
            "source": "MED",
            "doi": one.doi,
            "title": f"{one.title}.",
            "authorList": {"author": [{"fullName": f"{a} {b[0]}", "lastName": a} for a, b in one.authors]},
            "pubYear": str(one.year),
            "abstractText": f"<h4>Summary</h4>{escape(one.abstract)}",
            "pubTypeList": {"pubType": ["Journal Article", *["Retracted Publication"] * one.retracted]},
        }
        for one in hits
    ]
    return as_json({"version": "6.9", "hitCount": len(result), "resultList": {"result": result}})


def searxng(asked: Asked, host: str) -> Reply:
    """Answer in JSON where that format is asked for, 403 where it is not."""
    if asked.params.get("format") != "json":
        return Reply(status=403)
    results = [
        {
            "url": f"{host}/pages/{name}",
            "title": "Tide mills",
            "content": "A page about tide mills.",
            "engine": "x",
        }
        for name in PAGES
        if name.endswith(".html")
    ]
    return as_json({"query": asked.params["q"], "number_of_results": len(results), "results": results})


def tavily(asked: Asked, host: str) -> Reply:
    """Answer to a key alone."""
    if asked.headers.get("authorization") != f"Bearer {KEYS['tavily']}":
        return as_json({"detail": {"error": "Unauthorized: missing or invalid API key."}}, 401)
    query = json.loads(asked.body)["query"]
    results = [
        {"title": "Tide mills", "url": f"{host}/pages/mills.html", "content": "On mills.", "score": 0.9}
    ]
    return as_json({"query": query, "results": results, "response_time": "0.5"})


_MILLS: Final = """<!DOCTYPE html><html><head><title>Tide mills of the coast</title>
<meta name="author" content="Mary Weir"><meta property="article:published_time" content="2018-05-01"></head>
<body><nav><a href="/">Home</a> <a href="/shop">Buy a model of a mill</a></nav>
<article><h1>Tide mills of the coast</h1>
<p>The tide mill at the harbour kept its wheel turning for 4.5 hours on each tide until 1931. Its pond was
filled through two gates, and the miller rose with the tide to open them.</p>
<h2>Limits</h2><p>However, the wheel of a tide mill stands still at high water, whatever its miller does.
Nobody has found a way around that limit without a second pond.</p></article>
<footer>Subscribe to our newsletter</footer></body></html>"""

_HTML: Final = {"Content-Type": "text/html; charset=utf-8", "ETag": '"mills-1"'}
PAGES: Final = {
    "mills.html": Reply(body=_MILLS.encode(), headers=_HTML),
    "private/mills.html": Reply(body=_MILLS.replace("4.5", "9.9").encode(), headers=_HTML),
    "packed": Reply(
        body=gzip.compress(_MILLS.encode()),
        headers={"Content-Type": "text/html", "Content-Encoding": "gzip"},
    ),
}

#: Each stands at a path of its name.
SERVICES: Final[dict[str, Callable[[Asked, str], Reply]]] = {
    one.__name__: one for one in (wikipedia, arxiv, crossref, openalex, europepmc, searxng, tavily)
}
