"""What a picture's file says of where the picture comes from: drawn by a model, or not.

Whoever finds a synthetic face without its manifest must be able to see what it is. PNG files get it twice: as text
chunks (``mien.synthetic``, ``mien.generator`` ...) and as XMP with the IPTC's property DigitalSourceType, which other
programs know.
"""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Mapping
from xml.sax.saxutils import escape

from PIL import Image, PngImagePlugin, UnidentifiedImageError

from mien.images import Pixels

#: Source: IPTC NewsCodes, "Digital Source Type": media made by an algorithm that learned from sampled content.
DRAWN_BY_A_MODEL = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
#: A term of that vocabulary wherever XMP has it: as an attribute or as an element, also composites with drawn parts.
_SOURCE_TYPE = re.compile(rb"digitalsourcetype/(?:compositeWithT|t)rainedAlgorithmicMedia\b")
#: Before the name of every text chunk of ours.
_PREFIX = "mien."
#: Where PNG keeps XMP (XMP specification, part 3, 1.1.5).
_XMP = "XML:com.adobe.xmp"
_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" \
xmlns:xmp="http://ns.adobe.com/xap/1.0/">
   <Iptc4xmpExt:DigitalSourceType>{source}</Iptc4xmpExt:DigitalSourceType>
   <xmp:CreatorTool>{tool}</xmp:CreatorTool>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


def encode_synthetic(image: Pixels, facts: Mapping[str, object]) -> bytes:
    """Encode a drawn picture as PNG whose metadata say so.

    Args:
        image: (H, W, 3) RGB or (H, W) grey, uint8.
        facts: what to say beside ``synthetic: true``, such as ``generator``, ``class``, ``seed``.

    Returns:
        The file; the same picture and facts give the same bytes.
    """
    text = PngImagePlugin.PngInfo()
    for name, value in {"synthetic": "true", **facts}.items():
        text.add_itxt(_PREFIX + name, str(value))
    tool = escape(f"mien {facts.get('generator', '')}".strip())
    text.add_itxt(_XMP, _PACKET.format(source=DRAWN_BY_A_MODEL, tool=tool))
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", pnginfo=text)
    return file.getvalue()


def read_facts(path: str | os.PathLike[str]) -> dict[str, str]:
    """What mien wrote into a PNG file: ``{"synthetic": "true", "generator": ...}``; empty when there is nothing."""
    return {
        str(name)[len(_PREFIX) :]: str(value) for name, value in _header(path).items() if str(name).startswith(_PREFIX)
    }


def is_synthetic(path: str | os.PathLike[str]) -> bool:
    """True when the file says that a model drew the picture, or a part of it; only its head is read.

    Knows mien's own words and the IPTC's DigitalSourceType in the XMP of PNG, JPEG, WebP and TIFF. False for a file
    that says nothing or cannot be read.
    """
    found = _header(path)
    if str(found.get(_PREFIX + "synthetic", "")).lower() == "true":
        return True
    packets = (found.get("xmp"), found.get(_XMP))
    return any(
        _SOURCE_TYPE.search(packet if isinstance(packet, bytes) else str(packet).encode()) is not None
        for packet in packets
        if packet
    )


def _header(path: str | os.PathLike[str]) -> dict[str | tuple[int, int], object]:
    """What stands before the pixels."""
    try:
        with warnings.catch_warnings():  # oddities in the metadata of others are not our business
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                return dict(image.info)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError):
        return {}  # whoever needs the picture is told what is wrong with it when it is read
