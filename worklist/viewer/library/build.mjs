// Makes ../static/cornerstone.js and its licences out of what package-lock.json names.
//
//   node build.mjs INSTALLED OUT
//
// INSTALLED is a folder with node_modules, as `.ci/npm-lock` leaves it; OUT is where both files go.
// The same lock file and entry give the same bytes.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const [installed, out] = process.argv.slice(2).map((path) => resolve(path));
const here = dirname(fileURLToPath(import.meta.url));
const { buildSync } = createRequire(join(installed, "package.json"))("esbuild");

const made = buildSync({
  stdin: { contents: readFileSync(join(here, "entry.js"), "utf8"), resolveDir: installed },
  absWorkingDir: installed,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "none", // they stand in the file of licences
  metafile: true,
  write: false,
});

// --- what is in it ---------------------------------------------------------------------------------

const [output] = Object.values(made.metafile.outputs);
const names = new Set();
for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) {
  const [, inside] = path.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)\//) ?? [];
  if (inside && bytesInOutput) names.add(inside);
}
const packages = [...names].sort().map((name) => {
  const folder = join(installed, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return { name, version, license, text: licenceOf(folder) };
});

// The file of that name; where a package has none, what its README says from that heading on.
function licenceOf(folder) {
  const file = (name) => readdirSync(folder).find((one) => name.test(one));
  const own = file(/^licen[cs]e/i);
  if (own) return readFileSync(join(folder, own), "utf8").trim();
  const readme = readFileSync(join(folder, file(/^readme/i)), "utf8");
  const from = readme.search(/^\W*licen[cs]e/im);
  if (from < 0) throw new Error(`${folder} carries no text of its licence`);
  return readme.slice(from).trim();
}

// --- the two files ---------------------------------------------------------------------------------

const digest = createHash("sha256");
for (const name of ["package-lock.json", "entry.js", "build.mjs"]) digest.update(readFileSync(join(here, name)));
const head = `/*! ${packages.find(({ name }) => name === "@cornerstonejs/core").version}: Cornerstone3D and what it needs; licences in cornerstone.LICENSES.txt; made by make viewer-library from sha256:${digest.digest("hex")} */\n`;
writeFileSync(join(out, "cornerstone.js"), head + made.outputFiles[0].text);
writeFileSync(
  join(out, "cornerstone.LICENSES.txt"),
  packages.map(({ name, version, license, text }) =>
    `${name} ${version}\n${license}\n\n${text}\n`,
  ).join(`\n${"-".repeat(80)}\n\n`),
);
