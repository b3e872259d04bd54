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
      // Without scripts, a link has the server sort the table.
      button.append(...(head.querySelector("a") ?? head).childNodes);
      head.replaceChildren(button);
      // Of numbers, people look for the largest.
      const first = head.dataset.first ?? (head.matches(".number") ? "descending" : "ascending");
      button.addEventListener("click", () => {
        const order = head.getAttribute("aria-sort");
        sortTable(table, index, order ? order === "ascending" : first === "descending");
      });
    });
  }
}

function makeSearchable(root) {
  for (const input of root.querySelectorAll("input[data-search]")) {
    input.closest("label").hidden = false;
    const place = document.getElementById(input.dataset.search);
    const table = place.matches("table") ? place : place.querySelector("table");
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/);
      for (const row of table.tBodies[0].rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
    });
  }
}

// ---- Bars and rows -------------------------------------------------------------------------------

// What is pointed at, focused or chosen among the bars of a chart or the rows of its table is lit in
// both.
function lightUp(element) {
  const chosen = location.hash && document.getElementById(location.hash.slice(1));
  const bars = new Set([element, chosen].map((each) => each?.closest?.("[data-bar]")?.dataset.bar));
  for (const each of document.querySelectorAll("[data-bar]")) {
    each.classList.toggle("lit", bars.has(each.dataset.bar));
  }
}

for (const name of ["pointerover", "focusin"]) {
  document.addEventListener(name, (event) => lightUp(event.target));
}
addEventListener("hashchange", () => lightUp(null));

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
  lightUp(null);
}

// ---- Menus ------------------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.activeElement.closest("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// ---- Frames -----------------------------------------------------------------------------------

// The frame has an origin of its own, so that it is known by its window alone.
const frame = document.querySelector("iframe[data-file]");
addEventListener("message", async (event) => {
  if (!frame || event.source !== frame.contentWindow || event.data !== "ready") return;
  const response = await fetch(frame.dataset.file);
  if (!response.ok) return;
  const file = new File([await response.blob()], frame.dataset.name);
  frame.contentWindow.postMessage({ file }, "*");
});

// ---- Perfetto ---------------------------------------------------------------------------------

const PERFETTO = "https://ui.perfetto.dev";

async function openInPerfetto({ perfetto, name, title }) {
  const state = document.getElementById("perfetto-state");
  // Before anything is waited for: browsers open windows upon a click alone.
  const opened = open(PERFETTO);
  if (!opened) {
    state.textContent = "Your browser has kept Perfetto from opening.";
    return;
  }
  const response = await fetch(perfetto);
  if (!response.ok) {
    state.textContent = "The trace cannot be read any more.";
    return;
  }
  const buffer = await response.arrayBuffer();
  // It says when it is ready to those who ask.
  const asking = setInterval(() => {
    if (opened.closed) stop();
    else opened.postMessage("PING", PERFETTO);
  }, 100);
  const answer = (event) => {
    if (event.source !== opened || event.origin !== PERFETTO || event.data !== "PONG") return;
    stop();
    opened.postMessage({ perfetto: { buffer, title, fileName: name } }, PERFETTO);
  };
  const stop = () => {
    clearInterval(asking);
    removeEventListener("message", answer);
  };
  addEventListener("message", answer);
}

for (const button of document.querySelectorAll("[data-perfetto]")) {
  button.hidden = false;
  button.addEventListener("click", () => openInPerfetto(button.dataset));
}

// ---- Signing in -------------------------------------------------------------------------------

document.querySelector("form[data-submit]")?.requestSubmit();

// The parts are noted as they came, before anything in them is changed.
follow(enliven);
enliven(document);
setInterval(() => showRunning(document), 1000);
