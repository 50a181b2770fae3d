"""Reports go through JSON unchanged, and keep to the published schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from jupyter_research.export import export, schema
from jupyter_research.report import SCHEMA, Citation, Claim, Report, Section, Source, Verdict


def a_report() -> Report:
    """Give a report that uses every field."""
    quote = "Tokens are stored as hashes."
    cited = (
        Citation(source="d1", start=4, end=4 + len(quote), quote=quote, page=3),
        Citation(source="d2", start=0, end=2, quote="ab", cell=1),
        Citation(source="w3", start=0, end=2, quote="cd", heading="Cookies"),
    )
    claims = (
        Claim(id="c1", text=quote, verdict=Verdict.VERBATIM, citations=cited),
        Claim(id="c2", text="Nobody knows."),
    )
    return Report(
        title="Tokens",
        session_id="5" * 32,
        topic="how are tokens stored?",
        sections=(Section(heading="How it works", analyst="how", claims=claims), Section(heading="Empty")),
        sources=(
            Source(
                id="d1",
                number=1,
                kind="pdf",
                title="Security",
                path="a.pdf",
                hash="sha256:" + "ab" * 32,
                authors=("Ana Prado",),
                year=2021,
                doi="10.1000/x",
                pages=9,
            ),
            Source(id="d2", number=2, kind="notebook", title="Notes", path="n.ipynb"),
            Source(id="w3", number=3, kind="web", title="Cookies", url="https://example.org/"),
        ),
        limitations=("scan.pdf: no text: scanned?",),
        usage={"calls": 2},
        made={"date": "2026-01-01T00:00:00Z", "files_read": 2},
    )


def invalid(change: dict[str, Any]) -> dict[str, Any]:
    """Give the JSON of a report with some of its fields changed."""
    return {**a_report().to_json(), **change}


def test_a_report_survives_its_way_through_json() -> None:
    report = a_report()
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_the_exported_json_is_the_report() -> None:
    report = a_report()
    assert Report.from_json(json.loads(export(report, "json"))) == report


def test_the_exported_json_holds_text_that_utf8_cannot() -> None:
    report = Report(title="a \udc80 b")
    assert json.loads(export(report, "json"))["title"] == "a \udc80 b"


def test_the_schema_is_valid_and_named_in_the_report() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    assert schema()["properties"]["schema"]["const"] == SCHEMA


@pytest.mark.parametrize("report", [a_report(), Report(title="")])
def test_reports_keep_to_the_schema(report: Report) -> None:
    jsonschema.validate(report.to_json(), schema())


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "jupyter-research-report/0"},
        {"sections": None},
        {"limitations": [1]},
        {"sources": [{"id": "../x", "number": 1, "kind": "pdf", "title": ""}]},
        {
            "sections": [
                {"heading": "", "analyst": None, "claims": [{"id": "c", "text": "", "verdict": "true"}]}
            ]
        },
        {
            "sections": [
                {
                    "heading": "",
                    "analyst": None,
                    "claims": [
                        {
                            "id": "c",
                            "text": "",
                            "verdict": "uncited",
                            "citations": [{"source": "d", "start": 0, "end": 1, "quote": "q"}],
                        }
                    ],
                }
            ]
        },
    ],
    ids=["version", "sections", "limitations", "source id", "verdict", "uncited with a citation"],
)
def test_what_is_no_report_is_refused_by_the_schema(change: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(invalid(change), schema())


def test_a_source_shows_its_path_or_its_address_and_never_both() -> None:
    path, _, web = (source.to_json() for source in a_report().sources)
    assert "url" not in path
    assert "path" not in web


def test_claims_come_in_the_order_of_the_sections() -> None:
    assert [claim.id for claim in a_report().claims()] == ["c1", "c2"]


def fields() -> set[str]:
    """Give the names of all fields that the schema knows."""
    kinds = [schema(), *(kind for kind in schema()["$defs"].values() if "properties" in kind)]
    return {name for kind in kinds for name in kind["properties"]}


@pytest.mark.parametrize("name", sorted(fields()))
def test_each_field_of_the_schema_is_documented(name: str) -> None:
    text = (Path(__file__).parent.parent / "docs" / "reference" / "report.md").read_text(encoding="utf-8")
    assert f"`{name}`" in text
