# Tables, figures, claims and pages, from the files in results/ alone.


rule report:
    """Tables, figures, claims and pages of the whole study, with the questions behind every number."""
    input:
        cells=flow.cells(),
        judged=flow.judged(),
        labels=flow.labels(),
        latencies=flow.latencies(),
        dialogues=flow.dialogues(),
        retrievals=flow.retrievals(),
        curated=flow.curations(),
    output:
        index=report(
            f"{at.report}/index.html",
            caption="../report/index.rst",
            category="Report",
            labels={"page": "Overview"},
        ),
        claims=report(
            f"{at.report}/tables/claims.html",
            caption="../report/claims.rst",
            category="Claims",
            labels={"table": "Claims ledger"},
        ),
        tokens=report(
            f"{at.report}/figures/pareto_tokens.svg",
            caption="../report/pareto.rst",
            category="Accuracy against cost",
            labels={"cost": "visual tokens"},
        ),
        ttft=report(
            f"{at.report}/figures/pareto_ttft.svg",
            caption="../report/pareto.rst",
            category="Accuracy against cost",
            labels={"cost": "time to first token"},
        ),
        seconds=report(
            f"{at.report}/figures/pareto_seconds.svg",
            caption="../report/pareto.rst",
            category="Accuracy against cost",
            labels={"cost": "GPU-seconds"},
        ),
        length=report(
            f"{at.report}/figures/video_length.svg",
            caption="../report/video_length.rst",
            category="Codec and tokens",
            labels={"figure": "Video length against token budget"},
        ),
        filmstrip=report(
            f"{at.report}/figures/filmstrip.png",
            caption="../report/filmstrip.rst",
            category="Codec and tokens",
            labels={"figure": "What the codec stores"},
        ),
        speed=report(
            f"{at.report}/figures/codec_speed.svg",
            caption="../report/codec_speed.rst",
            category="Codec and tokens",
            labels={"figure": "How fast primitives are read"},
        ),
        timeline=report(
            f"{at.report}/figures/selector_timeline.svg",
            caption="../report/timeline.rst",
            category="Frame selection",
            labels={"figure": "Which frames were picked"},
        ),
        losses=report(
            f"{at.report}/figures/training_curves.svg",
            caption="../report/curves.rst",
            category="Training",
            labels={"curves": "losses"},
        ),
        rewards=report(
            f"{at.report}/figures/reward_curves.svg",
            caption="../report/curves.rst",
            category="Training",
            labels={"curves": "rewards"},
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
        rules.report.output.index,
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
