"""report.pdf from report.tex, where LaTeX is installed."""

import shutil
import subprocess
from pathlib import Path

COMMAND = ("latexmk", "-pdf", "-silent", "-interaction=nonstopmode", "-halt-on-error", "report.tex")
INSTALL = "latexmk with pdfLaTeX (Debian and Ubuntu: latexmk texlive-latex-recommended; macOS: MacTeX)"
PDF = "report.pdf"
MINUTES = 5


def build_pdf(report_dir: Path) -> str:
    """Compile report.tex and say in one sentence what came of it. A report without its PDF is still a report."""
    target = report_dir / PDF
    target.unlink(missing_ok=True)  # one of an earlier run would show other numbers
    if shutil.which(COMMAND[0]) is None or shutil.which("pdflatex") is None:
        return f"report.tex is written; for {PDF} install {INSTALL} and run: {' '.join(COMMAND)}"
    try:
        done = subprocess.run(COMMAND, cwd=report_dir, capture_output=True, text=True, errors="replace", timeout=60 * MINUTES)
    except subprocess.TimeoutExpired:
        return f"{PDF} was not built: latexmk took over {MINUTES} minutes"
    if done.returncode:
        log = report_dir / "report.log"
        lines = log.read_text(errors="replace").splitlines() if log.is_file() else done.stderr.splitlines()
        error = next((line for line in lines if line.startswith("!")), "see report.log")
        return f"{PDF} was not built: {error}"
    subprocess.run([COMMAND[0], "-c", "report.tex"], cwd=report_dir, capture_output=True, check=True)
    return f"{PDF} is built"
