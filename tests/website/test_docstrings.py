"""Our docstrings become reStructuredText that says the same."""

import doctest

from docs.website import docstrings


def rewritten(text):
    return "\n".join(docstrings.rewritten(text.splitlines()))


def test_examples_of_the_module():
    found = doctest.testmod(docstrings)
    assert found.attempted >= 2 and not found.failed


def test_labels_begin_paragraphs_and_sections_are_left():
    text = "One: line.\n\nArgs:\n  x: a number.\n\nSource: Li 2010,\n  page 3.\nDiffers: none."
    assert rewritten(text) == (
        "One: line.\n\nArgs:\n  x: a number.\n\n**Source**: Li 2010,\npage 3.\n\n**Differs**: none."
    )


def test_bars_and_asterisks_are_text_outside_code():
    assert rewritten("Of **settings and |x|, as `a * b`.") == (
        r"Of \*\*settings and \|x\|, as `a * b`."
    )


def test_what_stands_farther_in_is_code():
    text = "Two of them\n\n    a  * b\n      c\n\nand more."
    assert rewritten(text) == "Two of them\n\n::\n\n    a  * b\n      c\n\nand more."
