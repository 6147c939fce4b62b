# Stage 1 of CoPE: the Δ-encoder is aligned with the vision tower (Eq. 7-10) and checked by next-frame retrieval (Table H.6).


rule delta:
    """Pre-train a Δ-encoder against the vision tower (CoPE Eq. 7-10)."""
    input:
        vision=rules.vision.output,
        pairs=lambda wildcards: flow.pairs(wildcards.name),
    output:
        f"{at.root}/models/delta-{{name}}/seed{{seed}}/framethrift.json",
    log:
        f"{at.root}/logs/delta/{{name}}-seed{{seed}}.log",
    retries: flow.retries("training")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        devices=1,
        nodes=1,
        mem_mb=12000,
        runtime=2880,
    params:
        digest=lambda wildcards: flow.digest("delta", wildcards.name),
    message:
        "Pre-training the Δ-encoder of {wildcards.name}, seed {wildcards.seed}"
    shell:
        f"framethrift --log {{log:q}} delta {flow.arguments} --name {{wildcards.name}} --seed {{wildcards.seed}} --threads {{threads}} --devices {{resources.devices}} --nodes {{resources.nodes}}"


rule retrieval:
    """Next-frame retrieval with a pre-trained Δ-encoder (CoPE Table H.6)."""
    input:
        rules.delta.output,
        lambda wildcards: flow.pairs(wildcards.name),
    output:
        f"{at.root}/retrieval/{{name}}/seed{{seed}}.json",
    log:
        f"{at.root}/logs/retrieval/{{name}}-seed{{seed}}.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        digest=lambda wildcards: flow.digest("retrieval", wildcards.name),
    message:
        "Next-frame retrieval with the Δ-encoder of {wildcards.name}, seed {wildcards.seed}"
    shell:
        f"framethrift --log {{log:q}} retrieval {flow.arguments} --name {{wildcards.name}} --seed {{wildcards.seed}} --threads {{threads}}"
