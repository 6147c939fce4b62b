# Long-video question sets: questions too easy or too hard for the base model are left out (MSJoE's control of difficulty).


rule curate:
    input:
        rates=rules.pass_rates.output,
        questions=lambda wildcards: flow.long_sets(wildcards.variant),
    output:
        f"{at.root}/curated/{{variant}}/seed{{seed}}.parquet",
    log:
        f"{at.root}/logs/curate/{{variant}}-seed{{seed}}.log",
    wildcard_constraints:
        variant=flow.names("videolm"),
    conda:
        "../../environment.yml"
    params:
        digest=lambda wildcards: flow.digest("curate", wildcards.variant),
    message:
        "Keeping what is neither too easy nor too hard for {wildcards.variant}, seed {wildcards.seed}"
    shell:
        f"framethrift --log {{log:q}} curate {flow.arguments} --variant {{wildcards.variant}} --seed {{wildcards.seed}}"
