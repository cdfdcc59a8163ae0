"""--config NAME: the configs that travel with the package, found from any folder."""

from pathlib import Path

import pytest
import yaml

from mint_lightning.cli import main
from mint_lightning.commands import configs
from mint_lightning.commands.configs import shipped_configs, with_config_paths
from mint_lightning.errors import UserError
from tests.integration.conftest import CONF

pytestmark = pytest.mark.integration

NAMES = sorted(path.stem for path in CONF.glob("*.yaml"))


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def last_error(capsys: pytest.CaptureFixture[str]) -> str:
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("Error: ")
    return error


def test_the_files_of_conf_are_the_shipped_ones() -> None:
    assert list(shipped_configs()) == NAMES
    assert all(path.samefile(CONF / f"{name}.yaml") for name, path in shipped_configs().items())


def test_an_installed_package_holds_them_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configs, "__file__", str(tmp_path / "site-packages/mint_lightning/commands/configs.py"))
    assert shipped_configs() == {}
    for folder in ("conf", "mint_lightning/conf"):  # the first is another package's
        (tmp_path / "site-packages" / folder).mkdir(parents=True)
        (tmp_path / "site-packages" / folder / "here.yaml").touch()
    assert shipped_configs() == {"here": tmp_path / "site-packages/mint_lightning/conf/here.yaml"}


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_config_is_found_by_its_bare_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = (CONF / f"{name}.yaml").read_text()
    assert main([text.split()[2], "--config", name]) == 2
    assert yaml.safe_load(text)["data"]["init_args"]["shards"] in last_error(capsys)  # all that an empty folder lacks


@pytest.mark.parametrize("name", ["table_faces", "table_faces.yaml", "conf/table_faces", "conf/table_faces.yaml"])
def test_with_or_without_folder_and_ending(name: str) -> None:
    shipped = str(shipped_configs()["table_faces"])
    assert with_config_paths(["--config", name, "--twins", "1"]) == ["--config", shipped, "--twins", "1"]
    assert with_config_paths([f"--config={name}"]) == [f"--config={shipped}"]
    assert with_config_paths(["-c", name]) == ["-c", shipped]


def test_several_configs_are_all_found() -> None:
    paths = shipped_configs()
    given = ["--config", "table_faces", "--config=l1_readings"]
    assert with_config_paths(given) == ["--config", str(paths["table_faces"]), f"--config={paths['l1_readings']}"]


@pytest.mark.parametrize("local", ["table_faces", "table_faces.yaml", "conf/table_faces.yaml"])
@pytest.mark.parametrize("command", ["table", "fit"])
def test_a_local_file_of_the_same_name_wins(local: str, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(local).parent.mkdir(exist_ok=True)
    Path(local).write_text("a_key_of_mine: 1\n")
    for name in {local, "table_faces"}:
        assert main([command, "--config", name]) == 2
        assert "a_key_of_mine" in last_error(capsys)


def test_a_folder_of_the_same_name_is_no_config() -> None:
    Path("table_faces").mkdir()
    assert with_config_paths(["--config", "table_faces"]) == ["--config", str(shipped_configs()["table_faces"])]


@pytest.mark.parametrize("command", ["table", "fit", "pack"])
@pytest.mark.parametrize("given", [["--config", "table_face"], ["--config=conf/table_face.yaml"], ["-c", "x" * 5000]])
def test_an_unknown_name_lists_the_known_ones(
    command: str, given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, *given]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert all(name in error for name in NAMES)


@pytest.mark.parametrize("args", [["--config"], ["--twins", "1", "--config"], ["--config", "--twins", "1"]])
def test_a_config_without_a_value_is_left_to_the_parser(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert with_config_paths(args) == args
    assert main(["table", *args]) == 2
    assert "--config" in last_error(capsys)


@pytest.mark.parametrize("value", ["-", "", '{"name": "x"}', "name: x"])
def test_what_the_parser_reads_by_itself_is_left_to_it(value: str) -> None:
    assert with_config_paths(["--config", value]) == ["--config", value]


def test_values_of_other_options_are_not_configs() -> None:
    args = ["--name", "table_faces", "table_faces", "--configs=table_faces"]
    assert with_config_paths(args) == args


@pytest.mark.parametrize("command", ["table", "fit"])
def test_help_says_that_a_name_will_do(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert "NAME of a shipped one" in " ".join(capsys.readouterr().out.split())


def test_the_front_page_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert ", ".join(NAMES) in capsys.readouterr().out


def test_the_error_is_one_that_the_door_expects() -> None:
    with pytest.raises(UserError, match="There is no config nowhere"):
        with_config_paths(["--config", "nowhere"])
