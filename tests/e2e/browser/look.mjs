// Opens each address in a real Chromium, light and dark, as wide as a phone and as a desk, and lets axe look at it.
// Prints a JSON array of sentences, one for each thing that is wrong. `node look.mjs FOLDER ADDRESS…`; FOLDER gets pictures.
import { readFile, mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

import { started } from "./started.mjs";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const OTHER_SCRIPTS = 'script:not([src="/page.js"])'; // and that one only tells what is new
const MOST_LINKS = 100; // a list of events has as many of one kind
const WIDTHS = { phone: 390, desk: 1100 };
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const [folder, ...addresses] = process.argv.slice(2);
const extraHTTPHeaders = JSON.parse(process.env.LOOK_HEADERS ?? "{}"); // who looks
await mkdir(folder, { recursive: true });

const wrong = [];
const browser = await started();
for (const [number, address] of addresses.entries()) {
  for (const colorScheme of ["light", "dark"]) {
    for (const [device, width] of Object.entries(WIDTHS)) {
      const viewport = { width, height: 900 };
      const how = { colorScheme, viewport, extraHTTPHeaders, bypassCSP: true }; // axe is not the page's own
      const context = await browser.newContext(how);
      const page = await context.newPage();
      page.on("pageerror", (error) => wrong.push(`${address}: ${error}`));
      await page.goto(address);
      if (await page.locator(OTHER_SCRIPTS).count()) wrong.push(`${address}: has a script of another kind`);
      await page.addScriptTag({ content: axe });
      const found = await page.evaluate((tags) => globalThis.axe.run(document, { runOnly: tags }), RULES);
      for (const each of found.violations) {
        wrong.push(`${address} (${colorScheme}, ${device}): ${each.id}: ${each.nodes[0].target}: ${each.help}`);
      }
      const isWider = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      if (isWider) wrong.push(`${address} (${colorScheme}, ${device}): is wider than the screen`);
      await page.screenshot({ path: join(folder, `${number}-${colorScheme}-${device}.png`), fullPage: true });
      await context.close();
    }
  }
}
// What prints on one A4 says so: `data-sheets`. Its picture is as large as an A4 on its side.
for (const [number, address] of addresses.entries()) {
  const page = await browser.newPage({ extraHTTPHeaders });
  await page.goto(address);
  if (await page.locator("[data-sheets]").count()) {
    const pdf = await page.pdf({ preferCSSPageSize: true, path: join(folder, `${number}.pdf`) });
    const sheets = (pdf.toString("latin1").match(/\/Type\s*\/Page[^s]/g) ?? []).length;
    const wanted = Number(await page.locator("[data-sheets]").getAttribute("data-sheets"));
    if (sheets !== wanted) wrong.push(`${address}: prints on ${sheets} pages, not on ${wanted}`);
    await page.setViewportSize({ width: 1123, height: 794 });
    await page.emulateMedia({ media: "print", colorScheme: "light" });
    await page.screenshot({ path: join(folder, `${number}-print.png`) });
  }
  await page.close();
}
// With a keyboard alone each link is reached in the order of the page, and shows that it is; and where less motion is
// asked for nothing moves.
for (const address of addresses) {
  const page = await browser.newPage({ reducedMotion: "reduce", extraHTTPHeaders });
  await page.goto(address);
  const moving = await page.evaluate(
    () =>
      [...document.querySelectorAll("body *")].filter((each) => {
        const { animationName, transitionDuration } = getComputedStyle(each);
        return animationName !== "none" || transitionDuration.split(",").some((one) => parseFloat(one) > 0);
      }).length,
  );
  if (moving) wrong.push(`${address}: ${moving} elements move where less motion is asked for`);
  const links = page.locator("a[href], summary").filter({ visible: true });
  for (let number = 0; number < Math.min(MOST_LINKS, await links.count()); number++) {
    await page.keyboard.press("Tab");
    const link = links.nth(number);
    const is = await link.evaluate((each) => {
      const { outlineStyle, outlineWidth } = getComputedStyle(each);
      return { here: each === document.activeElement, outlined: outlineStyle !== "none" && parseFloat(outlineWidth) >= 1 };
    });
    if (is.here && is.outlined) continue;
    const why = is.here ? "does not show that it has the focus" : "is not reached with the keyboard";
    wrong.push(`${address}: "${await link.textContent()}" ${why}`);
    break; // all that follow are one too far
  }
  await page.close();
}
await browser.close();
console.log(JSON.stringify(wrong));
