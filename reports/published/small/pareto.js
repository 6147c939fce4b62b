// Pointing at a line of the key lights up its mark, and the other way round.
for (const figure of document.querySelectorAll("figure.pareto")) {
  const light = (event) => {
    const near = event.target.closest("[data-mark]");
    for (const item of figure.querySelectorAll("[data-mark]")) {
      item.classList.toggle("lit", near !== null && item.dataset.mark === near.dataset.mark);
    }
    figure.classList.toggle("dimmed", near !== null);
  };
  for (const kind of ["pointerover", "pointerleave", "focusin", "focusout"]) {
    figure.addEventListener(kind, light);
  }
}
