"""The demo's pictures: one per article, small, of one size, and nothing in them but shapes."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from django.conf import settings

from commerce.demo import ARTICLES
from commerce.demo.article import PICTURE_HEIGHT, PICTURE_WIDTH

FOLDER = Path(settings.BASE_DIR) / "templates" / "static" / "demo"
PICTURES = sorted(FOLDER.glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"
BYTES_MAX = 3_000
SHAPES = {"svg", "g", "path", "rect", "circle", "ellipse"}
# What is drawn: no style, no script, no reference, no event, nothing a content policy has to allow.
ATTRIBUTES = {
    "width", "height", "viewBox", "d", "x", "y", "cx", "cy", "r", "rx", "ry", "fill", "opacity", "stroke",
    "stroke-width", "stroke-linecap", "stroke-dasharray", "stroke-dashoffset", "transform",
}  # fmt: skip
# Warm neutrals, brass and sage, and one accent in two shades.
COLOURS_MAX = 40


def test_every_article_has_one_of_its_own() -> None:
    assert len({article.slug for article in ARTICLES}) == len(ARTICLES) >= 40
    assert {picture.stem for picture in PICTURES} == {article.slug for article in ARTICLES}
    assert len({picture.read_bytes() for picture in PICTURES}) == len(PICTURES)


def test_they_are_of_one_palette() -> None:
    drawn = [ET.fromstring(picture.read_text()) for picture in PICTURES]

    colours = {each.get(name) for tree in drawn for each in tree.iter() for name in ("fill", "stroke")}

    assert len(colours - {None, "none"}) <= COLOURS_MAX
    assert "#c4562f" in colours


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.stem)
class TestPicture:
    def test_is_small_and_of_the_size_that_is_said(self, picture: Path) -> None:
        root = ET.fromstring(picture.read_text())

        assert picture.stat().st_size <= BYTES_MAX
        assert root.tag == f"{SVG}svg"
        assert (root.get("width"), root.get("height")) == (str(PICTURE_WIDTH), str(PICTURE_HEIGHT))
        assert root.get("viewBox") == f"0 0 {PICTURE_WIDTH} {PICTURE_HEIGHT}"

    def test_brings_its_own_ground_and_holds_shapes_alone(self, picture: Path) -> None:
        elements = list(ET.fromstring(picture.read_text()).iter())

        ground = elements[1]
        assert (ground.tag, ground.get("width"), ground.get("height")) == (f"{SVG}rect", "400", "500")
        assert {element.tag.removeprefix(SVG) for element in elements} <= SHAPES
        assert {name for element in elements for name in element.attrib} <= ATTRIBUTES
        assert not [element for element in elements if (element.text or "").strip()]
