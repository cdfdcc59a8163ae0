"""The page on paper, by WeasyPrint, which fetches nothing: the page names no other file."""

import re
from pathlib import Path

from mint_lightning.errors import UserError


def write_pdf(path: Path, page: str) -> Path:
    """Write a page as PDF, tagged for screen readers.

    Raises:
        UserError: WeasyPrint, or the Pango library that it draws text with, is not installed.
    """
    try:
        from weasyprint import HTML
    except (ImportError, OSError) as error:
        raise UserError(
            "A PDF needs WeasyPrint and the Pango library (pip install 'mint-lightning[pdf]'; Debian: apt install "
            f"libpango-1.0-0 libpangoft2-1.0-0): {str(error).splitlines()[0][:120]}"
        ) from error
    # In pictures WeasyPrint knows no variables of the style sheet: paper takes the colour that stands beside each.
    page = re.sub(r"var\(--[\w-]+, (#[0-9a-f]{6})\)", r"\1", page)
    HTML(string=page, url_fetcher=_nothing).write_pdf(path, pdf_ua=True)
    return path


def _nothing(url: str, *_: object, **__: object) -> dict[str, object]:
    raise ValueError(f"a page of evidence stands alone, but names {url}")
