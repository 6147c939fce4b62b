"""The jinja environments: HTML, escaped; LaTeX, with its own delimiters and escapes; plain text."""

import unicodedata
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined

_TEX_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "|": r"$|$",
    "−": r"$-$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≈": r"$\approx$",
    "→": r"$\rightarrow$",
    "∞": r"$\infty$",
    "√": r"$\surd$",
    "Δ": r"$\Delta$",
    "Σ": r"$\Sigma$",
    "α": r"$\alpha$",
    "δ": r"$\delta$",
    "ε": r"$\varepsilon$",
    "θ": r"$\theta$",
    "μ": r"$\mu$",
    "σ": r"$\sigma$",
    "τ": r"$\tau$",
    "φ": r"$\varphi$",
    "²": r"\textsuperscript{2}",
    "³": r"\textsuperscript{3}",
    "—": "---",
    "–": "--",
    "…": r"\dots{}",
    "“": "``",
    "”": "''",
    "‘": "`",
    "’": "'",
    "\N{NO-BREAK SPACE}": "~",
}


def escape_tex(text: object) -> str:
    """Text for LaTeX's text mode; a character pdfLaTeX's default fonts lack is written as its code point."""
    return "".join(_TEX_SPECIAL.get(character, _plain_tex(character)) for character in str(text))


def _plain_tex(character: str) -> str:
    if character.isascii() or "LATIN" in unicodedata.name(character, ""):
        return character
    return f"[U+{ord(character):04X}]"


@lru_cache
def html_environment() -> Environment:
    """Environment of the pages: everything is escaped, an unknown name is an error."""
    return _environment(autoescape=True)


@lru_cache
def text_environment() -> Environment:
    """Environment of plain text: nothing is escaped."""
    return _environment(autoescape=False)


@lru_cache
def tex_environment() -> Environment:
    """Environment of the LaTeX sources: << value >>, <% statement %>, <# comment #>; the filter `tex` escapes."""
    environment = _environment(
        autoescape=False,
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
    )
    environment.filters["tex"] = escape_tex
    return environment


def _environment(**options: object) -> Environment:
    loader = PackageLoader("framethrift.reporting", "templates")
    environment = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, **options)  # type: ignore[arg-type]
    environment.globals["zip"] = zip
    return environment
