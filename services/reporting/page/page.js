// Tells what is new on the page, without loading it again: as it happens, and since this reader was here before.
// Everything on the page can be read without it.
const news = document.getElementById("news");
const MOST = 5; // changes that are named
const KEPT = "samenspel " + location.pathname + location.search;

/** Every number that has an explanation: what it is about, and what it says. */
function numbers() {
  const found = [...document.querySelectorAll("main a[data-label]")];
  return Object.fromEntries(found.map((each) => [each.pathname, { label: each.dataset.label, said: each.textContent }]));
}

/** Say in words what changed, and outline it. */
function tell(before, sentence) {
  const now = numbers();
  const changed = Object.keys(now).filter((key) => before[key] && before[key].said !== now[key].said);
  for (const each of document.querySelectorAll("main a[data-label]")) {
    each.classList.toggle("new", changed.includes(each.pathname));
  }
  if (!changed.length) return;
  const named = changed.slice(0, MOST).map((key) => `${now[key].label} ${before[key].said} → ${now[key].said}`);
  if (changed.length > MOST) named.push(news.dataset.others.replace("{number}", changed.length - MOST));
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
  const before = numbers();
  const focused = document.activeElement?.getAttribute("href");
  const open = [...document.querySelectorAll("main details")].map((each) => each.open);
  document.getElementById("known").textContent = known;
  document.querySelector("main").innerHTML = main;
  document.querySelectorAll("main details").forEach((each, number) => (each.open = open[number] ?? false));
  const links = [...document.querySelectorAll("main a")];
  if (focused) links.find((each) => each.getAttribute("href") === focused)?.focus({ preventScroll: true });
  tell(before, news.dataset.changed);
  keep();
}

const before = kept();
if (before?.numbers) {
  const moment = new Date(before.at).toLocaleString(document.documentElement.lang, { dateStyle: "long", timeStyle: "short" });
  tell(before.numbers, news.dataset.since.replace("{moment}", moment));
}
keep();
new EventSource(news.dataset.live).onmessage = (event) => show(JSON.parse(event.data));
