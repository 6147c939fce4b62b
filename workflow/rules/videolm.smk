# Stage 2 of CoPE: the VideoLM reads the interleaved token stream; its RGB-only baseline differs in the variant's samplings alone.


rule videolm:
    """Fine-tune a VideoLM on the interleaved token stream (CoPE Supp. C)."""
    input:
        tokenizer=rules.tokenizer.output,
        vision=rules.vision.output,
        data=lambda wildcards: flow.fine_tuning(wildcards.variant, wildcards.seed),
    output:
        f"{at.root}/models/{{variant}}/seed{{seed}}/framethrift.json",
    log:
        f"{at.root}/logs/videolm/{{variant}}-seed{{seed}}.log",
    wildcard_constraints:
        variant=flow.names("videolm"),
    retries: flow.retries("training")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        devices=1,
        nodes=1,
        micro_batch=8,  # of like length, so that little is padded: up to a third faster on a CPU
        mem_mb=12000,
        runtime=2880,
    params:
        digest=lambda wildcards: flow.digest("videolm", wildcards.variant),
    message:
        "Fine-tuning VideoLM {wildcards.variant}, seed {wildcards.seed}"
    shell:
        f"framethrift --log {{log:q}} videolm {flow.arguments} --variant {{wildcards.variant}} --seed {{wildcards.seed}} --threads {{threads}} --devices {{resources.devices}} --nodes {{resources.nodes}} --micro-batch {{resources.micro_batch}}"
