"""Hold what bibliographies beside documents say of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_research.documents import FileRef, Library
from jupyter_research.documents.bibliography import Bibliography
from jupyter_research.documents.bibtex import entries, plain

BIB = r"""
@comment{not an entry}
@string{jv = "Journal of Vapours"}
@article{byron2019slow,
  title = {Slow light in {Warm} vapour: a {\emph study}},
  author = {Byron, Ada and Babbage, Charles and G{\"o}del, Kurt and {\'E}mile Zola},
  year = 2019, journal = jv # " (online)",
  doi = {10.1234/vapour.7},
  file = {Full Text PDF:C\:\\Users\\me\\Zotero\\slow light.pdf:application/pdf;Snapshot:page.html:text/html}
}
@inproceedings{tails, title = "On the {``}tails{''} of {C}omets", author = "Lee, Ann", date = "2018-05-01"}
@book{broken, title = {never closed
"""


def _find(folder: Path, name: str, title: str | None = None, doi: str | None = None) -> str | None:
    found = Bibliography.beside([folder / name]).find(folder / name, title, doi)
    return found.title if found else None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "library.bib").write_text(BIB)
    return (tmp_path / "papers").resolve()


def test_bibtex_entries_are_read_with_nested_braces_and_joined_strings() -> None:
    found = dict(entries(BIB))
    assert list(found) == ["byron2019slow", "tails", "broken"]
    assert found["byron2019slow"]["year"] == "2019"
    assert found["byron2019slow"]["journal"] == "jv (online)"
    assert found["tails"]["author"] == "Lee, Ann"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (r"G{\"o}del", "Gödel"),
        (r"{\'E}mile", "Émile"),
        (r"\v{S}koda and \c{c}a", "Škoda and ça"),
        (r"na{\"\i}ve", "naïve"),
        (r"Stra{\ss}e {\O}rsted", "Straße Ørsted"),
        (r"10\% \& more~words -- so", "10% & more words – so"),
        (r"{The {NASA}} \emph{Study}", "The NASA Study"),
        ("", ""),
    ],
)
def test_latex_becomes_text(value: str, expected: str) -> None:
    assert plain(value) == expected


@pytest.mark.parametrize(
    ("name", "title", "doi"),
    [
        ("slow light.pdf", None, None),
        ("byron2019slow.pdf", None, None),
        ("x.pdf", None, "10.1234/VAPOUR.7"),
        ("x.pdf", "Slow Light in Warm Vapour: A Study", None),
    ],
)
def test_a_document_is_found_by_file_key_doi_or_title(
    folder: Path, name: str, title: str | None, doi: str | None
) -> None:
    assert _find(folder, name, title, doi) == "Slow light in Warm vapour: a study"


def test_a_document_of_another_title_is_not_found(folder: Path) -> None:
    assert _find(folder, "x.pdf", "Fast light", "10.1/y") is None
    assert _find(folder.parent, "slow light.pdf") is None


def test_csl_json_is_read_as_zotero_writes_it(folder: Path) -> None:
    item = {
        "id": "lee2020",
        "title": "More on the tails of comets",
        "author": [{"given": "Ann", "family": "Lee"}, {"literal": "The Sky Group"}],
        "issued": {"date-parts": [[2020, 5]]},
        "DOI": "10.5555/tails",
    }
    (folder / "library.json").write_text(json.dumps([item, {"title": 7}, None, "x"]))
    found = Bibliography.beside([folder / "a.pdf"]).find(folder / "lee2020.pdf", None, None)
    assert found is not None
    assert (found.authors, found.year, found.doi) == (("Ann Lee", "The Sky Group"), 2020, "10.5555/tails")


@pytest.mark.parametrize(
    "text", ["", "{", "[", '[{"title": ', '{"title": "no list"}', "\x00\x01", "@@@{{{", "@article{a,"]
)
def test_a_file_that_is_no_bibliography_costs_nothing(folder: Path, text: str) -> None:
    (folder / "a.json").write_text(text)
    (folder / "a.bib").write_text(text)
    assert _find(folder, "byron2019slow.pdf") is not None


def test_a_bibliography_of_ten_thousand_entries_is_read_in_time(folder: Path) -> None:
    entry = "@article{{key{n}, title = {{Title {{number}} {n}}}, author = {{A, B}}, file = {{{n}.pdf}}}}\n"
    (folder / "many.bib").write_text("".join(entry.format(n=number) for number in range(10_000)))
    assert _find(folder, "9999.pdf") == "Title number 9999"


def test_a_library_takes_title_authors_and_year_from_the_bibliography(folder: Path, tmp_path: Path) -> None:
    (folder / "byron2019slow.md").write_text("Vapours slow the light.")
    library = Library(
        tmp_path / "index.sqlite", [FileRef(path=folder / "byron2019slow.md", name="byron2019slow.md")]
    )
    (document,) = library.refresh().documents
    assert document.authors == ("Ada Byron", "Charles Babbage", "Kurt Gödel", "Émile Zola")
    assert (document.year, document.doi, document.identified) == (2019, "10.1234/vapour.7", True)
    assert library.search("vapours")[0].document == document
    (folder / "library.bib").unlink()
    (document,) = library.refresh().documents
    assert (document.title, document.authors, document.year) == ("byron2019slow", (), None)
    library.close()
