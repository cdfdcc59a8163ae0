"""mint-lightning fit, validate, test, predict: LightningCLI over one auditing head."""

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import lightning as L
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, RichProgressBar
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from lightning.pytorch.utilities.exceptions import SIGTERMException
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from mint_lightning.auditor import AUDITOR_FILE
from mint_lightning.commands.configs import HELP
from mint_lightning.commands.head_run import after_fit, after_test, auditor_folder, run_of
from mint_lightning.commands.parsing import one_sentence, quiet_lightning, raise_user_error_behind, say, use_settings
from mint_lightning.commands.processes import processes_of, run_in_processes, started_together
from mint_lightning.errors import UserError
from mint_lightning.files import checked_name, held, refuse_foreign_folder, refuse_unwritable
from mint_lightning.learning.checkpoint import read_checkpoint
from mint_lightning.learning.goes_on import deciding, newest, refuse_other_fit
from mint_lightning.learning.interrupt import interruptible
from mint_lightning.learning.mint import MINT
from mint_lightning.learning.predictions import ScoresWriter
from mint_lightning.learning.saving import RESUME, AtomicCheckpoints, Saving

LOST = ("onnection closed by peer", "onnection reset by peer", "roken pipe", "NCCL communicator was aborted")

EXAMPLES = {
    "fit": "mint-lightning fit --config faces_vanilla --model.taps '[conv4]' --name conv4",
    "validate": "mint-lightning validate --config faces_vanilla --ckpt_path mlruns/checkpoints/faces_vanilla/best.ckpt",
    "test": "mint-lightning test --config faces_vanilla --ckpt_path mlruns/checkpoints/faces_vanilla/best.ckpt",
    "predict": "mint-lightning predict --config faces_vanilla "
    "--ckpt_path mlruns/checkpoints/faces_vanilla/best.ckpt --predictions.path scores.parquet",
}


HELD = ExitStack()
"""What this process keeps to itself while a command runs."""


