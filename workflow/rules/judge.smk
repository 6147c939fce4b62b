# Judging open answers: needs the network and FRAMETHRIFT_JUDGE_URL, _MODEL and _KEY; without them cells stay "not judged".


rule judge:
    """Have the open answers of a cell judged by the endpoint that the environment names."""
    input:
        f"{at.root}/cells/{{variant}}/{{sampling}}/seed{{seed}}/cells.json",
    output:
        f"{at.root}/judged/{{variant}}/{{sampling}}/seed{{seed}}.json",
    log:
        f"{at.root}/logs/judge/{{variant}}-{{sampling}}-seed{{seed}}.log",
    conda:
        "../../environment.yml"
    params:
        digest=lambda wildcards: flow.digest(
            "judge", wildcards.variant, wildcards.sampling
        ),
        # A run on a cluster parses the workflow again in every job; the judge itself runs here, as a local rule.
        endpoint=flow.judge(),
    message:
        "Judging {wildcards.variant} under {wildcards.sampling}, seed {wildcards.seed}"
    shell:
        f"framethrift --log {{log:q}} judge {flow.arguments} --variant {{wildcards.variant}} --sampling {{wildcards.sampling}} --seed {{wildcards.seed}}"
