"""mint-lightning table"""

from pathlib import Path
from typing import Any

from mint_lightning.commands.nested import joined, merged
from mint_lightning.commands.parsing import parse_function, quiet_lightning, say, typed
from mint_lightning.commands.processes import run_in_processes, started_together
from mint_lightning.errors import UserError
from mint_lightning.files import checked_name, refuse_foreign_folder, refuse_unwritable

EXAMPLES = """  mint-lightning table --config table_faces
  mint-lightning table --config table_faces --twins 5 --name five_twins
  mint-lightning table --config table_faces --folds 5 --data.workers 2
  mint-lightning table --config table_faces --dry-run
  mint-lightning table --config table_faces --attributes cameras.csv
  mint-lightning table --config table_faces --grid '[{head: vanilla, taps: [conv4], samples: [0.1, null]}]'
  mint-lightning table --config paper_demo_r100 --store /fast/activations"""


def table(
    data: dict[str, Any],
    rows: list[dict[str, Any]] | None = None,
    grid: list[dict[str, Any]] | None = None,
    name: str = "table",
    out: str | None = None,
    recipe: dict[str, Any] | None = None,
    twins: int = 3,
    pixels: bool = True,
    references: dict[str, dict[str, Any]] | None = None,
    complement: dict[str, Any] | None = None,
    shadows: dict[str, dict[str, Any]] | None = None,
    folds: int = 0,
    partition_declared: bool = False,
    permuted: bool = False,
    left_out: bool = False,
    attributes: str | None = None,
    seed: int = 0,
    seeds: int = 3,
    store: str = "auto",
    max_memory_gib: float = 8.0,
    accelerator: str = "auto",
    experiment: str = "tables",
    published: str | None = None,
    register: bool = True,
    with_network: bool = False,
    reuse: bool = True,
    processes: int = 1,
    dry_run: bool = False,
) -> Path:
    """Every head at every tap beside its controls, from one pass of the networks over the images.

    What was computed is kept in the store, so a table that was stopped goes on where it was, and one that gains taps,
    heads, sizes, seeds or controls computes only these; remove the store's folder to free the disk.

    Args:
        data: the DataModule: {class_path: datamodules.Faces, init_args: {shards: ..., network: ...}}.
        rows: list of {head: vanilla|cnn|by_class, taps: [...], samples: N, arguments: {...}, recipe: {...}, seeds: N},
            and of scores that need no fitting, {head: norm|agreement|batchnorm}, of classifiers also {head: loss|
            confidence|entropy|modified_entropy|margin|calibrated_loss|lira|rmia}; without rows and grid, the published
            heads at every tap and the two scores norm and agreement.
        grid: more rows, one for each of taps at each of samples: list of {head: vanilla|cnn, taps: [conv1, all_conv,
            [conv1, conv4]], samples: [50K, 0.5, null], arguments, recipe, seeds}. Numbers must be multiples of twice
            the lanes of the shard set; shares are rounded down to one. --grid+ adds to the grid of a config.
        name: names the table and its run.
        out: folder of the results; mlruns/tables/NAME by default.
        recipe: how the heads learn: {epochs: 40, patience: 8, rate: 0.001, weight_decay: 0}.
        twins: untrained twins of the audited network, as controls.
        pixels: whether heads on the pixels themselves are a control.
        references: networks trained on neither members nor externals: {NAME: {card: FILE}, ...}.
        complement: a network trained on the externals and not on the members; beside the controls, never among them.
        shadows: networks trained like the audited one on photos that their cards list: {NAME: {card: FILE}, ...}. Of
            each photo those that did not see it say how hard it is, in the rows calibrated_loss, lira and rmia.
            Networks named in references serve there, too.
        folds: 0 uses the four splits; 5 gives every image one out-of-fold score, for small databases.
        partition_declared: you declare that members and externals are random identity partitions of one set; needed
            for networks trained by others, and printed as declared.
        permuted: teach each fitted row's head labels dealt anew among people, too: it must stay at an AUC of .5.
        left_out: of externals from several sets, leave each out of learning and calibrating in turn, and say how often
            it passes.
        attributes: CSV file of what else is known of the photos: a column "photo" (its name in its source) or "key",
            and one for each attribute, such as a class; figures are then also given by attribute.
        seed: of the heads and of the untrained twins; the order of images has its own (data.init_args.seed).
        seeds: heads of each row, from `seed` on; their mean logit is the row's score, on controls as well.
        store: where activations and heads are kept on disk: a folder, for all of them; "auto" chooses for each tap
            whether to store it (in mlruns/activations), to keep it in memory or to compute it anew in every epoch, and
            says so; "none" keeps them in memory alone.
        max_memory_gib: memory for activations; what is stored beyond it is read from disk as it is needed.
        accelerator: auto, cpu or gpu.
        experiment: of the MLflow store.
        published: set the papers' figures beside: mint-demo-r100, faces-model-1, faces-model-2 or faces-model-3.
        register: whether the head best on validate becomes a model of MLflow's registry, with a copy of the audited
            network, to be loaded by mlflow.pyfunc.
        with_network: copy the audited network beside the auditors, so that the folder of the table audits by itself.
        reuse: show the finished table that stands in `out` where everything asked for is the same.
        processes: of this machine, which share the pass over the images and the heads; by torchrun or SLURM they may be
            on several machines that share the store's folder. No figure depends on their number.
        dry_run: print cells, images, time, memory and disk that the table would take, and stop.
    """
    from mint_lightning.commands.publish import Request, finished, publish, show
    from mint_lightning.report.published import published_figures

    checked_name(name, "name")
    checked_name(experiment, "experiment")
    folder = Path(out or f"mlruns/tables/{name}")
    asked = {key: value for key, value in locals().items() if key in table.__annotations__ and key in _DECIDES}
    request = Request(name=name, folder=folder, asked=asked, experiment=experiment, register=register,
                      with_network=with_network)  # fmt: skip
    refuse_foreign_folder(folder, "table.json", "table")
    refuse_unwritable(folder)
    published_figures(published)  # a paper nobody knows is refused before the work
    request.hash  # noqa: B018 -- taken before the work
    if reuse and not dry_run and finished(request):
        show(request)
        return folder
    if not dry_run and (folder / "table.json").is_file():
        say(f"{folder} holds a table that was asked for otherwise or of other files; this one replaces it (--name or "
            "--out keeps both).")  # fmt: skip
    import lightning as L

    quiet_lightning()

    from mint_lightning.audited import NetworkSource
    from mint_lightning.learning import estimate
    from mint_lightning.learning.audit import estimate_table, run_table
    from mint_lightning.learning.grid import RowGrid
    from mint_lightning.learning.ranks import Ranks
    from mint_lightning.learning.recipe import Recipe
    from mint_lightning.learning.rows import RowSpec
    from mint_lightning.learning.settings import TableSettings
    from mint_lightning.learning.together import work_together

    specs = typed(list[RowSpec], rows, "rows") if rows else []
    grids = typed(list[RowGrid], grid, "grid") if grid else []
    specs = [*(spec for each in grids for spec in each.rows()), *specs]
    settings = TableSettings(
        recipe=typed(Recipe, recipe or {}, "recipe"),
        twins=twins,
        pixels=pixels,
        references=typed(dict[str, NetworkSource], references or {}, "references"),
        complement=typed(NetworkSource, complement, "complement") if complement else None,
        shadows=typed(dict[str, NetworkSource], shadows or {}, "shadows"),
        folds=folds,
        partition_declared=partition_declared,
        permuted=permuted,
        left_out=left_out,
        attributes=attributes,
        seed=seed,
        seeds=seeds,
        store=store,
        max_memory_gib=max_memory_gib,
        accelerator=accelerator,
    )
    module = typed(L.LightningDataModule, with_class(data), "data")
    if getattr(module, "read", None) is not None:
        raise UserError("A table runs networks on photos: give it datamodules.Faces, and --store for what is stored.")
    if dry_run:
        found = estimate_table(module, specs, settings)
        print("\n".join([f"{name}, not run:", *estimate.words(found, settings.keeping.folder)]))
        return folder
    ranks = Ranks.join()
    if ranks.size > 1:
        work_together(module, specs, settings, ranks, tell=say if ranks.first else _quiet)
        ranks.leave()
    if ranks.first:
        publish(run_table(module, specs, settings, tell=say), module, request)
    return folder


def _quiet(line: str) -> None:
    """Say nothing: the first process speaks."""


_DECIDES = (
    "data", "rows", "grid", "recipe", "twins", "pixels", "references", "complement", "shadows", "folds",
    "partition_declared",
    "permuted", "left_out", "attributes", "seed", "seeds", "published",
)  # fmt: skip


def with_class(data: dict[str, Any]) -> dict[str, Any]:
    """`data` with loose arguments (`--data.workers 2`) put among the class's own."""
    if "class_path" not in data:
        raise UserError("data needs a class_path, for example datamodules.Faces.")
    loose = {key: value for key, value in data.items() if key not in ("class_path", "init_args")}
    return {"class_path": data["class_path"], "init_args": merged(data.get("init_args") or {}, loose)}


def main(command: str, args: list[str]) -> None:
    """Run the command, in several processes where they are asked for."""
    asked = parse_function(table, command, joined(args, {"data", "references", "shadows"}), EXAMPLES)
    if asked["processes"] < 1:
        raise UserError(f"processes is {asked['processes']}: take 1 or more.")
    if asked["processes"] > 1 and not asked["dry_run"] and not started_together():
        run_in_processes([command, *args], asked["processes"])
        return
    table(**asked)
