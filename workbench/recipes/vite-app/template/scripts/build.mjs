// Builds the page twice: for the browser (dist/), and for Node, to put the rendered page into
// dist/index.html. People, search engines and tests get the whole text before any script runs.
import { readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
const page = `${root}dist/index.html`;
const mount = '<div id="root"></div>';
const shared = { root, configLoader: "native" };

process.env.NODE_ENV = "production";
await build({ ...shared });
await build({
  ...shared,
  logLevel: "warn",
  build: { ssr: "src/entry-server.tsx", outDir: "dist-server", emptyOutDir: true },
});
const { render } = await import(pathToFileURL(`${root}dist-server/entry-server.js`).href);

const html = await readFile(page, "utf8");
if (!html.includes(mount)) {
  console.error(`index.html: ${mount} is missing; the page is rendered into it`);
  process.exit(1);
}
await writeFile(page, html.replace(mount, () => `<div id="root">${render()}</div>`));
await rm(`${root}dist-server`, { recursive: true });
console.log("dist/index.html: rendered");
