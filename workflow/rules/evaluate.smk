# Every (variant, sampling) on its benchmarks, through lmms-eval's own loop; answers are kept question by question.


rule evaluate:
    input:
        models=lambda wildcards: flow.answering(
            wildcards.variant, wildcards.sampling, wildcards.seed
        ),
        questions=lambda wildcards: flow.asked(wildcards.variant, wildcards.sampling),
    output:
        f"{at.root}/cells/{{variant}}/{{sampling}}/seed{{seed}}/cells.json",
    log:
        f"{at.root}/logs/evaluate/{{variant}}-{{sampling}}-seed{{seed}}.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=720,
    params:
        digest=lambda wildcards: flow.digest(
            "evaluate", wildcards.variant, wildcards.sampling
        ),
    message:
        "Evaluating {wildcards.variant} under {wildcards.sampling}, seed {wildcards.seed}"
    shell:
        f"framethrift --log {{log:q}} evaluate {flow.arguments} --variant {{wildcards.variant}} --sampling {{wildcards.sampling}} --seed {{wildcards.seed}} --threads {{threads}}"
