# The towers that look at single frames, and the tokenizer: loaded from a folder or the hub's cache, or trained in the study.


rule weights:
    output:
        f"{at.root}/weights.json",
    log:
        f"{at.root}/logs/weights.log",
    conda:
        "../../environment.yml"
    params:
        study=flow.arguments,
        digest=flow.digest("weights"),
    message:
        "Looking for ready-made weights"
    shell:
        "framethrift --log {log:q} weights {params.study:q}"


rule tokenizer:
    input:
        flow.weights(),
        flow.texts(),
    output:
        f"{at.tokenizer}/framethrift.json",
    log:
        f"{at.root}/logs/tokenizer/tokenizer.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        study=flow.arguments,
        digest=flow.digest("tokenizer"),
    message:
        "Tokenizer of the study"
    shell:
        "framethrift --log {log:q} tokenizer {params.study:q}"


rule vision:
    input:
        weights=flow.weights(),
        tokenizer=rules.tokenizer.output,
        captions=flow.captions("vision"),
    output:
        f"{at.vision}/framethrift.json",
    log:
        f"{at.root}/logs/vision/vision.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        study=flow.arguments,
        digest=flow.digest("vision"),
    message:
        "Vision tower of the VideoLM"
    shell:
        "framethrift --log {log:q} vision {params.study:q} --threads {threads}"


rule clip:
    input:
        weights=flow.weights(),
        tokenizer=rules.tokenizer.output,
        captions=flow.captions("clip"),
    output:
        f"{at.clip}/framethrift.json",
    log:
        f"{at.root}/logs/clip/clip.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        study=flow.arguments,
        digest=flow.digest("clip"),
    message:
        "CLIP that scores frames against visual queries"
    shell:
        "framethrift --log {log:q} clip {params.study:q} --threads {threads}"
