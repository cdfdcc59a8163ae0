"""The folder that can audit: save, load, score photos, answer."""

from mint_lightning.auditor.answers import Answer, Answers
from mint_lightning.auditor.card import AuditorCard
from mint_lightning.auditor.folder import AUDITOR_FILE, AUDITOR_HEAD, Auditor, load_auditor, read_aad, save_auditor
from mint_lightning.auditor.network import NETWORK, WeightsMissing, copy_network
from mint_lightning.auditor.photos import PhotoBatch, PhotoFiles, Photos, ShardPhotos, photo_files
from mint_lightning.auditor.question import Question
from mint_lightning.auditor.scoring import Scored, score_photos

__all__ = [
    "AUDITOR_FILE",
    "AUDITOR_HEAD",
    "NETWORK",
    "Answer",
    "Answers",
    "Auditor",
    "AuditorCard",
    "PhotoBatch",
    "PhotoFiles",
    "Photos",
    "Question",
    "Scored",
    "ShardPhotos",
    "WeightsMissing",
    "copy_network",
    "load_auditor",
    "photo_files",
    "read_aad",
    "save_auditor",
    "score_photos",
]
