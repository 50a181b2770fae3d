"""Hold what becomes of the lines of a cell before IPython reads them."""

from __future__ import annotations

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from jupyter_research.topics import typed_topics


def read(cell: str) -> str:
    """Give what IPython makes of a cell with our transformer in place."""
    manager = TransformerManager()
    manager.cleanup_transforms.append(typed_topics)
    return str(manager.transform_cell(cell))


def call(topic: str) -> str:
    return f"get_ipython().run_line_magic('research', {topic!r})\n"


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("%research what?\n", call("what?")),
        ("%research what's apart??", call("what's apart??")),
        ("  %research indented?\n", call("indented?")),
        ("%research\twith a tab?\n", call("with a tab?")),
        ("s = %research what?\n", "s = " + call("what?")),
        ("s['a'] = %research what?\n", "s['a'] = " + call("what?")),
        ("s.x = %research what?\n", "s.x = " + call("what?")),
        ("if x:\n    %research what?\nelse:\n    y\n", "if x:\n    " + call("what?") + "else:\n    y\n"),
        ("x = 1\n%research what?\nx\n", "x = 1\n" + call("what?") + "x\n"),
        ("%research\n", call("")),
        ("%research one \\\ntwo?\n", call("one two?")),
        ("%research ends in a backslash\\\n", call("ends in a backslash")),
        (">>> %research what?\n", call("what?")),
        ("In [1]: %research what?\n", call("what?")),
        ("'a' # '''\n%research what?\n", "'a' # '''\n" + call("what?")),
        ('"""a"""\n%research what?\n', '"""a"""\n' + call("what?")),
        ("'it\\'s \"\"\"'\n%research what?\n", "'it\\'s \"\"\"'\n" + call("what?")),
        ("!echo it's\n%research what?\n", 'get_ipython().system("echo it\'s")\n' + call("what?")),
    ],
)
def test_a_line_that_starts_a_session_becomes_its_call(cell: str, code: str) -> None:
    assert read(cell) == code


@pytest.mark.parametrize(
    "cell",
    [
        '"""\n%research what?\n"""\n',
        "x = '''\n%research what?\n'''\n",
        "print('%research what?')\n",
        "researching = 1\n",
        "# %research what?\n",
    ],
)
def test_what_only_looks_like_it_stays(cell: str) -> None:
    assert read(cell) == cell


@pytest.mark.parametrize("cell", ["%%bash\n%research what?\n", "%%research --ask\nwhat's\n%research?\n"])
def test_the_body_of_a_cell_magic_is_not_touched(cell: str) -> None:
    assert typed_topics(cell.splitlines(keepends=True)) == cell.splitlines(keepends=True)


@pytest.mark.parametrize("cell", ["%research?\n", "%research??\n", "?%research\n"])
def test_help_about_the_magic_stays_help(cell: str) -> None:
    assert "pinfo" in read(cell)
    assert "%research" in read(cell)


def test_other_magics_are_read_as_ever() -> None:
    cell = "%researcher x\n%time y?\nlen?\n"
    assert read(cell) == str(TransformerManager().transform_cell(cell))
