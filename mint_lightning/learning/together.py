"""A table's work by several processes: each does its share, and all of it lies in the store they have in common."""

from collections.abc import Callable, Sequence
from typing import Any

from mint_lightning.errors import UserError
from mint_lightning.learning.activations import Activations
from mint_lightning.learning.audit import wanted_rows
from mint_lightning.learning.feed import Feed
from mint_lightning.learning.folds import make_folds
from mint_lightning.learning.networks import device_of
from mint_lightning.learning.ranks import Ranks
from mint_lightning.learning.rings import rings_of
from mint_lightning.learning.rows import RowSpec
from mint_lightning.learning.settings import TableSettings
from mint_lightning.learning.table import MINTTable, grouped, learn_side_by_side


def work_together(
    data: Any,
    rows: Sequence[RowSpec] | None,
    settings: TableSettings,
    ranks: Ranks,
    *,
    tell: Callable[[str], None] = lambda line: None,
) -> None:
    """Read this process's part of the images and learn its part of the heads, as `run_table` would alone.

    The first process then makes the table with `run_table`, which finds all of it. An image is read in the batch in
    which one process would read it, and a head is learnt whole by one process on its global batches, so no figure
    depends on how many there are.

    Raises:
        UserError: there is no store, or as `run_table`.
    """
    if settings.keeping.folder is None:
        raise UserError("Several processes make a table through its store: give --store auto or a folder.")
    plan = settings.plan(data, rows)
    folded = make_folds(data, settings.folds, settings.seed)
    plan.check(data, folded)
    with ranks.one_first():  # twins are adapted once
        networks = settings.networks(data, plan)
    device = device_of(settings.accelerator)
    tell(f"{ranks.size} processes share the pass over the images and the heads.")
    activations = Activations.read(
        data, plan.specs, wanted_rows(folded), networks, settings.keeping, device=device, tell=tell, ranks=ranks
    )
    cells = plan.cells(data, activations, folded)
    every = [cell for own in cells.values() for cell in own]
    groups = grouped(every, lambda cell: (cell.name, id(cell.order)))  # learnt as one computation
    rings = rings_of(data, plan.specs, activations.bank.rows, activations.recomputed)
    feed = Feed(activations.bank, data, activations.networks, activations.recomputed, rings)
    table = MINTTable([cell for own in ranks.share(groups) for cell in own], feed, data.member, settings.shelf)
    learn_side_by_side(table, accelerator=settings.accelerator)
    table.to(device)
    for own in grouped(table.cells, lambda cell: id(cell.scored)):
        table.final_scores(own, own[0].scored)
    ranks.wait()
