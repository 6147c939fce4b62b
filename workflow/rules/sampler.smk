# MSJoE: pass rates of the base model, sampler pre-training with the difficulty-aware advantage, joint evolution.


rule pass_rates:
    """How often the base model answers each training question (MSJoE's difficulty)."""
    input:
        mllm=lambda wildcards: flow.model(wildcards.variant, wildcards.seed),
        clip=rules.clip.output,
        questions=lambda wildcards: flow.rated(wildcards.variant),
    output:
        f"{at.root}/pass_rates/{{variant}}/seed{{seed}}.parquet",
    log:
        f"{at.root}/logs/pass_rates/{{variant}}-seed{{seed}}.log",
    wildcard_constraints:
        variant=flow.names("videolm"),
    conda:
        "../../environment.yml"
    threads: 1  # a job of two threads waits until two cores are free at once, and keeps one idle until then
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        digest=lambda wildcards: flow.digest("pass_rates", wildcards.variant),
    message:
        "Pass rates of {wildcards.variant} on its training questions, seed {wildcards.seed}"
    shell:
        f"framethrift --log {{log:q}} pass-rates {flow.arguments} --variant {{wildcards.variant}} --seed {{wildcards.seed}} --threads {{threads}}"


rule sampler:
    """Pre-train a key-frame sampler beside the frozen MLLM (MSJoE stage 1)."""
    input:
        clip=rules.clip.output,
        questions=lambda wildcards: flow.reinforcing(wildcards.variant),
        curated=lambda wildcards: flow.curated(wildcards.variant, wildcards.seed),
        mllm=lambda wildcards: flow.model(
            study.mllm_of(wildcards.variant), wildcards.seed
        ),
        rates=lambda wildcards: flow.pass_rates(wildcards.variant, wildcards.seed),
    output:
        f"{at.root}/models/{{variant}}/seed{{seed}}/framethrift.json",
    log:
        f"{at.root}/logs/sampler/{{variant}}-seed{{seed}}.log",
    wildcard_constraints:
        variant=flow.names("sampler"),
    retries: flow.retries("training")
    conda:
        "../../environment.yml"
    threads: 1  # many small steps: two threads wait for each other, five times as long where the machine has other work
    resources:
        devices=1,
        nodes=1,
        mem_mb=8000,
        runtime=240,
    params:
        digest=lambda wildcards: flow.digest("sampler", wildcards.variant),
    message:
        "Pre-training sampler {wildcards.variant}, seed {wildcards.seed}"
    shell:
        f"framethrift --log {{log:q}} sampler {flow.arguments} --variant {{wildcards.variant}} --seed {{wildcards.seed}} --threads {{threads}} --devices {{resources.devices}} --nodes {{resources.nodes}}"


rule joint:
    """Train MLLM and sampler together by reinforcement learning (MSJoE stage 2)."""
    input:
        clip=rules.clip.output,
        questions=lambda wildcards: flow.reinforcing(wildcards.variant),
        curated=lambda wildcards: flow.curated(wildcards.variant, wildcards.seed),
        mllm=lambda wildcards: flow.model(
            study.mllm_of(wildcards.variant), wildcards.seed
        ),
        sampler=lambda wildcards: flow.model(
            study.variants[wildcards.variant].sampler, wildcards.seed
        ),
    output:
        f"{at.root}/models/{{variant}}/seed{{seed}}/framethrift.json",
    log:
        f"{at.root}/logs/joint/{{variant}}-seed{{seed}}.log",
    wildcard_constraints:
        variant=flow.names("joint"),
    retries: flow.retries("training")
    conda:
        "../../environment.yml"
    threads: 1  # as above
    resources:
        devices=1,
        nodes=1,
        mem_mb=12000,
        runtime=2880,
    params:
        digest=lambda wildcards: flow.digest("joint", wildcards.variant),
    message:
        "Joint evolution of {wildcards.variant}, seed {wildcards.seed}"
    shell:
        f"framethrift --log {{log:q}} joint {flow.arguments} --variant {{wildcards.variant}} --seed {{wildcards.seed}} --threads {{threads}} --devices {{resources.devices}} --nodes {{resources.nodes}}"
