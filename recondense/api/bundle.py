"""A bundle that somebody released: is it what it claims to be, and what are the risks of patients of one's own?

Nothing of a bundle is run: its programs are those that this version ships, and every bundle has them as they stand.
"""

import io
import json
import warnings
from argparse import Namespace
from contextlib import redirect_stdout
from functools import cached_property
from pathlib import Path

import pandas as pd

from recondense.bundle.make import FORMAT
from recondense.bundle.scripts import program
from recondense.errors import InputError, Refusal
from recondense.files.strict_json import read_json
from recondense.models.recipe import Recipes
from recondense.preprocessing.preprocessing import Preprocessing
from recondense.publishing.examine import Examination, examine
from recondense.records.condensed import CondensedSet
from recondense.results.public import Public, Stated


class Bundle:
    """The bundle in ``folder``. Raises `InputError` where there is none."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not (self.folder / "manifest.json").is_file():
            raise InputError(f"{folder} holds no manifest.json: name the folder of a bundle")
        self._verified: Examination | None = None

    def verify(self, key: str | None = None, ledger: str | None = None) -> Examination:
        """Every check of what the bundle claims, as ``checks``, and what they come to, as ``said``.

        ``key``: the fingerprint of the steward's key, as the steward told you; without it nobody's signature is
        checked. ``ledger``: file or address of the published ledger. Raises `Refusal`, an `InputError`, naming each
        check that does not hold.
        """
        found = examine(self.folder, ledger, key)
        if not found.holds:
            wrong = [f"{one.claim}: {one.detail}" for one in found.checks if one.holds is False]
            raise Refusal(f"{self.folder} is not what it claims to be: do not use this bundle", wrong)
        self._verified = found
        return found

    @cached_property
    def condensed(self) -> CondensedSet:
        """The records as tensors, on the bundle's scale."""
        return CondensedSet.load(self.folder / "condensed.safetensors")

    @cached_property
    def preprocessing(self) -> Preprocessing:
        """How new records come onto that scale."""
        return Preprocessing.load(self.folder / "preprocessing.json")

    @property
    def records(self) -> pd.DataFrame:
        """The records in clinical units: one row a record, step and feature, see `Preprocessing.clinical`."""
        return self.preprocessing.clinical(self.condensed)

    @property
    def metrics(self) -> Public | Stated:
        """All figures that the bundle states; of a bundle of an earlier format those that this version reads."""
        model = Public if read_json(self.folder / "manifest.json").get("format") == FORMAT else Stated
        return model.load(self.folder / "metrics.json")

    def risks(self, events: pd.DataFrame | None, subjects: pd.DataFrame) -> pd.DataFrame:
        """The risk of each subject: columns ``subject`` and ``risk``, or ``risk_`` and the name of each class.

        ``events``: columns ``subject, hours, variable, value`` in the units of dictionary.csv; None where there are no
        series. ``subjects``: a row a subject, ``subject`` and the static variables. Models are trained on the first
        call, as quickstart.py trains them, and records read as apply.py reads them; what it says of cells and variables
        that it cannot use comes as a warning. The bundle is verified first. Raises `InputError`.
        """
        if self._verified is None:
            self.verify()
        apply, how = program("apply"), self.preprocessing.model_dump(mode="json")
        files = {"subjects": _Text("subjects", subjects), "events": None if events is None else _Text("events", events)}
        said = io.StringIO()
        try:
            with redirect_stdout(said):
                values, _, read = apply.on_scale(Namespace(wide=None, **files), how)
        except SystemExit as error:
            raise InputError(str(error)) from None
        finally:
            if told := said.getvalue().strip():
                warnings.warn(told, stacklevel=2)
        found = apply.risks(values, self._model).reshape(len(values), -1)
        names = [f"risk_{name}" for name in self.preprocessing.classes] or ["risk"]
        risks = pd.DataFrame(found, columns=names)
        risks.insert(0, "subject", read["subject"].to_numpy())
        return risks

    @cached_property
    def _model(self) -> "_Bytes":
        """What quickstart.py would write as model.safetensors."""
        import torch
        from safetensors.torch import save

        from recondense.bundle.scripts import quickstart

        recipes = Recipes.load(self.folder / "recipe.json")
        recipe = recipes.families.get(quickstart.FAMILY, recipes.other).model_dump(mode="json")
        values, labels = (torch.from_numpy(array) for array in (self.condensed.values, self.condensed.labels))
        with torch.random.fork_rng(devices=[]):
            trained = [quickstart.trained(values, labels, recipe, seed) for seed in range(recipes.ensemble)]
        tensors = {f"{seed}.{name}": t for seed, model in enumerate(trained) for name, t in model.state_dict().items()}
        return _Bytes(save(tensors, {"calibration": json.dumps(recipe["calibration"])}))


class _Bytes:
    """A file that is held in memory."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read_bytes(self) -> bytes:
        return self._content


class _Text(io.StringIO):
    """A table as the CSV file ``name``, held in memory: records of patients are written nowhere."""

    def __init__(self, name: str, table: pd.DataFrame) -> None:
        super().__init__(table.to_csv(index=False))
        self.name = name

    def __str__(self) -> str:
        return str(self.name)
