"use strict";
// Sorting of the tables, the charts, and the table of every row. Everything a page shows is in its element "data".

const data = JSON.parse(document.getElementById("data").textContent);

// Tables: a click or the Enter key on a head sorts by its column; rows without a value come last.

function sortValue(cell) {
  if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
  return cell.tagName === "TH" ? cell.textContent.trim() : null;  // no number: not measured, or it failed
}

function compare(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * String(a).localeCompare(String(b));
}

function sortBy(table, head) {
  const column = [...head.parentElement.children].indexOf(head);
  const ascending = head.getAttribute("aria-sort") !== "ascending";
  for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [sortValue(row.cells[column]), row]);
  rows.sort((a, b) => compare(a[0], b[0], ascending ? 1 : -1));
  body.append(...rows.map(([, row]) => row));
}

for (const table of document.querySelectorAll("table.sortable"))
  for (const button of table.querySelectorAll("thead button"))
    button.addEventListener("click", () => sortBy(table, button.closest("th")));

// Charts

const TITLES = {
  accuracy: "Fidelity and accuracy", control: "Fidelity and control", cost: "Fidelity and training time",
};

function front(points, x, betterX, y, betterY) {
  const dominates = (a, b) =>
    (betterX === "higher" ? a[x] >= b[x] : a[x] <= b[x]) && (betterY === "higher" ? a[y] >= b[y] : a[y] <= b[y]) &&
    (a[x] !== b[x] || a[y] !== b[y]);
  return points.filter((own) => !points.some((other) => dominates(other, own))).sort((a, b) => a[x] - b[x]);
}

function scatter(chart, axis) {
  const points = chart.points.filter((point) => point.fidelity !== undefined && point[axis] !== undefined);
  const methods = points.filter((point) => !point.anchor);
  if (methods.length < 2) return null;
  const spread = (side) => ({
    x1: (d) => d[axis] - (side === "x" ? d[`${axis}-deviation`] : 0), x2: (d) => d[axis] + (side === "x" ? d[`${axis}-deviation`] : 0),
    y1: (d) => d.fidelity - (side === "y" ? d["fidelity-deviation"] : 0), y2: (d) => d.fidelity + (side === "y" ? d["fidelity-deviation"] : 0),
  });
  return Plot.plot({
    width: 520, height: 380, marginLeft: 64, marginRight: 110, marginTop: 28, grid: true, ariaLabel: TITLES[axis],
    style: { background: "transparent", color: "inherit", fontSize: "12px" },
    x: { label: chart.axes[axis], type: axis === "cost" ? "log" : "linear", nice: true, tickFormat: axis === "cost" ? "~s" : undefined, ticks: 5 },
    y: { label: chart.axes.fidelity, type: "log", tickFormat: "~s", ticks: 6, nice: true },
    marks: [
      Plot.line(front(methods, axis, chart.better[axis] || "lower", "fidelity", chart.better.fidelity),
        { x: axis, y: "fidelity", stroke: "currentColor", strokeOpacity: 0.35, strokeDasharray: "4 3" }),
      axis === "cost" ? null : Plot.link(methods, { ...spread("x"), stroke: "currentColor", strokeOpacity: 0.4 }),
      Plot.link(methods.filter((d) => d["fidelity-deviation"] < d.fidelity), { ...spread("y"), stroke: "currentColor", strokeOpacity: 0.4 }),
      Plot.dot(points, { x: axis, y: "fidelity", r: 4, fill: (d) => (d.anchor ? "none" : "currentColor"), stroke: "currentColor", title: "method" }),
      Plot.text(points, { x: axis, y: "fidelity", text: (d) => short(d.method), textAnchor: "start", dx: 8, fill: "currentColor", fillOpacity: (d) => (d.anchor ? 0.6 : 1) }),
    ],
  });
}

const short = (name) => (name.length > 28 ? `${name.slice(0, 27)}…` : name);

function agreement(chart) {
  if (chart.agreement.length < 4) return null;
  return Plot.plot({
    width: 420, height: 320, marginLeft: 90, marginBottom: 50, ariaLabel: "Agreement of feature spaces",
    style: { background: "transparent", color: "inherit", fontSize: "12px" },
    x: { label: null, tickRotate: -30 }, y: { label: null },
    color: { type: "linear", domain: [-1, 1], range: ["#c2571a", "#1f5fa8"], interpolate: "rgb" },
    marks: [
      Plot.cell(chart.agreement, { x: "first", y: "second", fill: "value", inset: 1 }),
      Plot.text(chart.agreement, { x: "first", y: "second", text: (d) => d.value.toFixed(2), fill: "white" }),
    ],
  });
}

function ranks(chart) {
  return Plot.plot({
    width: 640, height: 60 + 26 * chart.methods.length, marginLeft: 180, grid: true, ariaLabel: "Mean ranks over data sets",
    style: { background: "transparent", color: "inherit", fontSize: "12px" },
    x: { label: "mean rank over data sets, 1 is best", domain: [1, chart.methods.length] },
    y: { label: null, domain: chart.methods.map((d) => d.method), tickFormat: short },
    marks: [
      Plot.ruleY(chart.methods, { y: "method", x1: (d) => d.rank - chart.difference / 2, x2: (d) => d.rank + chart.difference / 2, strokeWidth: 6, strokeOpacity: 0.25 }),
      Plot.dot(chart.methods, { x: "rank", y: "method", r: 5, fill: "currentColor" }),
    ],
  });
}

function draw(place) {
  const chart = data.charts[place.dataset.chart];
  const kind = place.dataset.kind;
  const svg = kind === "agreement" ? agreement(chart) : kind === "ranks" ? ranks(chart) : scatter(chart, kind);
  if (svg) place.append(svg);
  else place.closest("figure").remove();
}

for (const place of document.querySelectorAll("[data-chart]")) draw(place);

// Every row: the table is built when its part of the page is opened.

function decoded(columns) {
  const names = Object.keys(columns);
  return columns[names[0]].places.map((_, row) => Object.fromEntries(names.map((name) => [name, columns[name].values[columns[name].places[row]]])));
}

function buildRows(place) {
  const columns = data.rows.columns;
  const numeric = new Set(["value", "seed", "n"]);
  window.everyRow = new Tabulator(place, {
    data: decoded(columns), height: "32rem", layout: "fitData", maxHeight: "80vh", placeholder: "no row matches",
    columns: Object.keys(columns).map((name) => ({
      title: name, field: name, headerFilter: "input", sorter: numeric.has(name) ? "number" : "string",
      hozAlign: numeric.has(name) ? "right" : "left", headerFilterPlaceholder: "filter", maxWidth: 320,
    })),
  });
}

const rowsPlace = document.getElementById("every-row");
if (rowsPlace) {
  const build = () => { if (rowsPlace.closest("details").open && !window.everyRow) buildRows(rowsPlace); };
  rowsPlace.closest("details").addEventListener("toggle", build);
}

// A link to a note or a section that is folded away opens it.

function reveal() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let up = target; up; up = up.parentElement) if (up.tagName === "DETAILS") up.open = true;
  if (target) target.scrollIntoView();
}
addEventListener("hashchange", reveal);
reveal();
