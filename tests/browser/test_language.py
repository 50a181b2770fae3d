"""Wear another language: a pack in which every text of ours is marked shows which ones are not translated."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .harness import LABEXTENSION
from .lab import TOKEN, Lab, Notebook, search_palette
from .test_coming_back import saved_data, without_kernel, written

#: One that JupyterLab's server takes for a language.
LANGUAGE = "eo"

#: Where the server's own words stand: descriptions of what can be chosen, and how a report was made.
OTHERS = "datalist, .jr-new-libraries, .jr-made dl, .jr-question, .jr-lane-step"

#: Names, the same in all languages.
NAMES = {"Markdown", "HTML", "PDF", "Word", "BibTeX"}

#: Gives each text, and each attribute that people read or hear, in which no translator has had a part.
UNMARKED = """others => [...document.querySelectorAll('.jr-panel, .jr-session')].flatMap(root => {
  const texts = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    texts.push([walker.currentNode.parentElement, walker.currentNode.data]);
  }
  for (const node of [root, ...root.querySelectorAll('*')]) {
    for (const name of ['title', 'aria-label', 'placeholder', 'alt']) {
      texts.push([node, node.getAttribute(name) ?? '']);
    }
  }
  return texts.filter(([node, text]) =>
    /\\p{L}/u.test(text) && !text.includes('‹') && !node.closest(others)).map(([, text]) => text);
})"""


def texts() -> dict[str, list[str]]:
    """Gather what the sources give to a translator, each with its translations: itself, marked."""
    one = r"\.__\(\s*'((?:[^'\\]|\\.)+)'"
    many = r"\._n\(\s*'((?:[^'\\]|\\.)+)',\s*'((?:[^'\\]|\\.)+)'"
    source = "\n".join(path.read_text(encoding="utf-8") for path in (LABEXTENSION / "src").glob("*.ts"))
    found = [*((text,) for text in re.findall(one, source)), *re.findall(many, source)]
    plain = [[text.replace("\\'", "'") for text in forms] for forms in found]
    return {forms[0]: [f"‹{text}›" for text in forms] for forms in plain}


def language_pack(folder: Path) -> Path:
    """Install a language pack into `folder`, as pip would."""
    place = folder / "marked_pack" / "locale" / LANGUAGE / "LC_MESSAGES"
    place.mkdir(parents=True)
    (folder / "marked_pack" / "__init__.py").touch()
    head = {
        "domain": "jupyter_research",
        "language": LANGUAGE,
        "plural_forms": "nplurals=2; plural=(n != 1);",
    }
    (place / "jupyter_research.json").write_text(json.dumps({"": head, **texts()}), encoding="utf-8")
    described = folder / "marked_pack-1.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: marked-pack\nVersion: 1\n")
    (described / "entry_points.txt").write_text(f"[jupyterlab.languagepack]\n{LANGUAGE} = marked_pack\n")
    return folder


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Run JupyterLab in that language."""
    made = Lab(tmp_path_factory.mktemp("lab"))
    made.prepare()
    setting = (
        made.folder / "settings" / "@jupyterlab" / "translation-extension" / "plugin.jupyterlab-settings"
    )
    setting.parent.mkdir(parents=True)
    setting.write_text(json.dumps({"locale": LANGUAGE}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(language_pack(tmp_path_factory.mktemp("pack"))))
        made.start()
    try:
        yield made
    finally:
        made.stop()


def said_in(value: Any) -> set[str]:
    """Give every text in what the server says."""
    if isinstance(value, str):
        return {value}
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*map(said_in, inner))


def unmarked(page: Page, lab: Lab, session_id: str) -> set[str]:
    """Give the texts of ours on the page that nobody translated."""
    snapshot = lab.ask("GET", f"research/api/sessions/{session_id}")
    said = said_in(snapshot) | NAMES
    if snapshot["report_available"]:
        said |= said_in(lab.ask("GET", f"research/api/sessions/{session_id}/report?format=json"))
    found = {text.strip() for text in page.evaluate(UNMARKED, OTHERS)}
    return {text for text in found if not any(text in one for one in said)}


def test_every_text_of_ours_is_translated(page: Page, lab: Lab) -> None:
    (lab.root / "note.md").write_text("# Tides\n\nThe tide is caused by the gravity of the moon.\n")
    body = {"topic": "what causes the tide?", "options": {"sources": ["note.md"]}, "approve": "ask"}
    session_id = lab.ask("POST", "research/api/sessions", body)["session_id"]
    without_kernel(page)
    Notebook(page, lab, written(lab, "foreign.ipynb", saved_data(lab, session_id))).reload(TOKEN)
    card = page.locator(".jp-OutputArea .jr-output .jr-session")
    expect(card).to_have_attribute("data-state", "awaiting_approval")
    page.evaluate("window.jupyterapp.commands.execute('jupyter-research:new')")
    expect(page.locator(".jr-panel").get_by_role("button", name="‹Start›")).to_be_visible()
    expect(card.get_by_role("button", name="‹Approve›")).to_be_visible()
    assert unmarked(page, lab, session_id) == set()
    card.get_by_role("button", name="‹Approve›").click()
    expect(card.get_by_role("heading", name="‹Sources›")).to_be_visible()
    expect(card.get_by_role("group", name="‹Download›")).to_be_visible()
    assert unmarked(page, lab, session_id) == set()
    search_palette(page, "research session")
    offered = page.locator(".lm-CommandPalette-item", has_text="research session")
    expect(offered).to_have_text(["‹New research session›", "‹Show research sessions›"])
