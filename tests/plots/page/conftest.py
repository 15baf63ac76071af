"""Reading a page as a browser would, without one."""

from html.parser import HTMLParser

import pytest


class Elements(HTMLParser):
    """The elements of a document, in order: (tag, attributes, text directly within)."""

    EMPTY = frozenset(("circle", "input", "link", "meta", "path", "use", "wbr"))

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)
        self.close()
        assert self.open == [], "elements that are never closed"

    def handle_starttag(self, tag, attrs):
        element = [tag, dict(attrs), ""]
        self.found.append(element)
        if tag not in self.EMPTY:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.found.append([tag, dict(attrs), ""])

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.open:
            self.open[-1][2] += data

    def all(self, tag):
        return [element for element in self.found if element[0] == tag]

    def texts(self, tag):
        return [text.strip() for _, _, text in self.all(tag)]


@pytest.fixture
def elements():
    """Returns a function that parses a page."""
    return lambda file: Elements(file.read_text(encoding="utf-8"))
