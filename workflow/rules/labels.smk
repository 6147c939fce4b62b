# What each question needs (the video, the order of its frames), from the cells that asked without them.


rule labels:
    """What each question needs (the video, the order of its frames), from the controls of a variant."""
    input:
        lambda wildcards: flow.controls(wildcards.variant),
    output:
        f"{at.root}/cells/{{variant}}/labels.json",
    log:
        f"{at.root}/logs/labels/{{variant}}.log",
    conda:
        "../../environment.yml"
    params:
        digest=lambda wildcards: flow.digest("labels", wildcards.variant),
    message:
        "Labelling questions by the controls of {wildcards.variant}"
    shell:
        f"framethrift --log {{log:q}} labels {flow.arguments} --variant {{wildcards.variant}}"
