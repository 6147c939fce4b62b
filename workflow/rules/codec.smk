# Re-encoding to the study's recipe: I- and P-frames only, fixed GOP, so that motion vectors can be read back exactly.


rule codec:
    """Re-encode a dataset to the study's recipe: I- and P-frames only, fixed GOP."""
    input:
        rules.videos.output.videos,
    output:
        videos=f"{at.root}/codec/{{dataset}}/videos.parquet",
        quarantine=f"{at.root}/codec/{{dataset}}/quarantine.parquet",
    log:
        f"{at.root}/logs/codec/{{dataset}}.log",
    conda:
        "../../environment.yml"
    threads: 2
    resources:
        mem_mb=4000,
        runtime=1440,
    params:
        digest=lambda wildcards: flow.digest("codec", wildcards.dataset),
    message:
        "Re-encoding the videos of dataset {wildcards.dataset}"
    shell:
        f"framethrift --log {{log:q}} codec {flow.arguments} --dataset {{wildcards.dataset}} --jobs {{threads}}"
