"""Asking an OpenAI-compatible endpoint: pacing, retries, and errors that give nothing away."""

import json
import threading
import time

import openai
from openai.types.chat import ChatCompletion

from framethrift.config.judge import Endpoint
from framethrift.evaluation.judging.protocols import Message


class JudgeDown(RuntimeError):
    """The judge cannot be reached, or refuses to work; what it said so far is kept, and another run goes on from there."""


class JudgeRefused(RuntimeError):
    """The judge's content filter refuses one conversation."""


class Judge:
    """Asks an endpoint: retries with backoff as the openai package does them, at most `per_minute` questions a minute."""

    def __init__(self, endpoint: Endpoint, *, per_minute: float, timeout: float = 60.0, retries: int = 6) -> None:
        self.endpoint = endpoint
        self._client = openai.OpenAI(base_url=endpoint.url, api_key=endpoint.key, timeout=timeout, max_retries=retries)
        self._pause, self._next, self._lock = 60.0 / per_minute, 0.0, threading.Lock()

    def ask(self, messages: list[Message], max_tokens: int) -> str:
        """The reply to a conversation, at temperature 0; empty where the reply is no JSON or holds no text.

        Raises JudgeDown when all retries failed or the endpoint rejects the request, JudgeRefused for a content filter. Neither
        quotes the endpoint: servers like to repeat keys and addresses in their errors.
        """
        self._wait()
        try:
            reply: ChatCompletion = self._client.chat.completions.create(
                model=self.endpoint.model,
                messages=messages,  # type: ignore[arg-type]
                temperature=0,
                max_tokens=max_tokens,
            )
        except openai.BadRequestError as error:
            if error.code == "content_filter":
                raise JudgeRefused("the judge's content filter refuses the conversation") from None
            raise JudgeDown(f"judge {self.endpoint.model}: HTTP 400: it does not accept the request") from None
        except openai.APIStatusError as error:
            raise JudgeDown(f"judge {self.endpoint.model}: HTTP {error.status_code} after all retries") from None
        except openai.APIConnectionError as error:
            raise JudgeDown(f"judge {self.endpoint.model}: {type(error).__name__} after all retries") from None
        except (openai.APIResponseValidationError, json.JSONDecodeError):
            return ""
        choices = getattr(reply, "choices", None)
        text = choices[0].message.content if choices and choices[0].message else None
        return text if isinstance(text, str) else ""

    def _wait(self) -> None:
        with self._lock:
            start = max(time.monotonic(), self._next)
            self._next = start + self._pause
        time.sleep(max(0.0, start - time.monotonic()))
