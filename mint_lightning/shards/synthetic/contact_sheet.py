"""A contact sheet: people in rows, their photos in columns.

python -m mint_lightning.shards.synthetic.contact_sheet docs/synthetic_faces.png
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mint_lightning.files import atomic_path
from mint_lightning.shards.synthetic.faces import SIZE, draw_photo

GAP = 4


def contact_sheet(
    path: Path,
    *,
    identities: int = 4,
    photos: int = 5,
    difficulties: Sequence[str | float] = ("plain", "hard"),
    seed: int = 0,
) -> None:
    """Write a PNG of `identities` rows by `photos` columns for each difficulty, one block below the other.

    Colours are reduced to 256, which halves the file; the shards hold the faces as they are drawn.
    """
    cell = SIZE + GAP
    rows = identities * len(difficulties)
    height = rows * cell + GAP * (2 * len(difficulties) - 1)
    sheet = np.full((height, photos * cell + GAP, 3), 255, dtype=np.uint8)
    for row in range(rows):
        block, identity = divmod(row, identities)
        top = GAP + row * cell + 2 * GAP * block
        for photo in range(photos):
            left = GAP + photo * cell
            face = draw_photo(seed, identity, photo, difficulties[block])
            sheet[top : top + SIZE, left : left + SIZE] = face
    picture = Image.fromarray(sheet).quantize(256, dither=Image.Dither.NONE)
    with atomic_path(path) as temporary:
        picture.save(temporary, format="PNG", optimize=True)


if __name__ == "__main__":
    contact_sheet(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/synthetic_faces.png"))
