// Bundles the islands and styles into dist/. Chunks and fonts carry a hash in their name (folder h/), entries do not.
import { build } from "esbuild";
import { copyFile, mkdir, rm } from "node:fs/promises";

const out = new URL("./dist/", import.meta.url).pathname;
await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });

const common = { bundle: true, minify: true, target: "es2022", outdir: out, publicPath: "/assets", logLevel: "warning", legalComments: "none" };

await build({
  ...common,
  entryPoints: { main: "src/main.ts", map: "src/map.ts", draw: "src/draw.ts" },
  format: "esm",
  splitting: true,
  chunkNames: "h/[name]-[hash]",
});
await build({
  ...common,
  entryPoints: { app: "src/app.css", map: "src/map.css", field: "src/field/field.css" },
  loader: { ".woff2": "file" },
  assetNames: "h/[name]-[hash]",
});
// The app of the field is one file, so that what is kept of it for times without a network is whole; its worker is a plain script.
await build({ ...common, entryPoints: { field: "src/field/app.ts" }, format: "esm" });
await build({ ...common, entryPoints: { "field-worker": "src/field/worker.ts" }, format: "iife" });
// The map's worker is a module of its own: the content policy allows workers from this very service only.
await build({ ...common, entryPoints: { "map-worker": "maplibre-gl/dist/maplibre-gl-worker.mjs" }, format: "esm" });
await copyFile(new URL("./src/icon.svg", import.meta.url), out + "icon.svg");