class Several(Exception):
    """The command is to run in so many processes."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


class MINTCLI(LightningCLI):
    """LightningCLI whose config decides everything: a checkpoint brings weights, never arguments."""

    def init_parser(self, **kwargs: Any) -> LightningArgumentParser:
        """With our words on --config."""
        parser = super().init_parser(**kwargs)
        next(action for action in parser._actions if action.dest == "config").help = HELP
        return parser

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Name, checkpoint, early stopping and predictions; taps from the model to the data, shapes back."""
        parser.add_argument("--name", type=str, default="head", help="names the run, its checkpoints and its auditor")
        parser.add_lightning_class_args(ModelCheckpoint, "checkpoint")
        parser.add_lightning_class_args(EarlyStopping, "early_stopping")
        parser.add_lightning_class_args(ScoresWriter, "predictions")
        parser.add_lightning_class_args(Saving, "saving")
        parser.set_defaults(
            {
                "checkpoint.filename": "best",
                "checkpoint.monitor": "validate/auc",
                "checkpoint.mode": "max",
                "checkpoint.save_last": True,
                "checkpoint.enable_version_counter": False,
                "early_stopping.monitor": "validate/auc",
                "early_stopping.mode": "max",
                "early_stopping.patience": 8,
                "trainer.logger": {
                    "class_path": "mint_lightning.tracking.logger.MintLogger",
                    "init_args": {"experiment": "heads"},
                },
            }
        )
        parser.link_arguments("model.init_args.taps", "data.init_args.taps")
        parser.link_arguments("model.init_args.views", "data.init_args.views", compute_fn=with_original)
        parser.link_arguments("model.init_args.photos", "data.init_args.photos")
        parser.link_arguments("data.shapes", "model.init_args.shapes", apply_on="instantiate")

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse without LightningCLI's warning that arguments were given in-process: that is how our door calls it."""
        self.config = parser.parse_args(args)

    def before_instantiate_classes(self) -> None:
        """Places and names that were not given follow from `name`."""
        config = self.config[self.subcommand]
        name = checked_name(config.name, "--name")
        if (count := processes_of(config.trainer)) > 1:
            raise Several(count)
        config.checkpoint.dirpath = config.checkpoint.dirpath or f"mlruns/checkpoints/{name}"
        config.saving.path = config.saving.path or f"{config.checkpoint.dirpath}/{RESUME}"
        if self.subcommand == "fit" and config.get("ckpt_path") == "resume":
            last = Path(config.checkpoint.dirpath) / "last.ckpt"
            found = newest(Path(config.saving.path), last, auditor_folder(name) / AUDITOR_FILE)
            config.ckpt_path = None if found is None else str(found)
        config.predictions.path = config.predictions.path or f"mlruns/predictions/{name}.parquet"
        checkpoint = config.get("ckpt_path")
        config.weights_only = True
        if self.subcommand != "fit" and not checkpoint:
            raise UserError(f"--ckpt_path is needed: fit wrote mlruns/checkpoints/{name}/best.ckpt.")
        refuse_unwritable(Path(config.checkpoint.dirpath))
        refuse_unwritable(Path(config.predictions.path).parent)
        if Path(config.predictions.path).is_dir():
            raise UserError(f"predictions.path {config.predictions.path} is a folder: name a parquet file.")
        if self.subcommand == "fit":
            refuse_foreign_folder(auditor_folder(name), AUDITOR_FILE, "auditor")
        if checkpoint and checkpoint not in ("best", "last", "hpc"):
            read_checkpoint(Path(checkpoint))
        if config.trainer.logger and config.trainer.logger.get("class_path", "").endswith(".MintLogger"):
            arguments = config.trainer.logger.init_args
            arguments.run_name = arguments.run_name or name
            if checkpoint and arguments.run_id is None:
                arguments.run_id = run_of(Path(checkpoint), arguments.root, arguments.tracking_uri)
                # What validate finds stands in the run already, at its step; again at step 0 it would begin the curve.
                arguments.goes_on = self.subcommand in ("fit", "validate") and arguments.run_id is not None
        stopped = self.subcommand == "fit" and not checkpoint and Path(config.saving.path).is_file()
        if stopped and getattr(rank_zero_only, "rank", 0) == 0:
            print(f"A run of this name was stopped; --ckpt_path {config.saving.path} would have gone on with it.")

    def instantiate_trainer(self, **kwargs: Any) -> L.Trainer:
        """With rich's progress bar, unless the user wants none."""
        if self.config[self.subcommand].trainer.enable_progress_bar is not False:
            self.trainer_defaults["callbacks"] = [RichProgressBar(leave=True)]
        given = self.config_init[self.subcommand].trainer.get("plugins") or []
        plugins = [*(given if isinstance(given, list) else [given]), AtomicCheckpoints()]
        return super().instantiate_trainer(plugins=plugins, **kwargs)

    def _parse_ckpt_path(self) -> None:
        """A checkpoint's hyperparameters would silently override YAML and command line; they do not here."""

    def before_fit(self) -> None:
        """Write down what this run is, before it learns, and keep its checkpoints to it."""
        from mint_lightning.commands.head_run import describe_run

        config = self.config["fit"]
        if self.trainer.is_global_zero:
            HELD.enter_context(held(Path(config.checkpoint.dirpath) / ".running", f"The fit {config.name!r}"))
            for half in Path(config.checkpoint.dirpath).glob(".*.ckpt.*.partial"):  # of a run that was killed
                half.unlink()
        # Before the run is described: the tracking store would refuse another fit in words of its own.
        if config.get("ckpt_path") not in (None, "best", "last", "hpc"):
            checkpoint = read_checkpoint(Path(config.ckpt_path))
            self.model.refuse_other(checkpoint, self.datamodule)
            refuse_other_fit(checkpoint, deciding(self.model.hparams, self.trainer), config.ckpt_path)
        describe_run(self)

    def after_fit(self) -> None:
        """Write the auditor of the best epoch."""
        if getattr(self.trainer, "fast_dev_run", False):
            return
        after_fit(self)
        if self.trainer.is_global_zero:
            callbacks: list[Any] = getattr(self.trainer, "callbacks", [])
            for saving in (each for each in callbacks if isinstance(each, Saving)):
                saving.remove()

    def after_test(self) -> None:
        """Figures of the test split with their intervals."""
        after_test(self)


def with_original(views: list[str]) -> list[str]:
    """What the data must read, where a head reads `views` beside the photo as it is."""
    return ["original", *views]


def main(command: str, args: list[str]) -> None:
    """Run one of the four commands of LightningCLI."""
    use_settings()
    quiet_lightning()
    kwargs: dict[str, Any] = {"parser_mode": "omegaconf+", "exit_on_error": False}
    examples = {name: {**kwargs, "epilog": f"example: {text}"} for name, text in EXAMPLES.items()}
    try:
        with interruptible(), HELD:
            MINTCLI(
                MINT,
                L.LightningDataModule,
                subclass_mode_model=True,
                subclass_mode_data=True,
                save_config_callback=None,
                trainer_defaults={
                    "max_epochs": 40,
                    "use_distributed_sampler": False,
                },
                seed_everything_default=0,
                auto_configure_optimizers=False,
                load_from_checkpoint_support=False,
                parser_kwargs={**kwargs, **examples},
                args=[command, *args],
            )
    except Several as several:
        run_in_processes([command, *args], several.count, goes_on="--ckpt_path resume goes on with it")
    except SIGTERMException as error:
        if getattr(rank_zero_only, "rank", 0) == 0:
            say("Stopped by a signal; --ckpt_path resume goes on from what was kept.")
        raise SystemExit(143) from error
    except RuntimeError as error:
        if not started_together() or not any(words in str(error) for words in LOST):
            raise
        raise UserError(
            "Another process of this training ended, so all have to: --ckpt_path resume goes on from what was saved."
        ) from error
    except argparse.ArgumentError as error:
        raise UserError(f"{one_sentence(error)} (see mint-lightning {command} --help)") from error
    except MisconfigurationException as error:
        raise UserError(f"{one_sentence(error)}.") from error
    except ValueError as error:
        raise_user_error_behind(error)
        raise
