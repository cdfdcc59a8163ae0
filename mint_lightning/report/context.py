"""Where a table of evidence comes from: what was run, on which network and shards, with which versions."""

import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version
from typing import Any, Self

from mint_lightning.errors import UserError
from mint_lightning.files import sha256_json
from mint_lightning.report.published import published_figures

PACKAGES = ("mint-lightning", "torch", "lightning", "torchmetrics", "timm", "webdataset", "mlflow", "numpy", "scipy")


@dataclass(frozen=True)
class Context:
    """What stands around the figures on every report.

    network is a summary of the audited network's card (name, architecture, fingerprint, members, ...: text, numbers
    or dicts of them); manifests maps the name of each shard set to its hash; seconds gives the wall time of each part
    of the run; declared lists, as sentences, what somebody told us and nobody measured; git_commit is None outside a
    repository; published names the paper's figures to set beside ours ("mint-demo-r100", "faces-model-1" to "-3"), for
    a table in that very setting.
    """

    title: str
    command: str
    network: Mapping[str, Any]
    manifests: Mapping[str, str]
    seed: int
    versions: Mapping[str, str] = field(default_factory=dict)
    date: str = ""
    git_commit: str | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    declared: tuple[str, ...] = ()
    published: str | None = None

    def __post_init__(self) -> None:
        published_figures(self.published)  # refused here, where it is asked for, and not after the work

    @classmethod
    def now(
        cls,
        title: str,
        command: str,
        network: Mapping[str, Any],
        manifests: Mapping[str, str],
        *,
        seed: int = 0,
        seconds: Mapping[str, float] | None = None,
        declared: tuple[str, ...] = (),
        published: str | None = None,
        repository: Path = Path("."),
    ) -> Self:
        """The context of a run that ends now, with the versions installed here and the commit of `repository`."""
        return cls(
            title=title,
            command=command,
            network=dict(network),
            manifests=dict(manifests),
            seed=seed,
            versions=installed_versions(),
            date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            git_commit=git_commit(repository),
            seconds=dict(seconds or {}),
            declared=declared,
            published=published,
        )

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """The context that `to_json` gave, of an earlier version too; anything else raises `UserError`."""
        known = {each.name for each in fields(cls)}
        try:
            found = {key: item for key, item in dict(value).items() if key in known}
            return cls(**{**found, "declared": tuple(found.get("declared") or ())})
        except (TypeError, ValueError) as error:
            raise UserError(f"This is not the context of a table: {error}.") from error

    @property
    def network_name(self) -> str:
        """Name of the audited network, or "network" where the summary gives none."""
        return str(self.network.get("name") or "network")

    @property
    def fingerprint(self) -> str | None:
        """Fingerprint of the audited network, if the summary gives one."""
        value = self.network.get("fingerprint")
        return None if value is None else str(value)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON value of this context."""
        return asdict(self) | {"declared": list(self.declared)}

    def hash(self) -> str:
        """SHA-256 of the context in canonical form."""
        return sha256_json(self.to_json())


def installed_versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide the figures, without importing them."""
    found = {"python": python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def git_commit(folder: Path = Path(".")) -> str | None:
    """Commit checked out in `folder`, marked "+changes" where tracked files differ from it; None if there is none."""
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return None
    return f"{commit}+changes" if _git(folder, "status", "--porcelain", "--untracked-files=no") else commit


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):  # git is not installed, or the folder is on a dead mount
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
