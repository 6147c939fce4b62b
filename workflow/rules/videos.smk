# Dataset construction: the procedural worlds are rendered, clips and published datasets are ingested; bad files go to quarantine.


rule videos:
    """Build a dataset: render a procedural world, or ingest clips, a published dataset or a published benchmark."""
    output:
        videos=f"{at.root}/videos/{{dataset}}/videos.parquet",
        questions=f"{at.root}/videos/{{dataset}}/questions.parquet",
        captions=f"{at.root}/videos/{{dataset}}/captions.parquet",
        quarantine=f"{at.root}/videos/{{dataset}}/quarantine.parquet",
    log:
        f"{at.root}/logs/videos/{{dataset}}.log",
    conda:
        "../../environment.yml"
    threads: 2
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        digest=lambda wildcards: flow.digest("videos", wildcards.dataset),
    message:
        "Building the videos of dataset {wildcards.dataset}"
    shell:
        f"framethrift --log {{log:q}} videos {flow.arguments} --dataset {{wildcards.dataset}} --jobs {{threads}}"
