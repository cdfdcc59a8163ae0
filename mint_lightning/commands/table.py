"""mint-lightning table"""

from pathlib import Path
from typing import Any

from mint_lightning.commands.parsing import parse_function, quiet_lightning, typed
from mint_lightning.errors import UserError
from mint_lightning.files import checked_name, refuse_foreign_folder, refuse_unwritable

EXAMPLES = """  mint-lightning table --config table_faces
  mint-lightning table --config table_faces --twins 5 --name five_twins
  mint-lightning table --config table_faces --folds 5 --data.workers 2"""


def table(
    data: dict[str, Any],
    rows: list[dict[str, Any]] | None = None,
    name: str = "table",
    out: str | None = None,
    recipe: dict[str, Any] | None = None,
    twins: int = 3,
    pixels: bool = True,
    references: dict[str, dict[str, Any]] | None = None,
    complement: dict[str, Any] | None = None,
    folds: int = 0,
    partition_declared: bool = False,
    seed: int = 0,
    seeds: int = 1,
    max_memory_gib: float = 8.0,
    accelerator: str = "auto",
    experiment: str = "tables",
    reuse: bool = True,
) -> Path:
    """Every head at every tap beside its controls, from one pass of the networks over the images.

    Args:
        data: the DataModule: {class_path: datamodules.Faces, init_args: {shards: ..., network: ...}}.
        rows: list of {head: vanilla|cnn|norm|agreement, taps: [...], samples: N, arguments: {...}, recipe: {...},
            seeds: N}; the published heads at every tap and the two scores by default.
        name: names the table and its run.
        out: folder of the results; mlruns/tables/NAME by default.
        recipe: how the heads learn: {epochs: 40, patience: 8, rate: 0.001, weight_decay: 0}.
        twins: untrained twins of the audited network, as controls.
        pixels: whether heads on the pixels themselves are a control.
        references: networks trained on neither members nor externals: {NAME: {card: FILE}, ...}.
        complement: a network trained on the externals and not on the members; beside the controls, never among them.
        folds: 0 uses the four splits; 5 gives every image one out-of-fold score, for small databases.
        partition_declared: you declare that members and externals are random identity partitions of one set; needed
            for networks trained by others, and printed as declared.
        seed: of the heads and of the untrained twins; the order of images has its own (data.init_args.seed).
        seeds: heads of each row, from `seed` on; their mean logit is the row's score, on controls as well.
        max_memory_gib: refuse a table whose activations would take more memory.
        accelerator: auto, cpu or gpu.
        experiment: of the MLflow store.
        reuse: show the finished table that stands in `out` where everything asked for is the same.
    """
    from mint_lightning.commands.publish import Request, finished, publish, show

    checked_name(name, "name")
    checked_name(experiment, "experiment")
    folder = Path(out or f"mlruns/tables/{name}")
    asked = {key: value for key, value in locals().items() if key in table.__annotations__ and key in _DECIDES}
    request = Request(name=name, folder=folder, asked=asked, experiment=experiment)
    refuse_foreign_folder(folder, "table.json", "table")
    refuse_unwritable(folder)
    request.hash  # noqa: B018 -- taken before the work
    if reuse and finished(request):
        show(request)
        return folder
    import lightning as L

    quiet_lightning()

    from mint_lightning.audited import NetworkSource
    from mint_lightning.learning.audit import run_table
    from mint_lightning.learning.recipe import Recipe
    from mint_lightning.learning.rows import RowSpec

    module = typed(L.LightningDataModule, with_class(data), "data")
    run = run_table(
        module,
        typed(list[RowSpec], rows, "rows") if rows else None,
        recipe=typed(Recipe, recipe or {}, "recipe"),
        twins=twins,
        pixels=pixels,
        references=typed(dict[str, NetworkSource], references or {}, "references"),
        complement=typed(NetworkSource, complement, "complement") if complement else None,
        folds=folds,
        partition_declared=partition_declared,
        seed=seed,
        seeds=seeds,
        max_memory_gib=max_memory_gib,
        accelerator=accelerator,
    )
    publish(run, module, request)
    return folder


_DECIDES = (
    "data", "rows", "recipe", "twins", "pixels", "references", "complement", "folds", "partition_declared", "seed",
    "seeds",
)  # fmt: skip


def with_class(data: dict[str, Any]) -> dict[str, Any]:
    """`data` with loose arguments (`--data.workers 2`) put among the class's own."""
    if "class_path" not in data:
        raise UserError("data needs a class_path, for example datamodules.Faces.")
    loose = {key: value for key, value in data.items() if key not in ("class_path", "init_args")}
    return {"class_path": data["class_path"], "init_args": _merged(data.get("init_args") or {}, loose)}


def _merged(given: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = {key: _merged(given[key], over[key]) for key in given.keys() & over.keys() if _dicts(given[key], over[key])}
    return {**given, **over, **both}


def _dicts(a: Any, b: Any) -> bool:
    return isinstance(a, dict) and isinstance(b, dict)


def main(command: str, args: list[str]) -> None:
    """Run the command."""
    table(**parse_function(table, command, args, EXAMPLES))
