"""Around the training of one head: what the run is, the auditor it leaves, the figures of its test."""

import sys
from pathlib import Path
from typing import Any

import torch

from mint_lightning.auditor import save_auditor
from mint_lightning.commands.auditor_cards import auditor_card
from mint_lightning.commands.publish import network_summary
from mint_lightning.errors import UserError
from mint_lightning.evidence import RowScores, ScoreSet, weigh
from mint_lightning.files import write_json
from mint_lightning.learning.checkpoint import read_checkpoint
from mint_lightning.learning.collect import gather, score_set
from mint_lightning.learning.head_kinds import CNNMINT, InvariantMINT, PersonMINT, VanillaMINT
from mint_lightning.learning.initial import parent_of
from mint_lightning.learning.labels import CLASS
from mint_lightning.learning.mint import MINT
from mint_lightning.learning.networks import AUDITED
from mint_lightning.learning.predictions import ScoresWriter
from mint_lightning.learning.rows import RowSpec
from mint_lightning.report import Context
from mint_lightning.report.console import print_table
from mint_lightning.report.scores import write_scores
from mint_lightning.tracking.logger import MintLogger
from mint_lightning.tracking.sending import find_run

KINDS: dict[type[MINT], str] = {
    VanillaMINT: "vanilla",
    CNNMINT: "cnn",
    InvariantMINT: "invariant",
    PersonMINT: "person",
}
HEAD_ARGUMENTS = {
    "vanilla": ("widths", "dropout", "l1", "l1_on"),
    "cnn": ("filters", "kernel", "pool", "width", "dropout"),
    "invariant": ("views", "figures", "widths", "dropout", "published"),
    "person": ("photos", "views", "new", "widths", "dropout"),
}


def describe_run(cli: Any) -> None:
    """Log the resolved config, the shard set, the network and the head, before anything is learnt."""
    logger, data, spec = cli.trainer.logger, cli.datamodule, spec_of(cli.model)
    if not isinstance(logger, MintLogger):
        return
    logger.log_config(cli.parser.dump(cli.config, skip_none=False))
    logger.log_subject(
        network=data.network.name,
        fingerprint=data.network.fingerprint(),
        tap=spec.where,
        head=spec.head,
        seed=cli.model.seed,
        samples=data.samples or 0,
    )
    logger.log_shards(data.set_name, data.manifest.hash, images=len(data.keys), members=data.groups.how)
    if init_from := cli.model.hparams.get("init_from"):
        logger.log_parent(parent_of(init_from))


def auditor_folder(name: str) -> Path:
    """Where `fit` writes the auditor of a run."""
    return Path("mlruns/auditors") / name


def run_of(checkpoint: Path, root: str, uri: str | None) -> str | None:
    """Id of the run that wrote a checkpoint, so that its test figures join its curves; None if the store has it not."""
    run = read_checkpoint(checkpoint)["mint"].get("run")
    return find_run(str(run), Path(root), uri) if run is not None else None


def spec_of(model: MINT) -> RowSpec:
    """The row of a table that this head would be."""
    kind = KINDS.get(type(model))
    if kind is None:
        raise UserError(
            f"{type(model).__name__} is none of {', '.join(each.__name__ for each in KINDS)}: it writes no auditor."
        )
    arguments = {name: model.hparams[name] for name in HEAD_ARGUMENTS[kind]}
    return RowSpec(kind, list(model.taps), arguments=arguments)  # type: ignore[arg-type]


def after_fit(cli: Any) -> None:
    """Score calibrate with the best epoch's head and write the auditor; without controls it claims nothing."""
    best = cli.trainer.checkpoint_callback.best_model_path
    if not best:
        print("No epoch was finished, so there is no head and no auditor.")
        return
    if CLASS in cli.model.taps:  # nobody knows the class of a photo that is asked about
        if cli.trainer.is_global_zero:
            print(f"Best head (validate AUC {_best(cli):.3f}): {best}\nNo auditor: the head reads the photos' classes.")
        return
    scores = _scores(cli, cli.datamodule.rows("calibrate"), best)
    folder = auditor_folder(cli.config["fit"]["name"])
    if cli.trainer.is_global_zero:
        spec = spec_of(cli.model)
        card = auditor_card(cli.datamodule, spec.title, spec.head, spec.card_arguments, spec.taps, None)
        save_auditor(folder, card, cli.model.head, scores)
        if isinstance(cli.trainer.logger, MintLogger):
            cli.trainer.logger.log_file(folder, "auditor")
            cli.trainer.logger.log_file(best, "checkpoint")
        print(f"Best head (validate AUC {_best(cli):.3f}): {best}\nAuditor: {folder}")


def _best(cli: Any) -> float:
    return float(cli.trainer.checkpoint_callback.best_model_score)


def _scores(cli: Any, rows: Any, checkpoint: str) -> ScoreSet:
    data, trainer = cli.datamodule, cli.trainer
    data.predict_rows = rows
    # The user's predictions are those of `predict`; this pass is ours.
    trainer.callbacks = [callback for callback in trainer.callbacks if not isinstance(callback, ScoresWriter)]
    pieces = trainer.predict(cli.model, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    return score_set(data, *gather(pieces or []), AUDITED)


def after_test(cli: Any) -> None:
    """Figures of the test split, thresholds from calibrate: printed, written as parquet, logged."""
    model, data, trainer = cli.model, cli.datamodule, cli.trainer
    rows, values = gather(model.collected)
    if not trainer.is_global_zero:
        return
    scores = score_set(data, rows, values, AUDITED)
    scores = scores.where((scores.split == "test") | ((scores.split == "calibrate") & ~scores.unseen))
    spec = spec_of(model)
    best = trainer.checkpoint_callback.best_model_score if trainer.checkpoint_callback else None
    row = RowScores(
        name=spec.title, head=spec.head, tap=spec.where, seed=model.seed, samples=data.samples or 0, audited=scores,
        validate_auc=float(best) if isinstance(best, torch.Tensor) else None, photos=spec.set_size,
    )  # fmt: skip
    evidence = weigh([row], [], random_partition=data.groups.random_partition, subject=data.subject)
    context = Context.now(
        spec.title,
        "mint-lightning " + " ".join(sys.argv[1:]),
        network_summary(data),
        {data.set_name: data.manifest.hash},
        seed=model.seed,
    )
    path = Path("mlruns/scores") / f"{cli.config['test']['name']}.parquet"
    write_scores(path, [row])
    print_table(evidence, context)
    write_json(path.with_suffix(".json"), evidence.to_json())
    print(f"{path}: the scores behind these figures")
    if isinstance(trainer.logger, MintLogger):
        trainer.logger.log_evidence(evidence, context, scores=[row])
