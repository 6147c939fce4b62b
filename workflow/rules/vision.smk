# The towers that look at single frames, and the tokenizer: loaded from a folder or the hub's cache, or trained in the study.


rule weights:
    """Look for ready-made weights before any job that loads them."""
    output:
        f"{at.root}/weights.json",
    log:
        f"{at.root}/logs/weights.log",
    conda:
        "../../environment.yml"
    params:
        digest=flow.digest("weights"),
    message:
        "Looking for ready-made weights"
    shell:
        f"framethrift --log {{log:q}} weights {flow.arguments}"


rule tokenizer:
    """Train the study's tokenizer, or fetch that of its trained VideoLM."""
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
        digest=flow.digest("tokenizer"),
    message:
        "Tokenizer of the study"
    shell:
        f"framethrift --log {{log:q}} tokenizer {flow.arguments}"


rule vision:
    """Train the VideoLM's vision tower on captioned frames, or load it ready-made."""
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
        digest=flow.digest("vision"),
    message:
        "Vision tower of the VideoLM"
    shell:
        f"framethrift --log {{log:q}} vision {flow.arguments} --threads {{threads}}"


rule clip:
    """Train the CLIP that scores frames against visual queries, or load it ready-made."""
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
        digest=flow.digest("clip"),
    message:
        "CLIP that scores frames against visual queries"
    shell:
        f"framethrift --log {{log:q}} clip {flow.arguments} --threads {{threads}}"
