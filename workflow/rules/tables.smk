# The papers' tables by name: `snakemake table_h1` computes what that table needs and renders it, nothing else.


rule table:
    """One table or figure of a paper by its name, as CSV, HTML and LaTeX, from the cells it shows."""
    input:
        lambda wildcards: flow.table(wildcards.table),
    output:
        csv=f"{at.report}/tables/{{table}}.csv",
        html=report(
            f"{at.report}/tables/{{table}}.html",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
        tex=f"{at.report}/tables/{{table}}.tex",
    log:
        f"{at.root}/logs/table/{{table}}.log",
    wildcard_constraints:
        table="(msjoe_)?(table|figure)_[a-z0-9]+",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        digest=lambda wildcards: flow.digest("table", wildcards.table),
    message:
        "Rendering {wildcards.table}"
    shell:
        f"framethrift --log {{log:q}} table {flow.arguments} --name {{wildcards.table}}"


rule table_1:
    """Table 1 of CoPE-VideoLM: token efficiency against accuracy."""
    input:
        f"{at.report}/tables/table_1.html",


rule table_2:
    """Table 2 of CoPE-VideoLM: general video understanding."""
    input:
        f"{at.report}/tables/table_2.html",


rule table_3a:
    """Table 3a of CoPE-VideoLM: temporal reasoning and motion understanding."""
    input:
        f"{at.report}/tables/table_3a.html",


rule table_3b:
    """Table 3b of CoPE-VideoLM: long-form and instruction following."""
    input:
        f"{at.report}/tables/table_3b.html",


rule table_e1:
    """Table E.1 of CoPE-VideoLM: effect of training data scale."""
    input:
        f"{at.report}/tables/table_e1.html",


rule table_f1:
    """Table F.1 of CoPE-VideoLM: 3D question answering."""
    input:
        f"{at.report}/tables/table_f1.html",


rule table_g1:
    """Table G.1 of CoPE-VideoLM: token compression methods."""
    input:
        f"{at.report}/tables/table_g1.html",


rule table_h1:
    """Table H.1 of CoPE-VideoLM: Δ-tokens per P-frame."""
    input:
        f"{at.report}/tables/table_h1.html",


rule table_h2:
    """Table H.2 of CoPE-VideoLM: with and without Δ-encoder pre-training."""
    input:
        f"{at.report}/tables/table_h2.html",


rule table_h3:
    """Table H.3 of CoPE-VideoLM: Δ-tokens zeroed, swapped, of one branch only."""
    input:
        f"{at.report}/tables/table_h3.html",


rule table_h4:
    """Table H.4 of CoPE-VideoLM: the Δ-trained model with and without its Δ-tokens."""
    input:
        f"{at.report}/tables/table_h4.html",


rule table_h5:
    """Table H.5 of CoPE-VideoLM: higher frame rates."""
    input:
        f"{at.report}/tables/table_h5.html",


rule table_h6:
    """Table H.6 of CoPE-VideoLM: next-frame retrieval."""
    input:
        f"{at.report}/tables/table_h6.html",


rule figure_4:
    """Figure 4a of CoPE-VideoLM: time to first token and end-to-end latency."""
    input:
        f"{at.report}/tables/figure_4.html",


rule msjoe_table_1:
    """Table 1 of MSJoE: frame selectors at the same number of frames."""
    input:
        f"{at.report}/tables/msjoe_table_1.html",


rule msjoe_table_2:
    """Tables 2 and 3 of MSJoE: what is trained, and with which objective."""
    input:
        f"{at.report}/tables/msjoe_table_2.html",


rule msjoe_table_4:
    """Table 4 of MSJoE: time of the inference steps."""
    input:
        f"{at.report}/tables/msjoe_table_4.html",


rule pareto:
    """Accuracy against what it costs, with the whole report around it."""
    input:
        rules.report.output.index,


rule claims:
    """The claims ledger with its verdicts, with the whole report around it."""
    input:
        rules.report.output.index,
