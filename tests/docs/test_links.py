"""Every link of the pages leads somewhere, every page can be found, and every public name is explained."""

import re
from pathlib import Path

import pytest

import krebit
from tests.docs.pages import PAGES, ROOT, anchors, links, page


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_each_link_and_anchor_leads_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    for link in links(text):
        if link.startswith("https://"):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text("utf-8")), link


def test_the_readme_leads_to_every_page() -> None:
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in links(page("README"))}
    assert set((ROOT / "docs").glob("*.md")) - linked == set()


def test_every_public_name_is_on_a_page() -> None:
    text = "\n".join(path.read_text("utf-8") for path in PAGES if path.stem != "CHANGELOG")
    named = set(re.findall(r"\w+", text))
    assert set(krebit.__all__) - named - {"__version__"} == set()
