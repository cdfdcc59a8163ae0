"""mint-lightning audit"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mint_lightning.commands.parsing import parse_function
from mint_lightning.errors import UserError
from mint_lightning.files import refuse_foreign_folder, refuse_unwritable

if TYPE_CHECKING:
    from mint_lightning.auditor import Auditor, Question

EXAMPLES = """  mint-lightning audit --auditor mlruns/tables/demo me.jpg
  mint-lightning audit --auditor mlruns/tables/demo --group-by all holiday1.jpg holiday2.jpg portrait.png
  mint-lightning audit --auditor mlruns/tables/lfw/auditors/flip_agreement --aligned true faces/
  mint-lightning audit --auditor models:/demo@best --group-by identity --fdr 0.1 shards/mine
  mint-lightning audit --scores other_tool.csv --out mlruns/audits/other_tool
  mint-lightning audit --auditor '[mlruns/tables/a, mlruns/tables/b]' --weights a=a.safetensors me.jpg"""


def audit(
    photos: list[str] | None = None,
    auditor: str | list[str] | None = None,
    scores: str | None = None,
    weights: str | list[str] | None = None,
    group_by: Literal["none", "identity", "all"] = "none",
    alpha: float = 0.01,
    fdr: float = 0.05,
    prior: float = 0.01,
    aligned: bool = False,
    detector: str = "centerface",
    faces: Literal["largest", "all"] = "largest",
    out: str | None = None,
    partition_declared: bool = False,
    subject: Literal["faces", "objects"] = "faces",
    language: Literal["en", "es"] = "en",
    accelerator: str = "auto",
    workers: int = 0,
) -> Path:
    """Ask of photos, or of people or objects, whether they score like the photos that a network was trained on.

    Every answer carries the error rate at which it is given; it is never proof. Photos are read, not kept. With
    `scores` no photo is asked about: what another tool's scores of known members and externals prove is weighed.

    Args:
        photos: image files, folders of images (a folder within for each person or object), or one shard set.
        auditor: folder of an auditor or of a table, id of a run, or registered model; several audit side by side, and
            their answers about one photo are adjusted for one another.
        scores: FILE of any tool's scores, in the place of photos and auditor: CSV or parquet with the columns score and
            member (and identity, key, split, row, role, network where known), or a form of ART, SACRO-ML or
            PrivacyGuard (docs/bundle.md). Its evidence is written as a bundle.
        weights: where the audited network's weights are, as NAME=FILE with the network's name, several as a list; for
            auditors whose card names a file that is not here.
        group_by: one answer for each photo ("none"), for each person or object ("identity": the folder within the given
            folder, or the identity of a shard set), or one for all photos together ("all": they show one of them).
        alpha: how often an outsider may score like training photos by chance, 0.5 at most.
        fdr: in a list of several answers, the share of those listed that may be wrong.
        prior: the share of such photos that you think were trained on; decides how often a positive answer is right.
        aligned: you declare that the photos are cut and aligned as the auditor's own were; else faces are found in
            them, and of objects, which nothing finds, nothing is claimed.
        detector: what finds faces in files: "centerface", or the file of an SCRFD network (.onnx).
        faces: of a photo with several faces ask about the largest, or about all.
        out: folder of audit.json and audit.csv, mlruns/audits/audit by default, replaced if it stands there and holds
            nothing else; with `scores` of the bundle, mlruns/audits/scores.
        partition_declared: of `scores`, you declare that members and externals are random identity partitions of one
            set.
        subject: of `scores`, what the photos show.
        language: of the sentences.
        accelerator: auto, cpu or gpu.
        workers: processes that decode a shard set.
    """
    if scores is not None:
        if photos or auditor:
            raise UserError("--scores weighs scores that were made already: give neither photos nor an auditor.")
        return weigh_scores(Path(scores), Path(out or "mlruns/audits/scores"), partition_declared, subject)
    if auditor is None:
        raise UserError("audit asks an auditor about photos: give --auditor and photos, or --scores FILE.")
    folder = Path(out or "mlruns/audits/audit")
    refuse_foreign_folder(folder, "audit.json", "audit")
    refuse_unwritable(folder)
    from mint_lightning.auditor import Answers, Question, score_photos
    from mint_lightning.commands.audit_inputs import load_all, open_photos
    from mint_lightning.learning.networks import device_of
    from mint_lightning.report.answers import print_answers
    from mint_lightning.report.answers_files import refuse_other_files, write_answers
    from mint_lightning.tracking.fetch import find_auditor

    refuse_other_files(folder)
    question = Question(group_by=group_by, alpha=alpha, fdr=fdr, prior=prior, language=language)
    if question.grouped and faces == "all":
        raise UserError(f"--faces all asks about everybody on a photo, --group-by {group_by} about one person: choose.")
    with tempfile.TemporaryDirectory() as temporary:
        names = [auditor] if isinstance(auditor, str) else list(auditor)
        if not names or "" in names:
            raise UserError("auditor names nothing: give an auditor's folder, a table's, a run or a registered model.")
        found = [find_auditor(name, Path(temporary) / str(number)) for number, name in enumerate(names)]
        auditors, networks = load_all(found, named_files(weights), Path(temporary))
        refuse_single(auditors, question)
        asked = open_photos(photos or [], auditors, aligned=aligned, detector=detector, faces=faces, workers=workers)
        scored = score_photos(asked, auditors, networks, device_of(accelerator), grouped=question.grouped)
    answers = Answers(scored, auditors, question)
    write_answers(folder, answers, auditors, detector=asked.detector)
    print_answers(answers, auditors)
    print(f"Written: {folder / 'audit.json'}, audit.csv")
    return folder


def weigh_scores(file: Path, out: Path, partition_declared: bool, subject: str) -> Path:
    """Weigh any tool's scores, print the table and write its bundle."""
    refuse_unwritable(out)
    from mint_lightning.bundle.folder import write_bundle
    from mint_lightning.bundle.given import of_scores
    from mint_lightning.report.console import print_table

    command = f"mint-lightning audit --scores {file.name}"
    source = of_scores(file, command=command, partition_declared=partition_declared, subject=subject)
    write_bundle(out, source)
    print_table(source.evidence, source.context)
    print(f"Written: {out / 'report.html'} (page), bundle.json, evidence, scores; verify-bundle {out} checks them.")
    return out


def refuse_single(auditors: "Mapping[str, Auditor]", question: "Question") -> None:
    """Raise `UserError` where an auditor judges several photos at once, and it is not said who is on which."""
    for name, auditor in auditors.items():
        if auditor.card.set_size > 1 and not question.grouped:
            raise UserError(
                f"The auditor {name!r} judges {auditor.card.set_size} photos of one person at once: give --group-by "
                "all where all photos show one person, or identity."
            )


def named_files(given: str | list[str] | None) -> dict[str, str]:
    """NAME=FILE, one or several, as a dict; `UserError` for anything else."""
    found = {}
    for each in [given] if isinstance(given, str) else given or []:
        name, sign, file = each.partition("=")
        if not (name and sign and file):
            raise UserError(f"weights is {each!r}: give NAME=FILE, the name of the audited network and the file.")
        found[name] = file
    return found


def main(command: str, args: list[str]) -> None:
    """Run the command; plain words are photos."""
    audit(**parse_function(audit, command, args, EXAMPLES, plain="photos"))
