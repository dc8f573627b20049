"""The stage: raw files in, a cohort and the account of what was set aside out."""

from dataclasses import asdict

from recondense.cohorts.params import Params
from recondense.cohorts.read import ingest
from recondense.cohorts.refused import remembered
from recondense.files.strict_json import write_json
from recondense.records.attrition import NOTICES, most_first
from recondense.results.stages import BySplit, Ingestion, Notices, counted
from recondense.stages.stage import Context, stage
from recondense.stages.tiers import Tier


@stage(Params, Tier.RESTRICTED)
def ingestion(context: Context[Params]) -> Ingestion:
    """Write the cohort, its source, what is predicted, what was set aside, and what needs a steward's eye.

    Metrics: counts by unit, numbers of notices, subjects and prevalence by split, numbers of events and variables.
    """
    folder = context.layout.folder("ingestion")
    # Beside the stage's own folder, which every run replaces; as restricted as that
    kept = folder.with_name(".parsed") / folder.name
    with remembered(context.layout):
        cohort, attrition = ingest(context.layout.root, context.params, kept=kept, cohort=context.layout.cohort)
    cohort.save(context.out)
    attrition.rows().to_parquet(context.out / "set_aside.parquet", index=False)
    options = context.params.plugin_options()
    write_json(context.out / "target.json", context.params.plugin().target(options).model_dump())
    write_json(context.out / "source.json", asdict(context.params.plugin().source(options)))
    notices = most_first(attrition.notices)
    write_json(context.out / NOTICES, [asdict(notice) for notice in notices])
    size = cohort.subjects.groupby("split").size()
    return Ingestion(
        counts=counted(attrition),
        notices=Notices(lost=sum(one.lost for one in notices), other=sum(not one.lost for one in notices)),
        subjects=BySplit(train=int(size["train"]), validation=int(size["validation"]), test=int(size["test"])),
        prevalence=cohort.prevalence(),
        events=len(cohort.events),
        variables=sum(variable.role != "outcome" for variable in cohort.variables),
    )
