// Bundles the libraries of package-lock.json into ui.js, editor.js and uplot.css, and records where they come from in
// vendor.json. `make vendor` runs it after `npm ci`, which verifies the integrity of each package.
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const BUNDLES = ["ui", "editor"];

/** @param {string} path @returns {string} */
function computeDigest(path) {
  return `sha384-${createHash("sha384").update(readFileSync(path)).digest("base64")}`;
}

/** @param {string} directory @returns {string} */
function readLicense(directory) {
  const name = readdirSync(directory).find((entry) => /^licen[cs]e/i.test(entry));
  return name ? readFileSync(`${directory}/${name}`, "utf8").trim() : "";
}

const packages = new Map();
for (const name of BUNDLES) {
  const result = await build({
    entryPoints: [`${name}.entry.js`],
    outfile: `${name}.js`,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    metafile: true,
  });
  for (const input of Object.keys(result.metafile.inputs)) {
    const match = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (match) packages.set(match[1], [...(packages.get(match[1]) ?? []), name]);
  }
}
copyFileSync("node_modules/uplot/dist/uPlot.min.css", "uplot.css");

const lock = JSON.parse(readFileSync("package-lock.json", "utf8")).packages;
const licenses = [];
const entries = [...packages.keys()].sort().map((name) => {
  const { version, license, integrity } = lock[`node_modules/${name}`];
  licenses.push(`${name} ${version} (${license})\n\n${readLicense(`node_modules/${name}`)}`);
  return { name, version, license, integrity, bundles: [...new Set(packages.get(name))] };
});
const files = Object.fromEntries(
  [...BUNDLES.map((name) => `${name}.js`), "uplot.css"].filter(existsSync).map((path) => [path, computeDigest(path)]),
);
writeFileSync("vendor.json", `${JSON.stringify({ files, packages: entries }, null, 2)}\n`);
writeFileSync("LICENSES.txt", `${licenses.join("\n\n---\n\n")}\n`);
