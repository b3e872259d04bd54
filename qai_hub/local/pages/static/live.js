// Parts of a page that follow what happens: the page is fetched anew, and those that have changed
// are replaced.

const trusted = window.trustedTypes?.createPolicy("hub", { createHTML: (html) => html });

// A page of this hub is taken as it is: its server has escaped all that others wrote.
function parsePage(html) {
  return new DOMParser().parseFromString(trusted ? trusted.createHTML(html) : html, "text/html");
}

// ---- What people have done with a part ----------------------------------------------------------

// What an element is known by, in a part and in the one that replaces it.
function mark(element) {
  const names = ["id", "href", "value", "aria-label", "aria-controls"];
  return names.map((name) => element.getAttribute(name)).find(Boolean) ?? element.textContent;
}

function findAgain(part, element) {
  const key = mark(element);
  return [...part.querySelectorAll(element.localName)].find((each) => mark(each) === key);
}

// Notes what people have done with a part, and returns what does the same with another.
function remember(part) {
  const all = (selector) => [...part.querySelectorAll(selector)];
  const steps = [];
  for (const old of all("input[type=checkbox]:not([data-choose])")) {
    const { checked } = old;
    steps.push([old, (each) => { each.checked = checked; each.dispatchEvent(new Event("change")); }]);
  }
  for (const old of all("table[data-sortable] th[aria-sort]")) {
    const order = old.getAttribute("aria-sort");
    const at = all("table").indexOf(old.closest("table"));
    steps.push([null, () => {
      const head = part.querySelectorAll("table")[at]?.tHead.rows[0].cells[old.cellIndex];
      const button = head?.querySelector("button");
      for (let click = 0; button && click < 2 && head.getAttribute("aria-sort") !== order; click += 1) {
        button.click();
      }
    }]);
  }
  for (const old of all("input[data-search]")) {
    const { value } = old;
    if (value) steps.push([old, (each) => { each.value = value; each.dispatchEvent(new Event("input")); }]);
  }
  for (const old of all("details")) {
    const { open } = old;
    steps.push([old.querySelector("summary"), (each) => { each.parentElement.open = open; }]);
  }
  for (const old of all(".scroll, .log")) {
    const { scrollLeft, scrollTop } = old;
    if (scrollLeft || scrollTop) steps.push([old, (each) => { each.scrollTo(scrollLeft, scrollTop); }]);
  }
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  return () => {
    for (const [old, redo] of steps) {
      const each = old && findAgain(part, old);
      if (each || !old) redo(each);
    }
    // Of what is gone, the focus goes to the content, and not to the top of the page.
    const next = focused && (findAgain(part, focused) ?? document.getElementById("main"));
    next?.focus({ preventScroll: true });
  };
}

// ---- Replacing parts ------------------------------------------------------------------------------

const received = new Map();
let enliven;

function replaceParts(page) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(part.id);
    if (!fresh || received.get(part.id) === fresh.outerHTML) continue;
    received.set(part.id, fresh.outerHTML);
    const repeat = remember(part);
    const before = part.querySelector("[data-announce]")?.textContent;
    if (fresh.dataset.poll) part.dataset.poll = fresh.dataset.poll;
    else delete part.dataset.poll;
    part.replaceChildren(...document.adoptNode(fresh).childNodes);
    enliven(part);
    repeat();
    const now = part.querySelector("[data-announce]")?.textContent;
    if (now !== before) document.getElementById("announcement").textContent = now ?? "";
  }
}

let fetching = false;
let again = false;

async function refresh() {
  if (fetching) {
    again = true;
    return;
  }
  fetching = true;
  try {
    const response = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (response.redirected || response.status === 404) {
      location.reload();
      return;
    }
    if (response.ok) replaceParts(parsePage(await response.text()));
  } catch {
    // The hub cannot be reached: the stream of events says so.
  } finally {
    fetching = false;
    lookAgain();
    if (again) {
      again = false;
      refresh();
    }
  }
}

// ---- When to look ---------------------------------------------------------------------------------

// Files that are being read have no event.
let looking;

function lookAgain() {
  clearTimeout(looking);
  if (document.querySelector("[data-refresh]")) looking = setTimeout(refresh, 700);
}

// What has no event of its own, such as the log of a job that runs, is looked at now and then.
function poll() {
  const seconds = document.querySelector("[data-poll]")?.dataset.poll;
  if (seconds && !document.hidden) refresh();
  setTimeout(poll, 1000 * (seconds ?? 5));
}

function listen(isFirst) {
  const state = document.getElementById("live-state");
  const events = new EventSource("/live/");
  let isFresh = isFirst;
  events.addEventListener("open", () => {
    state.textContent = "";
    // Something may have happened while there was no connection.
    if (!isFresh) refresh();
    isFresh = false;
  });
  events.addEventListener("error", () => {
    state.textContent = "No live updates at the moment.";
    // A browser gives up where it was refused.
    if (events.readyState === EventSource.CLOSED) setTimeout(refresh, 10_000);
  });
  events.addEventListener("jobs", refresh);
  return events;
}

// Follow the live parts of this page; `enlivenPart` is done to each that was replaced.
export function follow(enlivenPart) {
  enliven = enlivenPart;
  const parts = document.querySelectorAll("[data-live]");
  lookAgain();
  setTimeout(poll, 1000);
  if (parts.length === 0) return;
  for (const part of parts) received.set(part.id, part.outerHTML);
  let events = null;
  let isFirst = true;
  // A browser opens few connections to one host, so only pages that somebody looks at have a stream.
  const connect = () => {
    if (document.hidden) {
      events?.close();
      events = null;
    } else if (events === null) {
      events = listen(isFirst);
      isFirst = false;
    }
  };
  document.addEventListener("visibilitychange", connect);
  connect();
}
