"""Evidence as people read it: terminal, page, pictures, markdown."""

from mint_lightning.report.context import Context

__all__ = ["Context"]
