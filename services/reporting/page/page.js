// Tells what is new on the page, without loading it again: as it happens, and since this reader was here before.
// Everything on the page can be read without it.
const news = document.getElementById("news");
const lost = document.getElementById("lost");
const address = new URL(news.dataset.live, location.href);
const MOST = 5; // changes that are named
const AGAIN = 15_000; // milliseconds
const FOCUSABLE = "main a, main summary";
const KEPT = "samenspel " + location.pathname + location.search;

/** Which number a link is: one figure can stand in two places. */
const nameOf = (link) => `${link.dataset.label} ${link.pathname}`;
const links = () => [...document.querySelectorAll("main a[data-label]")];

/** Every number that has an explanation: what it is about, and what it says. */
function numbers() {
  return Object.fromEntries(links().map((each) => [nameOf(each), { label: each.dataset.label, said: each.textContent }]));
}

/** Say in words what changed, and outline it. */
function tell(before, sentence) {
  const now = numbers();
  const changed = Object.keys(now).filter((name) => before[name]?.said !== now[name].said);
  const gone = Object.keys(before).filter((name) => !now[name]);
  links().forEach((each) => each.classList.toggle("new", changed.includes(nameOf(each))));
  const named = [
    ...changed.map((name) => `${now[name].label} ${before[name] ? `${before[name].said} → ` : ""}${now[name].said}`),
    ...gone.map((name) => `${before[name].label} ${before[name].said} → ${news.dataset.gone}`),
  ];
  if (!named.length) return;
  const others = named.splice(MOST).length;
  if (others) named.push(news.dataset.others.replace("{number}", others));
  news.textContent = `${sentence} ${named.join("; ")}.`;
}

/** What was shown is kept in this browser alone, and only where it lets us. */
function keep() {
  try {
    localStorage.setItem(KEPT, JSON.stringify({ at: Date.now(), numbers: numbers() }));
  } catch {}
}

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT));
  } catch {
    return null;
  }
}

/** Put what is new in the place of what was, and leave the reader where they were. */
function show({ known, main }) {
  document.getElementById("known").textContent = known;
  if (main === undefined) return; // the same as before
  const before = numbers();
  const at = [...document.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
  const name = document.activeElement?.dataset?.label && nameOf(document.activeElement);
  const open = [...document.querySelectorAll("main details")].map((each) => each.open);
  document.querySelector("main").innerHTML = main;
  document.querySelectorAll("main details").forEach((each, number) => (each.open = open[number] ?? false));
  const same = name ? links().find((each) => nameOf(each) === name) : document.querySelectorAll(FOCUSABLE)[at];
  if (at >= 0) same?.focus({ preventScroll: true });
  tell(before, news.dataset.changed);
  keep();
}

/** A browser listens again by itself, but not where it was refused: then we do, and the page says what it is. */
function listen() {
  const changes = new EventSource(address);
  changes.onmessage = (event) => {
    lost.textContent = "";
    address.searchParams.set("seen", event.lastEventId);
    show(JSON.parse(event.data));
  };
  changes.onopen = () => (lost.textContent = "");
  changes.onerror = () => {
    lost.textContent = lost.dataset.lost;
    if (changes.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN);
  };
}

const before = kept();
if (before?.numbers) {
  const moment = new Date(before.at).toLocaleString(document.documentElement.lang, { dateStyle: "long", timeStyle: "short" });
  tell(before.numbers, news.dataset.since.replace("{moment}", moment));
}
if (location.protocol.startsWith("http")) {
  keep();
  listen();
} else {
  lost.textContent = lost.dataset.saved; // somebody kept the page as a file
}
