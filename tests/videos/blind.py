"""What a model can answer without seeing the video: the best guess from the words of the question."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import combinations

Asked = tuple[str, str]


def wording_majority(train: Sequence[Asked], test: Sequence[Asked]) -> float:
    """Accuracy of answering each wording with its most frequent training answer."""
    answers: dict[str, Counter[str]] = defaultdict(Counter)
    for question, answer in train:
        answers[question][answer] += 1
    anything = Counter(answer for _, answer in train)
    hits = sum(answer == (answers.get(question) or anything).most_common(1)[0][0] for question, answer in test)
    return hits / len(test)


def naive_bayes(train: Sequence[Asked], test: Sequence[Asked]) -> float:
    """Accuracy of a naive Bayes classifier over (position, word) and pairs of them, within one set of answers."""
    prior = Counter(answer for _, answer in train)
    seen: dict[str, Counter[tuple[object, ...]]] = defaultdict(Counter)
    for question, answer in train:
        seen[answer].update(_features(question))
    hits = 0
    for question, answer in test:
        features = _features(question)
        scores = {
            guess: math.log(count) + sum(math.log((seen[guess][f] + 1) / (count + 2)) for f in features)
            for guess, count in prior.items()
        }
        hits += max(scores, key=scores.__getitem__) == answer
    return hits / len(test)


def _features(question: str) -> list[tuple[object, ...]]:
    words = list(enumerate(question.split()))
    return [*words, *combinations(words, 2)]
