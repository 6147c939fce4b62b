# Time to first token and end-to-end latency (Fig. 4a). Alone on the machine: a neighbour would be timed too.


rule latency:
    """Time to first token and end-to-end latency of a variant's samplings (CoPE Fig. 4a)."""
    input:
        lambda wildcards: flow.timed(wildcards.variant, wildcards.seed),
    output:
        f"{at.root}/latency/{{variant}}/seed{{seed}}.json",
    log:
        f"{at.root}/logs/latency/{{variant}}-seed{{seed}}.log",
    conda:
        "../../environment.yml"
    threads: 256  # all there are: Snakemake lowers it to --cores, and SLURM gets another number from its profile
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        digest=lambda wildcards: flow.digest("latency", wildcards.variant),
    message:
        "Timing {wildcards.variant}, seed {wildcards.seed}"
    shell:
        f"framethrift --log {{log:q}} latency {flow.arguments} --variant {{wildcards.variant}} --seed {{wildcards.seed}} --threads {{threads}}"
