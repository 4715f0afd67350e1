"""Cut fonts down to the characters that the book shows."""

import io

from fontTools import subset
from fontTools.ttLib import TTFont


def cut(source, points, **options):
    """Return a font file with nothing but some code points, as woff2."""
    font = TTFont(source, recalcTimestamp=False)
    cutter = subset.Subsetter(subset.Options(**options))
    cutter.populate(unicodes=points)
    cutter.subset(font)
    font.flavor = "woff2"
    packed = io.BytesIO()
    font.save(packed)
    return packed.getvalue()
