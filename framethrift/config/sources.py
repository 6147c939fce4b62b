"""Where annotations and videos of published benchmarks and training sets come from: config/sources.yaml as checked objects."""

from functools import lru_cache
from importlib import resources

import yaml
from pydantic import Field, TypeAdapter

from framethrift.config.base import Section


class AnnotationFiles(Section):
    """Annotation files in one format, and what they hold."""

    form: str = Field(description="Format, one of the loaders of framethrift.published.annotations.")
    files: list[str] = Field(min_length=1, description="File names or globs below the source's folder, all of them needed.")
    optional: list[str] = Field([], description="Files that are read too where they are present.")
    questions: int | None = Field(ge=1, description="Questions; rounds of one document count once. Null: not verified.")
    videos: int | None = Field(None, ge=1, description="Videos they ask about; null: not verified, or not named.")


class Source(Section):
    """Annotations and videos that one or more benchmarks are made of, or that a model is trained on."""

    title: str = Field(description="Name for people.")
    training: bool = Field(False, description="A training set: nothing is asked about it.")
    folder: str = Field(description="Folder below the local root.")
    annotations: list[AnnotationFiles] = Field(description="Formats to read questions from; the first that is there counts.")
    copies: list[AnnotationFiles] = Field([], description="Other files that circulate; checked where they are, never asked.")
    videos: list[str] = Field(
        ["videos"], description="Folders below `folder` that videos are looked for in; '.' is the folder itself."
    )
    frame_rate: float | None = Field(None, gt=0, description="Frames per second of a video that is a folder of pictures.")
    hub: str | None = Field(description="Dataset repository on the Hugging Face hub; null where there is none.")
    revision: str = Field("main", description="Revision of the repository.")
    fetch: list[str] = Field([], description="Globs of the repository's files that `framethrift data fetch` takes; empty: all.")
    cache: str | None = Field(None, description="Folder below HF_HOME where lmms-eval unpacks and looks for videos.")
    gigabytes: float | None = Field(None, gt=0, description="Size of the published videos; null: not verified.")
    licence: str = Field(description="Licence of the annotations, and of the videos where known.")
    gate: str | None = Field(description="What must be agreed to or asked for before a download; null: nothing known.")
    page: str = Field(description="Where to read about it and to download by hand.")


@lru_cache
def load_sources() -> dict[str, Source]:
    """Every source by name, in the order of the file.

    Raises pydantic.ValidationError when the file itself is malformed.
    """
    text = resources.files("framethrift.config").joinpath("sources.yaml").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, Source]).validate_python(yaml.safe_load(text))
