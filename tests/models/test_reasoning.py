"""Prompts and the strict format of visual queries."""

import pytest
import torch

from framethrift.models.reasoning import (
    MAX_QUERIES,
    Reasoner,
    format_queries,
    lettered_prompt,
    load_prompts,
    parse_queries,
    prompt_texts,
    query_prompt,
    scoring_queries,
)

INSTRUCT = """\
You see a few preview frames of a long video. To answer the question below, the video will be searched with an image-text matching model.
Question: Why did she leave?
Write one to four visual queries: each a short description of a scene, object or action that would be visible in a frame needed for the answer. Describe, do not ask, and do not repeat the question.
Reply with the queries only, each one as <query>description</query>."""  # noqa: E501


def test_the_prompts_are_these():
    """A model answers the wording it was trained with: whoever changes one raises the version and this test."""
    assert load_prompts()["version"] == 1
    assert query_prompt("what colour is the disc ?") == "queries for : what colour is the disc ?"
    assert query_prompt("Why did she leave?", "instruct") == INSTRUCT
    assert sorted(load_prompts()["wordings"]) == ["instruct", "short"]
    assert lettered_prompt("Which comes first?", ["a dog", "a cat"]) == (
        "Which comes first?\nA. a dog\nB. a cat\nPlease answer with the option's letter from the given choices directly."
    )
    with pytest.raises(ValueError, match=r"'long'.*allowed: \['instruct', 'short'\]"):
        query_prompt("?", "long")


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        ("<query>a red square</query>", ["a red square"]),
        ("<query>a red square</query><query>a blue disc</query>", ["a red square", "a blue disc"]),
        ("  <query> a red square </query>\n<query>a disc</query>\n", ["a red square", "a disc"]),
        ("<query>a</query>" * 4, ["a"] * 4),
        ("<query>a</query>" * 5, []),
        ("", []),
        ("a red square", []),
        ("<query></query>", []),
        ("<query>   </query>", []),
        ("<query>a", []),
        ("<query>a</query", []),
        ("a</query>", []),
        ("<query>a</query> and more", []),
        ("Queries: <query>a</query>", []),
        ("<query>a<query>b</query></query>", []),
        ("<Query>a</Query>", []),
        ("<query>a > b</query>", []),
        ("<query>a</query>, <query>b</query>", []),
    ],
)
def test_queries_are_parsed_strictly(text, queries):
    assert parse_queries(text) == queries


def test_a_long_unclosed_text_is_refused_quickly():
    assert parse_queries("<query>a</query>" * 4 + "<query>" + "a" * 100_000) == []


def test_what_is_formatted_can_be_parsed():
    queries = ["a red square", "two people, one of them waving"]
    assert parse_queries(format_queries(queries)) == queries


@pytest.mark.parametrize("queries", [[], [""], ["a"] * (MAX_QUERIES + 1), ["a < b"], [" padded"], ["</query>"]])
def test_what_cannot_be_parsed_is_not_formatted(queries):
    with pytest.raises(ValueError, match="expected 1 to 4"):
        format_queries(queries)


def test_the_question_stands_in_for_unparsable_queries():
    assert scoring_queries("nonsense", "what now ?") == ["what now ?"]
    assert scoring_queries("<query>a</query>", "what now ?") == ["a"]


def test_the_tokenizers_texts_hold_prompt_and_tags():
    assert prompt_texts() == ["queries for : ", "<query>a</query><query>b</query>"]


def test_prompts_hold_the_images_and_end_where_the_assistant_speaks(model, processor):
    reasoner = Reasoner(model, processor)
    width = model.config.text_config.hidden_size
    asked = ["which way does the red square move?"]
    shown = [
        reasoner.query_prompts(asked, torch.zeros(1, 2, 4, width))[0],
        reasoner.answer_prompts(asked, torch.zeros(1, 3, 9, width))[0],
    ]
    for prompt, images, side, text in zip(shown, (2, 3), (2, 3), (query_prompt(asked[0]), asked[0]), strict=True):
        assert prompt.images.shape == (images, side * side, width)
        assert prompt.ids.count(model.config.image_token_id) == images * side * side
        assert prompt.ids.count(model.config.newline_token_id) == images * side
        assert processor.tokenizer.decode(prompt.ids).endswith(f"\n{text}<|im_end|>\n<|im_start|>assistant\n")


def test_without_previews_the_prompt_is_text_only(model, processor):
    prompt = Reasoner(model, processor).query_prompts(["why?"], torch.zeros(1, 0, 4, model.config.text_config.hidden_size))[0]
    assert processor.tokenizer.decode(prompt.ids) == processor.prompt(query_prompt("why?"), "")


def test_samples_of_one_question_share_a_prompt(model, processor):
    written = Reasoner(model, processor).write_queries(
        ["why?", "which way does the red square move?"],
        torch.randn(2, 2, 4, model.config.text_config.hidden_size),
        samples=3,
        temperature=1.0,
        generator=torch.Generator().manual_seed(0),
    )
    assert len(written.prompts) == 2 and len(written.texts) == 6 and len(written.completions.tokens) == 6
