"""The bundle's README.md."""

from recondense.bundle.contents import Contents
from recondense.bundle.phrases import beside_real, guarantee, in_words, interval, nobody, notices
from recondense.escape import markdown
from recondense.models.predictions import TRAINING_SETS


def readme(contents: Contents) -> str:
    """What this bundle is, what it is worth, how to use it and how to check it, in Markdown."""
    preprocessing, metrics = contents.preprocessing, contents.metrics
    records, steps, features = contents.condensed.values.shape
    attacks = "\n".join(
        f"| {markdown(name.replace('_', ' '))} | {attack.verdict} | {in_words(attack)} |"
        for name, attack in metrics.privacy.attacks.items()
    )
    source = {key: markdown(value) for key, value in contents.source}
    classes = [markdown(name) for name in preprocessing.classes]
    claim = nobody(metrics)
    said = f" {claim}" if claim else ""
    said += f"\n\nWhat is predicted: {markdown(contents.predicted)}.\n" if contents.predicted else ""
    said += "".join(f"\n\n**{markdown(notice)}**\n" for notice in notices(metrics))
    within = ", each value within the plausible range of its variable; of levels and binary variables it is a share"
    within = within if preprocessing.bounded else ""
    labels = f"`labels` ({records},), risks in [0, 1]"
    if classes:
        labels = f"`labels` ({records}, {len(classes)}), the risk of each class: {', '.join(classes)}"
    return f"""# {markdown(contents.title)}

{records} synthetic records, each {steps} steps of {preprocessing.step_hours:g} hours and {features} features, learned
so that a model can be trained on them alone.{said}
`report.html` says all of this to be read and printed: what it may be used for, what it is worth and for whom, what it
gives away.

{_scores(contents)}
| attack | verdict | found (by guessing: AUC 0.5, risk 0) |
|---|---|---|
{attacks}

{guarantee(contents)}
{queries(contents)}
## From this bundle to risks of your patients
```
pip install numpy pandas torch safetensors
python BUNDLE/quickstart.py                                          # trains, and writes model.safetensors
python BUNDLE/apply.py --events events.csv --subjects subjects.csv   # writes risks.csv
```
`events.csv` has the columns `subject,hours,variable,value`, in the units of `dictionary.csv`; `subjects.csv` a row for
each, with the static variables. `--wide records.csv` in their place takes a column a variable. Levels are given by
their names, as `levels`, `level_1` and `level_0` of `dictionary.csv` have them. Capitals, spaces around a cell and
zeros in front of a number make no difference. What cannot be used is counted, named and filled in. Where outcomes are
known, `apply.py --tensors mine.safetensors` and `quickstart.py --records mine.safetensors` say how well it ranks them.

## Files
- `report.html`: for clinicians and ethics boards; `DATASHEET.md`: the same as a data sheet and model card
- `condensed.safetensors`: `values` ({records}, {steps}, {features}), normalised; {labels}
- `condensed.parquet`: the same in clinical units, long form{within}; `croissant.json` describes it for machines
- `dictionary.csv`: every feature, its unit, plausible range and levels, and which level of a binary variable is 1
- `recipe.json`: how to train each family of networks on them, and what a trained network's logit means;
  `noise` is the standard deviation of normal noise to be added to the records, anew in each step
- `preprocessing.json`: how to put new records on the same scale
- `quickstart.py`, `apply.py`: train a model, give risks; they need nothing but the four packages above and `cells.py`,
  which says how `apply.py` reads a cell
- `metrics.json`: all figures; `manifest.json`: SHA-256 of every file, params, code revision, pipeline state
- `LICENSE`, `CITATION.cff`: on what terms, and whom to cite
- `manifest.json.sig`, `steward.pem`: in a release, the signature of `manifest.json`, and the key to check it with

## Check it
Anybody can make a bundle that agrees with itself. So ask the steward for the fingerprint of their key, by another way
than this bundle came, and then
```
recondense verify BUNDLE --key FINGERPRINT                                # does it agree with itself, and who signed?
recondense verify BUNDLE --key FINGERPRINT --ledger URL                   # and is it current, or withdrawn?
```
Recomputed are hashes, counts of records, the gate's outcome, a guarantee's epsilon and every document. Scores, figures
of attacks and counts of patients take the real records, and documents take the version of recondense that wrote them:
where these are not at hand, the signature stands.

## With recondense installed
```
recondense evaluate BUNDLE --cohort NAME --raw DIR                        # how well it does on your own cohort, and why
recondense transform BUNDLE --cohort NAME --raw DIR --out FILE.safetensors
```
Learned from: {source["title"]} ({source["url"]}). Licence: {source["licence"]}. Cite: {source["citation"]}
"""


def queries(contents: Contents) -> str:
    """All that was asked of the patients, and what covers nothing of it, where there is a guarantee."""
    given = contents.guarantee
    if given is None:
        return ""
    asked = "\n".join(
        f"| {markdown(one.name)}: {markdown(one.what)} | {one.values:,} | {one.sensitivity:.3f} | {one.sigma:.3f} |"
        for one in given.queries
    )
    groups = ", ".join(f"{epsilon:g} for {size}" for size, epsilon in given.groups.items())
    return f"""
| asked of the patients | numbers | most that one patient changes it | deviation of the noise |
|---|---|---|---|
{asked}

Unit: {markdown(given.unit)}; for several patients at once epsilon is {groups}. Noise: {markdown(given.mechanism)}.
`recondense verify` accounts for epsilon anew. Not covered: {markdown("; ".join(given.outside))}.
"""


def _scores(contents: Contents) -> str:
    metrics, classes = contents.metrics, contents.preprocessing.classes
    name = f"macro AUC (each of {len(classes)} classes against the others)" if classes else "AUC"
    rows = "\n".join(
        f"| {words} | {interval(metrics.test_auc[key])} | {metrics.test_brier[key].mean:.3f} | "
        f"{metrics.test_calibration_error[key].mean:.3f} |"
        for key, words in TRAINING_SETS.items()
        if key in metrics.test_auc
    )
    together = metrics.ensembles.get("condensed")
    said = [
        f"Ensembles of {together.size} networks on these records: {interval(together.test_auc)}." if together else "",
        markdown(beside_real(metrics)),
        f"Scored on at least {metrics.cohort.subjects.test} patients whom neither condensation nor training had seen.",
    ]
    over = f"mean over {len(metrics.mean_over)} networks (95 % interval)"
    return f"""| trained on | test {name}, {over} | Brier | calibration error |
|---|---|---|---|
{rows}

{chr(10).join(filter(None, said))}
"""
