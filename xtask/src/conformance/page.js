"use strict";
const filter = document.getElementById("filter");
const controls = document.getElementById("controls");
const count = document.getElementById("count");
const cases = [...document.querySelectorAll(".case")];
const panels = [...document.querySelectorAll(".panel")];
const buttonOf = new Map(panels.map((panel) => [panel, document.querySelector(`[aria-controls="${panel.id}"]`)]));
const chosen = new Set(); // the panels a reader opened

function show(panel, isOpen) {
  panel.classList.toggle("open", isOpen);
  buttonOf.get(panel).setAttribute("aria-expanded", String(isOpen));
}

function apply() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const verdict = controls.elements.verdict.value;
  const isNarrowed = words.length > 0 || verdict !== "all";
  const found = new Set();
  for (const line of cases) {
    const { text, verdicts } = line.dataset;
    const fits = words.every((word) => text.includes(word)) && (verdict === "all" || verdicts.split(" ").includes(verdict));
    line.hidden = !fits;
    if (fits) found.add(line.firstChild.textContent);
  }
  for (const panel of panels) {
    const hasFound = panel.querySelector(".case:not([hidden])") !== null;
    panel.hidden = !hasFound;
    show(panel, hasFound && (isNarrowed || chosen.has(panel)));
  }
  for (const row of document.querySelectorAll("tr.api")) {
    const own = [...row.querySelectorAll("button")].map((button) => document.getElementById(button.getAttribute("aria-controls")));
    row.hidden = isNarrowed && own.every((panel) => panel.hidden);
  }
  for (const body of document.querySelectorAll("tbody")) {
    body.hidden = body.querySelector("tr.api:not([hidden])") === null;
  }
  count.textContent = !isNarrowed ? "" : found.size === 0 ? "Nothing found" : found.size === 1 ? "1 case" : `${found.size} cases`;
}

for (const [panel, button] of buttonOf) {
  button.addEventListener("click", () => {
    const isOpen = !panel.classList.contains("open");
    if (isOpen) chosen.add(panel);
    else chosen.delete(panel);
    show(panel, isOpen);
  });
}
controls.addEventListener("input", apply);
controls.addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== filter) {
    event.preventDefault();
    filter.focus();
  } else if (event.key === "Escape" && document.activeElement === filter) {
    filter.value = "";
    apply();
  }
});
apply(); // a browser may bring back what stood in the box
