// A Chromium of its own. One that dies before it shows anything says nothing of a page: then another one is started.
process.env.AWS_LAMBDA_JS_RUNTIME ??= "nodejs22.x"; // it then brings its own libraries along
const { default: chromium } = await import("@sparticuz/chromium");
const { chromium: browsers } = await import("playwright-core");

const QUIETLY = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--no-first-run"];
const TRIES = 3;
const START_MS = 30_000;

export async function started() {
  const how = { executablePath: await chromium.executablePath(), args: QUIETLY, timeout: START_MS };
  for (let attempt = 1; ; attempt++) {
    try {
      return await browsers.launch(how);
    } catch (error) {
      if (attempt === TRIES) throw error;
    }
  }
}
