"""Prepare the PDF: drawings become vector PDF, so that TeX can place them."""

from pathlib import Path

import typst
from matplotlib import get_data_path
from sphinx.transforms.post_transforms.images import ImageConverter

PAGE = """#set page(width: auto, height: auto, margin: 0pt)
#image("{name}")
"""


class DrawingConverter(ImageConverter):
    """Convert SVG to PDF with Typst, which keeps text and lines."""

    conversion_rules = [("image/svg+xml", "application/pdf")]

    def is_available(self):
        """Typst comes with the book's requirements."""
        return True

    def convert(self, source, target):
        """Set the drawing as the only thing on a page of its size."""
        source = Path(source)
        page = PAGE.format(name=source.name).encode()
        typst.compile(
            page,
            output=target,
            root=source.parent,
            font_paths=[Path(get_data_path(), "fonts", "ttf")],
        )
        return True


def setup(app):
    """Register the converter."""
    app.add_post_transform(DrawingConverter)
