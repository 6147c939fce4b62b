# Example conversations (CoPE Fig. 6-8). Alone on the machine: what they cost is timed, and a neighbour would be timed too.


rule dialogue:
    """Example conversations: several questions about one video, with tokens and time to first token of every turn."""
    input:
        lambda wildcards: flow.conversing(
            wildcards.variant, wildcards.sampling, wildcards.seed
        ),
    output:
        f"{at.root}/dialogues/{{variant}}/{{sampling}}/seed{{seed}}.json",
    log:
        f"{at.root}/logs/dialogue/{{variant}}-{{sampling}}-seed{{seed}}.log",
    conda:
        "../../environment.yml"
    threads: 256  # all there are: Snakemake lowers it to --cores, and SLURM gets another number from its profile
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        digest=lambda wildcards: flow.digest(
            "dialogue", wildcards.variant, wildcards.sampling
        ),
    message:
        "Talking with {wildcards.variant} under {wildcards.sampling}, seed {wildcards.seed}"
    shell:
        f"framethrift --log {{log:q}} dialogue {flow.arguments} --variant {{wildcards.variant}} --sampling {{wildcards.sampling}} --seed {{wildcards.seed}} --threads {{threads}}"
