# Tables, figures, claims and pages, from the files in results/ alone.


rule report:
    input:
        cells=flow.cells(),
        judged=flow.judged(),
        labels=flow.labels(),
        latencies=flow.latencies(),
        retrievals=flow.retrievals(),
        curated=flow.curations(),
    output:
        report(
            f"{at.report}/index.html",
            caption="../report/index.rst",
            category="Report",
        ),
    log:
        f"{at.root}/logs/report.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        digest=flow.digest("report"),
    message:
        "Rendering the report"
    shell:
        f"framethrift --log {{log:q}} report {flow.arguments}"


rule bundle:
    """The study's result as one archive, a Workflow Run RO-Crate."""
    input:
        rules.report.output,
    output:
        str(at.bundle),
    log:
        f"{at.root}/logs/bundle.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        digest=flow.digest("bundle"),
    message:
        "Packing the study's result"
    shell:
        f"framethrift --log {{log:q}} bundle {flow.arguments}"
