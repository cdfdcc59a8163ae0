"""The rules between the rooms, held on the import graph, and the sizes of files."""

from pathlib import Path

import grimp
import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
FOUNDATIONS = {"errors", "files", "printable", "progress"}
# A room may import the rooms named beside it (and the foundations); what is not named is forbidden.
MAY_IMPORT = {
    "shards": set(),
    "audited": set(),
    "heads": set(),
    "evidence": set(),
    "auditor": {"shards", "audited", "heads", "evidence"},
    "learning": {"shards", "audited", "heads", "evidence", "auditor"},
    "report": {"shards", "audited", "heads", "evidence", "auditor", "learning"},
    "tracking": {"shards", "audited", "heads", "evidence", "auditor", "learning", "report"},
    "bundle": {"evidence", "auditor", "learning", "report"},
    "commands": {"shards", "audited", "heads", "evidence", "auditor", "learning", "report", "tracking", "bundle"},
    "cli": {"commands"},
    "__main__": {"cli"},
    **dict.fromkeys(FOUNDATIONS, FOUNDATIONS),
}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("mint_lightning", "datamodules", cache_dir=None)


def room(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else None


def test_a_room_imports_only_what_stands_below_it(graph: grimp.ImportGraph) -> None:
    broken = []
    for importer in sorted(m for m in graph.modules if m.startswith("mint_lightning.")):
        for imported in graph.find_modules_directly_imported_by(importer):
            source, target = room(importer), room(imported)
            if source == target or target is None or target in FOUNDATIONS:
                continue
            if imported.startswith("datamodules") or target not in MAY_IMPORT[source or ""]:
                broken.append(f"{importer} -> {imported}")
    assert not broken, broken


def test_every_room_has_its_rule(graph: grimp.ImportGraph) -> None:
    rooms = {room(m) for m in graph.modules if m.startswith("mint_lightning.")}
    assert rooms == set(MAY_IMPORT)


def test_the_package_never_imports_the_datamodules(graph: grimp.ImportGraph) -> None:
    importers = {
        m for d in graph.modules if d.startswith("datamodules") for m in graph.find_modules_that_directly_import(d)
    }
    assert not {m for m in importers if m.startswith("mint_lightning")}


def test_no_circles(graph: grimp.ImportGraph) -> None:
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            if imported.startswith(f"{module}.") or module.startswith(f"{imported}."):
                continue  # a package and its own parts
            assert not graph.chain_exists(imported, module), f"{module} and {imported} import each other"


def too_long(files: list[Path]) -> dict[str, int]:
    """Lines of those of the files that have more than 250."""
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files}
    return {name: lines for name, lines in lengths.items() if lines > 250}


def test_files_are_short() -> None:
    files = [*ROOT.glob("mint_lightning/**/*.py"), *ROOT.glob("datamodules/*.py")]
    assert len(files) > 50
    assert too_long(files) == {}


def test_files_of_tests_are_short() -> None:
    files = sorted(ROOT.glob("tests/**/*.py"))
    assert len(files) > 50
    assert too_long(files) == {}


def test_every_config_opens_with_the_command_that_runs_it() -> None:
    configs = sorted(ROOT.glob("conf/*.yaml"))
    assert configs
    for path in configs:
        first = path.read_text().splitlines()[0]
        assert first.startswith("# mint-lightning ")
        assert f"--config conf/{path.name}" in first
