// Fails when the code would fetch something from outside while it is built or shown: fonts, images, scripts.
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const rules = [
  [/next\/font\/google/, "next/font/google downloads fonts when it builds; use a font stack in CSS"],
  [/(?:src|srcSet|href)=["'{`]+https?:\/\/[^"'`]+\.(?:js|css|png|jpe?g|webp|woff2?)\b/, "loads a file from outside"],
  [/@import\s+(?:url\()?["']?https?:/, "imports a style sheet from outside"],
  [/url\(["']?https?:/, "a style loads a file from outside"],
];
let problems = 0;

for (const folder of ["app", "components", "lib"]) {
  const entries = await readdir(root + folder, { recursive: true }).catch(() => []);
  for (const name of entries.filter((entry) => /\.(?:tsx?|css)$/.test(entry)).sort()) {
    const lines = (await readFile(`${root}${folder}/${name}`, "utf8")).split("\n");
    lines.forEach((line, index) => {
      for (const [pattern, reason] of rules) {
        if (pattern.test(line)) {
          console.error(`${folder}/${name}:${index + 1}: ${reason}`);
          problems += 1;
        }
      }
    });
  }
}
console.log(problems ? `${problems} problems` : "nothing is loaded from outside");
process.exit(problems ? 1 : 0);
