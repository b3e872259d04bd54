// What pages do beyond being read: local times, sortable tables, copying, menus.

import { follow } from "./live.js";

// ---- Times ------------------------------------------------------------------------------------

const moments = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const minutes = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function duration(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function showTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.title = time.dateTime;
    time.textContent = (time.closest("table") ? minutes : moments).format(new Date(time.dateTime));
  }
}

function showRunning(root) {
  for (const each of root.querySelectorAll("[data-since]")) {
    each.textContent = duration((Date.now() - Date.parse(each.dataset.since)) / 1000);
  }
}

// ---- Tables -----------------------------------------------------------------------------------

function cellValue(row, index) {
  const cell = row.cells[index];
  const value = cell.dataset.value ?? cell.textContent.trim();
  const number = Number(value);
  return value === "" || Number.isNaN(number) ? value : number;
}

function compare(one, other) {
  if (typeof one === typeof other) return one < other ? -1 : one > other ? 1 : 0;
  // Numbers come before what has none.
  return typeof one === "number" ? -1 : 1;
}

function sortTable(table, index, descending) {
  const body = table.tBodies[0];
  const sign = descending ? -1 : 1;
  const rows = [...body.rows];
  rows.sort((one, other) => {
    const [a, b] = [cellValue(one, index), cellValue(other, index)];
    // What has no value stays at the end in either order.
    if (a === "" || b === "") return a === b ? 0 : a === "" ? 1 : -1;
    return sign * compare(a, b);
  });
  body.append(...rows);
  [...table.tHead.rows[0].cells].forEach((head, at) => {
    if (at === index) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  });
}

function makeSortable(root) {
  for (const table of root.querySelectorAll("table[data-sortable]")) {
    [...table.tHead.rows[0].cells].forEach((head, index) => {
      if (head.querySelector("button, input")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        sortTable(table, index, head.getAttribute("aria-sort") === "ascending");
      });
    });
  }
}

function makeSearchable(root) {
  for (const label of root.querySelectorAll("[data-search]")) {
    const table = document.getElementById(label.dataset.search) ?? root.querySelector(`#${label.dataset.search}`);
    const input = label.querySelector("input");
    label.hidden = false;
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/);
      for (const row of table.tBodies[0].rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
    });
  }
}

// ---- Choosing ---------------------------------------------------------------------------------

function makeChoosable(root) {
  for (const all of root.querySelectorAll("[data-choose]")) {
    const boxes = [...all.closest("table").querySelectorAll(`input[name="${all.dataset.choose}"]`)];
    const tell = () => {
      const chosen = boxes.filter((box) => box.checked).length;
      all.checked = chosen > 0 && chosen === boxes.length;
      all.indeterminate = chosen > 0 && chosen < boxes.length;
    };
    all.hidden = false;
    all.addEventListener("change", () => {
      for (const box of boxes) box.checked = all.checked;
    });
    for (const box of boxes) box.addEventListener("change", tell);
    tell();
  }
}

// ---- Copying ----------------------------------------------------------------------------------

function makeCopyable(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.parentElement.querySelector("pre").textContent);
      const label = button.textContent;
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = label; }, 1500);
    });
  }
}

function enliven(root) {
  showTimes(root);
  showRunning(root);
  makeSortable(root);
  makeSearchable(root);
  makeChoosable(root);
  makeCopyable(root);
}

// ---- Menus ------------------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.activeElement.closest("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// ---- Graphs -----------------------------------------------------------------------------------

// The frame has an origin of its own, so that it is known by its window alone.
const graph = document.querySelector("iframe[data-model]");
addEventListener("message", async (event) => {
  if (!graph || event.source !== graph.contentWindow || event.data !== "ready") return;
  const response = await fetch(graph.dataset.model);
  if (!response.ok) return;
  const file = new File([await response.blob()], graph.dataset.name);
  graph.contentWindow.postMessage({ file }, "*");
});

// ---- Signing in -------------------------------------------------------------------------------

document.querySelector("form[data-submit]")?.requestSubmit();

// The parts are noted as they came, before anything in them is changed.
follow(enliven);
enliven(document);
setInterval(() => showRunning(document), 1000);
