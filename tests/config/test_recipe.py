import pytest
from pydantic import ValidationError

from framethrift.config.recipe import Recipe


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"width": 33, "height": 32}, "size 33x32: width and height must be even"),
        ({"width": 32, "height": 31}, "size 32x31: width and height must be even"),
        ({"width": 32}, "width and height must be given together"),
        ({"gop": 10, "window": 4}, "window 4 does not divide gop 10"),
        ({"b_frames": True}, "set keep_source too"),
        ({"codec": "hevc"}, "mpeg4"),
    ],
)
def test_recipes_that_cannot_be_are_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        Recipe(**({"gop": 8, "window": 4} | fields))


def test_by_default_everything_is_reencoded_without_b_frames():
    recipe = Recipe()
    assert (recipe.codec, recipe.keep_source, recipe.b_frames) == ("mpeg4", False, False)
    assert recipe.slots == 8
