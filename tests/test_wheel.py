"""The wheel on a machine that has never seen this repository: what is in it, and what it does there."""

import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from recondense.files.strict_json import parse_json
from recondense.project import template
from tests.support.installed import Machine, build_wheel, extracts, machine
from tests.support.paths import BUNDLE_OF_FORMAT_2, REPO

PACKED = "recondense/project/template/"
# Of an environment with the core alone; Python reads it whenever it begins
WITHOUT_EXTRAS = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""
EXTRAS = (
    *("prefect", "prefect_dask", "distributed", "dvc", "dvc_data", "mlflow", "sqlalchemy", "uvicorn", "fastapi"),
    *("requests", "matplotlib", "apprise", "soundfile", "librosa", "psycopg2"),
)
# So little is learned that nothing is worth much; a release of it shows that there is one
QUICK = (
    "condensation.method=group_means condensation.records_per_class=5 reference.networks=[tcn_beta] reference.steps=5 "
    "training.networks=[tcn_beta] training.seeds=2 training.bootstrap=100 shadows.count=0 "
    "release.allow_inconclusive=true release.allow_above_guessing=true release.min_share_of_simple_model=0 "
    "release.allow_no_gain_over_one_variable=true release.allow_test_beyond_validation=true release.min_test_auc=0"
)
SEARCH = "{networks: [tcn_beta], learning_rates: [0.001], noises: [0.5], steps: [20], seeds: 1}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Machine:
    """A machine with the core alone, and a project in its folder ``icu``."""
    made = machine(tmp_path_factory.mktemp("core") / "machine", wheel)
    [packages] = (made.folder / "venv/lib").glob("python*/site-packages")
    (packages / "sitecustomize.py").write_text(WITHOUT_EXTRAS.format(names=EXTRAS))
    said(made, "recondense init icu --example pbcseq")
    return made


def said(machine: Machine, line: str, folder: str = ".") -> str:
    done = machine.type(line, folder)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    return done.stdout


def test_the_wheel_has_one_package_typed_and_with_all_that_it_reads(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"recondense"}
    tracked = subprocess.run(["git", "ls-files", "recondense"], cwd=REPO, check=True, capture_output=True, text=True)
    assert set(tracked.stdout.split()) <= names and "recondense/py.typed" in names
    assert {name.removeprefix(PACKED) for name in names if name.startswith(PACKED)} == set(template.files())


def test_the_core_imports_no_engine_and_takes_records_through_a_stage(core: Machine) -> None:
    said(core, "python -m tasks ingestion pbcseq && python -m tasks normalisation pbcseq", "icu")
    assert (core.folder / "icu/data/3_normalised/pbcseq/normalised.safetensors").exists()
    walk = "import pkgutil, importlib, sys, recondense.bundle, recondense.recipient, recondense.condensation as c"
    names = "[m.name for p in (recondense.bundle, recondense.recipient, c) for m in pkgutil.walk_packages(p.__path__,"
    script = f"{walk}\nfor n in {names} p.__name__ + '.')]:\n  'scripts' in n or importlib.import_module(n)\n"
    (core.folder / "walk.py").write_text(f"{script}assert not {set(EXTRAS)} & set(sys.modules)\n")
    said(core, "python walk.py")


def test_commands_of_recipients_and_of_keys_need_the_core_alone(core: Machine) -> None:
    with tarfile.open(BUNDLE_OF_FORMAT_2) as archive:
        archive.extractall(core.folder / "bundles", filter="data")
    bundle = min((core.folder / "bundles").rglob("manifest.json")).parent
    checks = parse_json(core.type(f"recondense verify {bundle} --json").stdout.encode())
    assert checks, "every check is made"
    for command in ("keys list", "cohorts", "--version", "transform --help", "evaluate --help"):
        said(core, f"recondense {command}", "icu")


@pytest.mark.parametrize("command", ["run pbcseq", "release pbcseq", "serve pbcseq"])
def test_a_command_that_needs_an_extra_says_what_to_install(core: Machine, command: str) -> None:
    refused = core.type(f"recondense {command}", "icu")
    assert refused.returncode == 1
    assert 'which is not installed: pip install "recondense[pipeline]"' in refused.stderr


@pytest.mark.slow
def test_from_an_empty_folder_to_a_verified_bundle(tmp_path: Path, wheel: Path) -> None:
    here = machine(tmp_path / "machine", wheel)
    extracts(here.folder / "extracts")
    said(here, "recondense init icu && cd icu && recondense new-cohort ward --from ../extracts")
    settings = [
        *QUICK.split(),
        f"condensation.recipe_search={SEARCH}",
        f"training.baseline_search={SEARCH}",
        "training.baselines=[]",
    ]
    settings.append("privacy.options={loss_membership: {networks: [tcn_beta], repeats: 1}}")
    said(here, "recondense run ward " + " ".join(f"--set '{one}'" for one in settings), "icu")
    for name in ("vault", "release"):
        (here.folder / name).mkdir()
        said(here, f"dvc remote add {'--default' * (name == 'vault')} {name} {here.folder / name}", "icu")
    said(here, "git add --all && git commit --quiet --message 'the ward, and remotes'", "icu")
    said(here, "recondense release ward", "icu")
    [version] = [path for path in (here.folder / "icu/data/7_released/ward").glob("2*") if path.is_dir()]
    assert "\nconsistent; " in said(here, f"recondense verify {version}")
    assert said(here, "dvc status", "icu").strip() == "Data and pipelines are up to date."
