// Keeps a page open in a real Chromium, and says what it tells its reader. `node watch.mjs ADDRESS`
// Says "open"; then, when the page has told what is new, JSON of what it says. Closes the page and says "closed"; opens
// it again when a line comes, and says once more what it tells.
import { createInterface } from "node:readline";

import { started } from "./started.mjs";

const browser = await started();
const context = await browser.newContext({ locale: "en-GB", reducedMotion: "reduce" });
const wrong = [];

async function opened() {
  const page = await context.newPage();
  page.on("pageerror", (error) => wrong.push(`${error}`));
  page.on("console", (said) => said.type() === "error" && wrong.push(said.text()));
  await page.goto(process.argv[2]);
  return page;
}

async function told(page) {
  await page.waitForFunction(() => document.getElementById("news").textContent, null, { timeout: 60_000 });
  const shown = await page.evaluate(() => ({
    news: document.getElementById("news").textContent,
    isVisible: document.getElementById("news").checkVisibility(),
    outlined: [...document.querySelectorAll("main a.new")].map((each) => each.dataset.label),
    focused: document.activeElement.dataset?.label ?? null,
    openDetails: document.querySelectorAll("main details[open]").length,
  }));
  console.log(JSON.stringify({ ...shown, wrong }));
}

let page = await opened();
await page.locator("main summary").first().click();
await page.locator("main a[data-label]").last().focus();
console.log("open");
await told(page);
await page.close();
console.log("closed");
for await (const _ of createInterface(process.stdin)) {
  page = await opened();
  await told(page);
  break;
}
await browser.close();
