"""The folder that can audit: save, load, score images."""

from mint_lightning.auditor.folder import AUDITOR_FILE, AUDITOR_HEAD, Auditor, AuditorCard, load_auditor, save_auditor

__all__ = ["AUDITOR_FILE", "AUDITOR_HEAD", "Auditor", "AuditorCard", "load_auditor", "save_auditor"]
