# Every (variant, sampling) on its benchmarks, through lmms-eval's own task code; answers are kept question by question.
# A job takes all seeds: what reads a cell reads them all, and starting a process takes longer than a miniature's answers.
# With `--config shards=N` (a profile's business) N jobs answer a cell's questions and one more scores them.


rule answer:
    """Answer one shard of a cell's questions; started again, it goes on where it stopped."""
    input:
        models=lambda wildcards: flow.answering(
            wildcards.variant, wildcards.sampling, wildcards.seed
        ),
        questions=lambda wildcards: flow.asked(wildcards.variant, wildcards.sampling),
    output:
        # The answers themselves are no output: Snakemake would delete them before a killed shard goes on.
        f"{at.root}/cells/{{variant}}/{{sampling}}/seed{{seed}}/answers/{{shard}}-of-{flow.shards}.json",
    log:
        f"{at.root}/logs/answer/{{variant}}-{{sampling}}-seed{{seed}}-{{shard}}-of-{flow.shards}.log",
    wildcard_constraints:
        shard=r"\d+",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=720,
    params:
        digest=lambda wildcards: flow.digest(
            "answer", wildcards.variant, wildcards.sampling
        ),
    message:
        f"Answering {{wildcards.variant}} under {{wildcards.sampling}}, seed {{wildcards.seed}}, shard {{wildcards.shard}} of {flow.shards}"
    shell:
        f"framethrift --log {{log:q}} answer {flow.arguments} --variant {{wildcards.variant}} --sampling {{wildcards.sampling}} --seed {{wildcards.seed}} --shard {{wildcards.shard}} --shards {flow.shards} --threads {{threads}}"


rule evaluate:
    """One cell: a variant under a sampling on its benchmarks, with every seed of the study, scored question by question."""
    input:
        lambda wildcards: flow.evaluating(wildcards.variant, wildcards.sampling),
    output:
        expand(
            f"{at.root}/cells/{{{{variant}}}}/{{{{sampling}}}}/seed{{seed}}/cells.json",
            seed=flow.study.seeds,
        ),
    log:
        f"{at.root}/logs/evaluate/{{variant}}-{{sampling}}.log",
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
        "Evaluating {wildcards.variant} under {wildcards.sampling}"
    shell:
        f"framethrift --log {{log:q}} evaluate {flow.arguments} --variant {{wildcards.variant}} --sampling {{wildcards.sampling}} --shards {flow.shards} --threads {{threads}}"


if flow.methods:

    ruleorder: arena > evaluate

    rule arena:
        input:
            lambda wildcards: flow.competing(wildcards.variant, wildcards.budget),
        output:
            expand(
                f"{at.root}/cells/{{{{variant}}}}/{{method}}_{{{{budget}}}}/seed{{seed}}/cells.json",
                method=flow.methods,
                seed=flow.study.seeds,
            ),
        log:
            f"{at.root}/logs/arena/{{variant}}-{{budget}}.log",
        wildcard_constraints:
            variant="|".join(flow.study.arena.variants),
            budget="|".join(map(str, flow.study.arena.budgets)),
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            mem_mb=8000,
            runtime=720,
        params:
            digest=lambda wildcards: flow.digest(
                "arena", wildcards.variant, wildcards.budget
            ),
        message:
            "Evaluating {wildcards.variant} with every token reducer at {wildcards.budget} %"
        shell:
            f"framethrift --log {{log:q}} arena {flow.arguments} --variant {{wildcards.variant}} --budget {{wildcards.budget}} --threads {{threads}}"
