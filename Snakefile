# The whole DAG: videos → codec → vision → delta → videolm → sampler → evaluate → latency → report.
# One study per run: `snakemake --config study=paper`; the default is the miniature.
import gc

from snakemake.exceptions import WorkflowError

from framethrift.config import StudyError, Workflow

# Failed jobs are tried again by the main process, not by the one that runs a job on a node as well.
if not workflow.is_main_process:
    config.pop("site", None)

# Planning makes millions of objects that all stay: looking for garbage among them takes a quarter of its time.
gc.set_threshold(200_000, 20, 100)

try:
    flow = Workflow.from_config(config)
except StudyError as error:
    raise WorkflowError(str(error))

study, at = flow.study, flow.layout


include: "workflow/rules/videos.smk"
include: "workflow/rules/codec.smk"
include: "workflow/rules/vision.smk"
include: "workflow/rules/delta.smk"
include: "workflow/rules/videolm.smk"
include: "workflow/rules/sampler.smk"
include: "workflow/rules/curate.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/judge.smk"
include: "workflow/rules/labels.smk"
include: "workflow/rules/latency.smk"
include: "workflow/rules/dialogue.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/tables.smk"


localrules:
    all,
    weights,
    judge,
    labels,
    curate,
    report,
    bundle,
    table,


rule all:
    """The whole study and its report."""
    default_target: True
    input:
        rules.report.output.index,
