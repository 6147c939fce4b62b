"""Where everything of a study lies: the one place that knows the folder names."""

from pathlib import Path


class Layout:
    """Paths inside a study's results folder (results/<study>) and its report folder (reports/<study>)."""

    def __init__(self, study_dir: Path | str) -> None:
        self.root = Path(study_dir)

    @property
    def report(self) -> Path:
        """reports/<study>, beside the results folder."""
        return self.root.parent.parent / "reports" / self.root.name

    def videos(self, dataset: str) -> Path:
        """Folder of a dataset's tables and source videos."""
        return self.root / "videos" / dataset

    def codec(self, dataset: str) -> Path:
        """Folder of a dataset's re-encoded videos and their manifest."""
        return self.root / "codec" / dataset

    @property
    def primitives(self) -> Path:
        """Cache of codec primitives (training.primitive_cache); may be deleted at any time."""
        return self.root / "primitives"

    @property
    def weights(self) -> Path:
        """Where the ready-made weights of the study were found."""
        return self.root / "weights.json"

    @property
    def tokenizer(self) -> Path:
        """Folder of the study's tokenizer."""
        return self.root / "models" / "tokenizer"

    @property
    def vision(self) -> Path:
        """Folder of the vision tower."""
        return self.root / "models" / "vision"

    @property
    def clip(self) -> Path:
        """Folder of the CLIP model."""
        return self.root / "models" / "clip"

    def delta(self, variant: str, seed: int) -> Path:
        """Folder of a pre-trained Δ-encoder, named by Study.delta_of: variants with the same Δ settings share one."""
        return self.root / "models" / f"delta-{variant}" / f"seed{seed}"

    def model(self, variant: str, seed: int) -> Path:
        """Folder of a variant's exported model."""
        return self.root / "models" / variant / f"seed{seed}"

    def pass_rates(self, variant: str, seed: int) -> Path:
        """Pass rates c of a VideoLM variant on its training questions (parquet)."""
        return self.root / "pass_rates" / variant / f"seed{seed}.parquet"

    def curated(self, variant: str, seed: int) -> Path:
        """Which questions of long-video sets are kept by a VideoLM variant's pass rates (parquet)."""
        return self.root / "curated" / variant / f"seed{seed}.parquet"

    def checkpoints(self, stage: str, name: str, seed: int) -> Path:
        """Resumable training state; never a declared output of a rule."""
        return self.root / "checkpoints" / stage / name / f"seed{seed}"

    def cell(self, variant: str, sampling: str, seed: int) -> Path:
        """Folder of the per-question outputs of one (variant, sampling, seed)."""
        return self.root / "cells" / variant / sampling / f"seed{seed}"

    def answers(self, variant: str, sampling: str, seed: int) -> Path:
        """Folder of a cell's answer journals: <shard>-of-<shards>.jsonl, and .json once a shard is complete."""
        return self.cell(variant, sampling, seed) / "answers"

    def labels(self, variant: str) -> Path:
        """What the questions need, read from a variant's controls: beside its cells."""
        return self.root / "cells" / variant / "labels.json"

    def judged(self, variant: str, sampling: str, seed: int) -> Path:
        """A judge's verdicts on the open answers of one (variant, sampling, seed)."""
        return self.root / "judged" / variant / sampling / f"seed{seed}.json"

    @property
    def judge_cache(self) -> Path:
        """Every reply a judge gave in this study, by the content it was asked."""
        return self.root / "judged" / "replies.sqlite"

    def latency(self, variant: str, seed: int) -> Path:
        """Latency figures of a variant."""
        return self.root / "latency" / variant / f"seed{seed}.json"

    def dialogue(self, variant: str, sampling: str, seed: int) -> Path:
        """Example conversations of a variant under a sampling."""
        return self.root / "dialogues" / variant / sampling / f"seed{seed}.json"

    def retrieval(self, name: str, seed: int) -> Path:
        """Next-frame retrieval figures of a Δ-encoder (Table H.6)."""
        return self.root / "retrieval" / name / f"seed{seed}.json"

    @property
    def bundle(self) -> Path:
        """The study's result as one archive."""
        return self.report.parent / f"{self.report.name}.crate.zip"

    @property
    def streams(self) -> Path:
        """Digests of re-encoded files as they were last read, with size and time of change."""
        return self.root / "codec" / "streams.json"

    @property
    def receipts(self) -> Path:
        """Size, digest and origin of every declared output, as its job proved them."""
        return self.root / "receipts"

    @property
    def tracking(self) -> Path:
        """MLflow database, artifacts and the local spool."""
        return self.root / "tracking"
