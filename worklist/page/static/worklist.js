// Follows the screen: swaps the parts that changed, keeps scroll position and keyboard focus,
// tells when a study has become urgent, and says honestly when the page is no longer live.
"use strict";

(() => {
  const address = document.currentScript.dataset.live;
  const SILENT_AFTER_MS = 30000; // three heartbeats
  const rows = document.querySelector("[data-rows]");
  const live = document.getElementById("live");
  const words = document.getElementById("words").dataset;
  const announcement = document.getElementById("announcement");
  let source = null;
  let heardAt = Date.now();
  let unnoticed = false; // a new urgent study that nobody has been here to see
  let title = document.title;
  let urgent = null; // how many urgent studies there are in all, when the screen says so

  // --- time -----------------------------------------------------------------------------------

  const language = document.documentElement.lang;
  const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const day = new Intl.DateTimeFormat(language, {
    year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit",
  });

  const fill = (pattern, values) => pattern.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  function distance(seconds, ahead = seconds < 0) {
    const size = Math.abs(seconds);
    if (size < 10) return ahead ? words.soon : words.now;
    let [pattern, n] = [words.days, size / 86400];
    if (size < 90) [pattern, n] = [words.seconds, size];
    else if (size < 5400) [pattern, n] = [words.minutes, size / 60];
    else if (size < 129600) [pattern, n] = [words.hours, size / 3600];
    return fill(ahead ? words.ahead : words.ago, { time: fill(pattern, { n: Math.round(n) }) });
  }

  function tellTimes(within) {
    for (const time of within.querySelectorAll("time[data-since], time[data-due]")) {
      const moment = new Date(time.dateTime);
      const seconds = (Date.now() - moment) / 1000;
      // What was due is being done: "12 s ago" would sound like something forgotten.
      const told = "due" in time.dataset ? distance(Math.min(seconds, 0), true) : distance(Math.max(seconds, 0));
      if (time.textContent !== told) time.textContent = told;
      time.title = day.format(moment);
    }
    for (const time of within.querySelectorAll("time[data-at]")) {
      const moment = new Date(time.dateTime);
      const today = moment.toDateString() === new Date().toDateString();
      const told = today ? clock.format(moment) : day.format(moment);
      if (time.textContent !== told) time.textContent = told;
    }
  }

  // --- swapping parts ---------------------------------------------------------------------------

  const partOf = (key) => document.querySelector(`[data-part="${CSS.escape(key)}"]`);

  function elementOf(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content.firstElementChild;
  }

  // A picture that stays the same must not blink: the element that has it already is kept.
  function keepPictures(before, after) {
    for (const picture of after.querySelectorAll("img")) {
      const shown = before.querySelector(`img[src="${CSS.escape(picture.getAttribute("src"))}"]`);
      if (shown) picture.replaceWith(shown);
    }
  }

  function keepOpen(before, after) {
    for (const details of before.querySelectorAll("details[open][id]")) {
      const same = after.querySelector(`#${CSS.escape(details.id)}`);
      if (same) same.open = true;
    }
  }

  function swap(key, digest, html) {
    const before = partOf(key);
    if (before && before.dataset.digest === digest) return;
    // Nothing is taken from under the fingers of somebody who fills in a form.
    if (before && before.matches("form") && before.contains(document.activeElement)) return;
    const after = elementOf(html);
    tellTimes(after);
    if (before) {
      keepPictures(before, after);
      keepOpen(before, after);
      before.replaceWith(after);
    } else if (rows) {
      rows.append(after);
    }
    if (before || rows) after.classList.add("changed");
  }

  function arrange(order) {
    const wanted = new Set(order);
    for (const row of [...rows.children]) if (!wanted.has(row.dataset.part)) row.remove();
    order.forEach((key, index) => {
      const row = partOf(key);
      const there = rows.children[index];
      if (row && row !== there) rows.insertBefore(row, there || null);
    });
  }

  // What the reader looks at stays where it is on the screen.
  function keepingPlace(change) {
    const focused = document.activeElement;
    const focusedId = focused && focused !== document.body ? focused.id : "";
    const anchor = window.scrollY > 0 && rows
      ? [...rows.children].find((row) => row.getBoundingClientRect().bottom > 0) : null;
    const anchorKey = anchor && anchor.dataset.part;
    const top = anchor && anchor.getBoundingClientRect().top;
    change();
    const again = focusedId && document.getElementById(focusedId);
    if (again && document.activeElement !== again) again.focus({ preventScroll: true });
    const moved = anchorKey && partOf(anchorKey);
    if (moved) window.scrollBy(0, moved.getBoundingClientRect().top - top);
  }

  // --- a new urgent study -------------------------------------------------------------------------

  const urgentKeys = () =>
    new Set([...document.querySelectorAll('[data-kind="urgent"]')].map((part) => part.dataset.part));

  const textOf = (row, selector) => (row.querySelector(selector)?.textContent || "").replace(/\s+/g, " ").trim();

  function announce(before, total) {
    const fresh = [...urgentKeys()].filter((key) => !before.has(key)).map(partOf);
    const told = fresh.map((row) => {
      if (!row.classList.contains("row")) return words.thisUrgent;
      row.classList.add("arrived");
      return fill(words.urgent, { study: textOf(row, ".open"), found: textOf(row, ".found .lead") });
    });
    const elsewhere = total !== null && urgent !== null ? total - urgent - fresh.length : 0;
    if (elsewhere > 0) told.push(words.elsewhere);
    if (!told.length) return;
    announcement.textContent = told.join(" ");
    unnoticed = true;
    document.dispatchEvent(new CustomEvent("new-urgent"));
  }

  // The tab carries a mark until somebody has been at the page.
  function tellTitle() {
    const told = unnoticed ? `● ${title}` : title;
    if (document.title !== told) document.title = told;
  }

  for (const sign of ["pointerdown", "keydown", "pointermove"]) {
    document.addEventListener(sign, () => {
      if (!unnoticed) return;
      unnoticed = false;
      tellTitle();
    }, { passive: true });
  }

  // --- the stream -----------------------------------------------------------------------------

  function show(state, told) {
    if (live.dataset.state === state) return;
    live.dataset.state = state;
    live.querySelector(".words").textContent = told;
  }

  function heard() {
    heardAt = Date.now();
    show("live", words.live);
  }

  function notLive() {
    show("lost", fill(words.lost, { time: clock.format(heardAt) }));
  }

  function apply(event) {
    const screen = JSON.parse(event.data);
    const before = urgentKeys();
    keepingPlace(() => {
      for (const [key, [digest, html]] of Object.entries(screen.parts)) swap(key, digest, html);
      if (rows && screen.order) arrange(screen.order);
    });
    announce(before, screen.urgent);
    urgent = screen.urgent;
    title = `${screen.title} – Firstread`;
    tellTitle();
    heard();
  }

  function connect() {
    if (source) return;
    source = new EventSource(address);
    source.addEventListener("parts", apply);
    source.addEventListener("alive", heard);
    source.addEventListener("signed-out", signIn);
    source.addEventListener("unavailable", () => show("lost", words.unavailable));
    source.addEventListener("error", () => {
      notLive();
      if (source && source.readyState === EventSource.CLOSED) disconnect();
    });
  }

  // The session has ended: what stands on the screen is not for whoever comes next.
  function signIn() {
    disconnect();
    const here = window.location.pathname + window.location.search;
    window.location.replace(`/sign-in?next=${encodeURIComponent(here)}`);
  }

  function disconnect() {
    if (source) source.close();
    source = null;
  }

  // A browser keeps only six connections to one server: a study in a hidden tab gives its own
  // back. The list keeps it, because it announces what is urgent.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) connect();
    else if (!rows) disconnect();
  });
  window.addEventListener("pagehide", disconnect);
  window.addEventListener("pageshow", connect);

  setInterval(() => tellTimes(document), 1000);

  setInterval(() => {
    if (document.hidden && !rows) return;
    if (Date.now() - heardAt > SILENT_AFTER_MS) notLive();
    connect();
  }, 5000);

  // --- keyboard ---------------------------------------------------------------------------------

  const STEPS = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 };

  // Where nothing has been chosen yet the first line is: it is the one that waits most urgently.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !rows || event.ctrlKey || event.altKey || event.metaKey) return;
    if (![document.body, document.getElementById("main")].includes(document.activeElement)) return;
    rows.querySelector("a.open")?.click();
  });

  document.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!rows || !step || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest("input, select, textarea, dialog")) return;
    const links = [...rows.querySelectorAll("a.open")];
    const at = links.indexOf(document.activeElement);
    const letter = event.key.length === 1;
    if (at < 0 && !letter) return; // outside the list the arrows scroll, as everywhere
    const next = links[at < 0 ? 0 : at + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.closest("tr").scrollIntoView({ block: "nearest" });
  });

  tellTimes(document);
  connect();
})();
