// The live map over the service's own vector tiles. The page already holds a drawn map (SVG); this one takes its place
// when WebGL works, and the drawn one stays otherwise.

import { Map as Chart, Marker, NavigationControl, setWorkerUrl } from "maplibre-gl";
import type { ExpressionSpecification, GeoJSONSource, GeoJSONSourceSpecification, MapGeoJSONFeature, StyleSpecification } from "maplibre-gl";
import { onEvent } from "./live";

setWorkerUrl("/assets/map-worker.js");

const LEVELS = ["normal", "unknown", "observation", "attention", "alert", "maximum"] as const;
type Level = (typeof LEVELS)[number];
const OPACITY: Record<Level, number> = { normal: 0.1, unknown: 0, observation: 0.24, attention: 0.36, alert: 0.52, maximum: 0.64 };

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "#888";
}

function byLevel<T>(pick: (level: Level) => T): ExpressionSpecification {
  const arms = LEVELS.flatMap((level) => [level, pick(level)]);
  return ["match", ["get", "level"], ...arms, pick("normal")] as unknown as ExpressionSpecification;
}

/** What the publisher says; grey where it says none. */
const OWN_COLOUR = ["case", ["==", ["get", "colour"], ""], "#888888", ["get", "colour"]] as unknown as ExpressionSpecification;

/** No gauge speaks for some hazard of the area, whatever its level for another; or nothing was ever judged. */
const DARK = ["any", ["!=", ["get", "blind"], ""], ["==", ["get", "level"], "unknown"]] as unknown as ExpressionSpecification;

const colour = (level: Level): string => token(`--lv-${level}`);

function style(version: string): StyleSpecification {
  const origin = location.origin;
  const tiles = (layer: string): string[] => [`${origin}/tiles/${layer}/{z}/{x}/{y}?v=${version}`];
  return {
    version: 8,
    sources: {
      areas: { type: "vector", tiles: tiles("areas"), maxzoom: 14, promoteId: { areas: "id" } },
      stations: { type: "vector", tiles: tiles("stations"), maxzoom: 12, promoteId: { stations: "code" } },
      warnings: { type: "vector", tiles: tiles("warnings"), maxzoom: 10 },
    },
    layers: [
      { id: "land", type: "background", paint: { "background-color": token("--map-land") } },
      { id: "areas", type: "fill", source: "areas", "source-layer": "areas", paint: { "fill-color": byLevel(colour), "fill-opacity": byLevel((level) => OPACITY[level]) } },
      { id: "blind", type: "fill", source: "areas", "source-layer": "areas", filter: DARK, paint: { "fill-pattern": "hatch" } },
      // Other institutions' warnings lie under our own levels: a dashed edge in their own colour, hardly any fill.
      { id: "warned", type: "fill", source: "warnings", "source-layer": "warnings", paint: { "fill-color": OWN_COLOUR, "fill-opacity": 0.06 } },
      { id: "warned-edge", type: "line", source: "warnings", "source-layer": "warnings", paint: { "line-color": OWN_COLOUR, "line-width": 2, "line-dasharray": [3, 2] } },
      { id: "edges", type: "line", source: "areas", "source-layer": "areas", paint: { "line-color": byLevel(colour), "line-opacity": 0.75, "line-width": ["interpolate", ["linear"], ["zoom"], 10, 0.8, 14, 2] } },
      { id: "chosen", type: "line", source: "areas", "source-layer": "areas", filter: ["==", ["get", "id"], -1], paint: { "line-color": token("--ink"), "line-width": ["interpolate", ["linear"], ["zoom"], 10, 1.8, 14, 4] } },
      { id: "names", type: "symbol", source: "areas", "source-layer": "labels", minzoom: 11.4, layout: { "icon-image": ["concat", "name|", ["get", "level"], "|", ["get", "name"]], "symbol-sort-key": ["-", 10, ["get", "rank"]], "icon-padding": 6 } },
      { id: "stations", type: "symbol", source: "stations", "source-layer": "stations", layout: { "icon-image": ["concat", "gauge|", ["get", "fresh"], "|", ["get", "shown"]], "icon-allow-overlap": true } },
    ],
  };
}

/** Pictures the style asks for by name are drawn when they are first needed, so no fonts or sprites are fetched. */
function draw(chart: Chart, id: string): void {
  if (chart.hasImage(id)) return;
  const [kind = "", first = "", text = ""] = id.split("|");
  const image =
    kind === "hatch" ? hatch() : kind === "gauge" ? gauge(first, text) : kind === "name" ? label(first as Level, text) : null;
  if (image) chart.addImage(id, image, { pixelRatio: 2 });
}

function canvas(width: number, height: number): CanvasRenderingContext2D {
  const element = document.createElement("canvas");
  element.width = width;
  element.height = height;
  const context = element.getContext("2d");
  if (!context) throw new Error("no canvas");
  return context;
}

function pixels(context: CanvasRenderingContext2D): ImageData {
  return context.getImageData(0, 0, context.canvas.width, context.canvas.height);
}

function hatch(): ImageData {
  const size = 24;
  const context = canvas(size, size);
  context.strokeStyle = colour("unknown");
  context.lineWidth = 4;
  context.beginPath();
  for (const shift of [-size, 0, size]) {
    context.moveTo(shift - 4, size + 4);
    context.lineTo(shift + size + 4, -4);
  }
  context.stroke();
  return pixels(context);
}

const FONT = "'Atkinson Hyperlegible Next Variable', system-ui, sans-serif";

/** A silent gauge is a dashed ring with a cross; a doubtful one shows its value with a question mark in the corner. */
function gauge(state: string, shown: string): ImageData {
  const fresh = state !== "false";
  const size = 52;
  const context = canvas(size, size);
  context.translate(size / 2, size / 2);
  context.beginPath();
  context.arc(0, 0, 22, 0, 7);
  context.fillStyle = token("--panel");
  context.fill();
  context.lineWidth = 3;
  context.strokeStyle = fresh ? token("--ink") : colour("unknown");
  if (!fresh) context.setLineDash([6, 5]);
  context.stroke();
  context.setLineDash([]);
  if (fresh) {
    context.fillStyle = token("--ink");
    context.font = `700 ${shown.length > 3 ? 18 : 22}px ${FONT}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(shown, 0, 1);
  } else {
    context.beginPath();
    for (const sign of [-1, 1]) {
      context.moveTo(-7, -7 * sign);
      context.lineTo(7, 7 * sign);
    }
    context.stroke();
  }
  if (state === "doubt") {
    context.beginPath();
    context.arc(16, -16, 9, 0, 7);
    context.fillStyle = token("--ink");
    context.fill();
    context.fillStyle = token("--panel");
    context.font = `800 16px ${FONT}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText("?", 16, -15);
  }
  return pixels(context);
}

function label(level: Level, text: string): ImageData {
  const font = `600 24px ${FONT}`;
  const ruler = canvas(1, 1);
  ruler.font = font;
  const mark = level === "normal" ? 0 : 26;
  const context = canvas(Math.ceil(ruler.measureText(text).width) + 16 + mark, 38);
  context.font = font;
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 6;
  context.strokeStyle = token("--map-land");
  context.strokeText(text, 8 + mark, 20);
  context.fillStyle = token("--ink");
  context.fillText(text, 8 + mark, 20);
  if (mark) shape(context, level);
  return pixels(context);
}

const SHAPES: Record<Level, string> = {
  normal: "",
  unknown: "M2 2l8 8M10 2l-8 8",
  observation: "M2 2h8v8h-8z",
  attention: "M6 1l5 10H1z",
  alert: "M6 0l6 6-6 6-6-6z",
  maximum: "M4 0h4l4 4v4l-4 4H4L0 8V4z",
};

function shape(context: CanvasRenderingContext2D, level: Level): void {
  context.save();
  context.translate(6, 8);
  context.scale(1.9, 1.9);
  const path = new Path2D(SHAPES[level]);
  context.lineWidth = 3;
  context.stroke(path);
  context.lineWidth = 2;
  context.strokeStyle = colour(level);
  context.fillStyle = colour(level);
  if (level === "unknown") context.stroke(path);
  else context.fill(path);
  context.restore();
}

/** Layers that a switch of the page may hide, with whether they show. */
const hidden = new Set<string>();

function showLayers(chart: Chart): void {
  for (const id of ["warned", "warned-edge"]) {
    if (chart.getLayer(id)) chart.setLayoutProperty(id, "visibility", hidden.has(id) ? "none" : "visible");
  }
}

/** The switches of the page. A part of it that is exchanged brings its switch anew, so what was chosen is said again. */
function switchLayers(chart: Chart): void {
  const box = (target: EventTarget | null): HTMLInputElement | null =>
    target instanceof HTMLInputElement && target.dataset.mapLayer !== undefined ? target : null;
  document.addEventListener("change", (event) => {
    const given = box(event.target);
    if (!given) return;
    for (const id of (given.dataset.mapLayer ?? "").split(" ")) {
      if (given.checked) hidden.delete(id);
      else hidden.add(id);
    }
    showLayers(chart);
  });
  document.addEventListener("sentinela:refreshed", () => {
    for (const one of document.querySelectorAll<HTMLInputElement>("input[data-map-layer]")) {
      one.checked = !(one.dataset.mapLayer ?? "").split(" ").some((id) => hidden.has(id));
    }
  });
}

type Bounds = [[number, number], [number, number]];

function startMap(place: HTMLElement): void {
  const bounds = JSON.parse(place.dataset.bounds ?? "null") as Bounds | null;
  const chosen = (): number[] => (place.dataset.chosen ?? "").split(",").filter(Boolean).map(Number);
  const host = document.createElement("div");
  host.className = "chart";
  place.append(host);
  const chart = new Chart({
    container: host,
    style: style(place.dataset.version ?? "0"),
    bounds: bounds ?? [[-74, -34], [-34, 6]],
    fitBoundsOptions: { padding: room(place) },
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    maxZoom: 16,
    fadeDuration: 0,
    locale: { "Map.Title": place.querySelector("svg")?.getAttribute("aria-label") ?? "", "NavigationControl.ZoomIn": place.dataset.zoomIn ?? "+", "NavigationControl.ZoomOut": place.dataset.zoomOut ?? "-" },
  });
  chart.touchZoomRotate.disableRotation();
  chart.addControl(new NavigationControl({ showCompass: false }), "top-right");
  chart.setMissingStyleImageResolver((id) => draw(chart, id));
  chart.once("idle", () => place.classList.add("ready"));
  switchLayers(chart);
  chart.on("load", () => {
    choose(chart, chosen());
    showLayers(chart);
    void showShape(chart, place);
    void showUnreached(chart, place);
  });
  if (place.dataset.pinMap !== undefined) takePin(chart, place);
  else interact(chart, place);
  keepFresh(chart, place, chosen);
}

/** Leaves what lies over the map uncovered. */
function room(place: HTMLElement): { top: number; right: number; bottom: number; left: number } {
  const edge = Number(place.dataset.padding ?? 24);
  const panel = document.getElementById(place.dataset.link ?? "");
  const lies = panel && !panel.hidden && getComputedStyle(panel).position === "absolute";
  const covered = lies ? panel.offsetHeight + 16 : 0;
  return { top: edge, right: edge, bottom: edge + Math.min(covered, place.offsetHeight / 2), left: edge };
}

function choose(chart: Chart, ids: number[]): void {
  chart.setFilter("chosen", ["in", ["get", "id"], ["literal", ids]]);
}

/** A touch sets the pin, and says where: for forms that ask for a place. */
function takePin(chart: Chart, place: HTMLElement): void {
  const pin = new Marker({ color: token("--danger"), draggable: true });
  const tell = (): void => {
    const { lat, lng } = pin.getLngLat();
    // Nobody sets a pin exacter than a finger is wide, however far the map is out.
    const metresPerPixel = (40_075_017 * Math.cos((lat * Math.PI) / 180)) / (512 * 2 ** chart.getZoom());
    place.dispatchEvent(new CustomEvent("sentinela:pin", { detail: { lat, lng, accuracy: 12 * metresPerPixel } }));
  };
  chart.getCanvas().style.cursor = "crosshair";
  pin.on("dragend", tell);
  chart.on("click", (event) => {
    pin.setLngLat(event.lngLat).addTo(chart);
    tell();
  });
}

function interact(chart: Chart, place: HTMLElement): void {
  if (place.dataset.link === undefined) return;
  for (const layer of ["stations", "areas"]) {
    chart.on("mouseenter", layer, () => (chart.getCanvas().style.cursor = "pointer"));
    chart.on("mouseleave", layer, () => (chart.getCanvas().style.cursor = ""));
  }
  chart.on("click", (event) => {
    const hits = chart.queryRenderedFeatures(event.point, { layers: ["stations", "areas"] });
    const hit = hits[0];
    if (hit) void open(chart, hit, place);
  });
}

/** Shows the page of an area or station in the panel over the map: the same page that its own address has. */
async function open(chart: Chart, hit: MapGeoJSONFeature, place: HTMLElement): Promise<void> {
  const isArea = hit.layer.id === "areas";
  const address = isArea ? `/console/areas/${hit.properties.id}` : `/console/stations/${hit.properties.code}`;
  if (isArea) choose(chart, [Number(hit.properties.id)]);
  const panel = document.getElementById(place.dataset.link ?? "");
  if (!panel) return location.assign(address);
  const answer = await fetch(address, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const detail = fresh.getElementById("detail");
  const inside = panel.querySelector(".inside");
  if (!detail || !inside) return location.assign(address);
  inside.replaceChildren(document.importNode(detail, true));
  panel.hidden = false;
  panel.querySelector<HTMLElement>("[data-hide]")?.focus({ preventScroll: true });
}

/** What an alert holds for beside risk areas, and dashed what its message will carry of it all. */
async function showShape(chart: Chart, place: HTMLElement): Promise<void> {
  if (!place.dataset.shape) return;
  const answer = await fetch(place.dataset.shape).catch(() => undefined);
  if (!answer?.ok || chart.getSource("shape")) return;
  chart.addSource("shape", { type: "geojson", data: (await answer.json()) as GeoJSONSourceSpecification["data"] });
  const own = ["all", ["==", ["get", "kind"], "place"], ["!=", ["get", "source"], "risk_area"]] as unknown as ExpressionSpecification;
  const sent = ["==", ["get", "kind"], "sent"] as unknown as ExpressionSpecification;
  chart.addLayer({ id: "own", type: "fill", source: "shape", filter: own, paint: { "fill-color": token("--accent"), "fill-opacity": 0.2 } });
  chart.addLayer({ id: "own-edge", type: "line", source: "shape", filter: own, paint: { "line-color": token("--ink"), "line-width": 2 } });
  chart.addLayer({ id: "sent", type: "line", source: "shape", filter: sent, paint: { "line-color": token("--ink"), "line-width": 2, "line-dasharray": [2, 2] } });
}

/** How many of a square nothing reached: the more, the darker; the number stands in it. */
async function showUnreached(chart: Chart, place: HTMLElement): Promise<void> {
  if (!place.dataset.unreached) return;
  const answer = await fetch(place.dataset.unreached).catch(() => undefined);
  if (!answer?.ok) return;
  const data = (await answer.json()) as GeoJSONSourceSpecification["data"];
  const known = chart.getSource<GeoJSONSource>("unreached");
  if (known) return void known.setData(data);
  const shade = ["interpolate", ["linear"], ["get", "unreached"], 1, 0.25, 50, 0.75] as unknown as ExpressionSpecification;
  chart.addSource("unreached", { type: "geojson", data });
  chart.addLayer({ id: "unreached", type: "fill", source: "unreached", paint: { "fill-color": token("--danger"), "fill-opacity": shade } }, "names");
  chart.addLayer({ id: "unreached-edge", type: "line", source: "unreached", paint: { "line-color": token("--danger"), "line-width": 1 } }, "names");
  chart.addLayer({ id: "unreached-count", type: "symbol", source: "unreached", minzoom: 12, layout: { "icon-image": ["concat", "name|alert|", ["to-string", ["get", "unreached"]]], "icon-allow-overlap": true } });
  place.dispatchEvent(new CustomEvent("sentinela:unreached"));
}

function keepFresh(chart: Chart, place: HTMLElement, chosen: () => number[]): void {
  let dirty = new Set<string>();
  let timer: number | undefined;
  const reload = (): void => {
    timer = undefined;
    const version = String(Date.now());
    for (const source of dirty) {
      const tiles = [`${location.origin}/tiles/${source}/{z}/{x}/{y}?v=${version}`];
      (chart.getSource(source) as { setTiles?: (tiles: string[]) => void } | undefined)?.setTiles?.(tiles);
    }
    dirty = new Set();
  };
  const soon = (...sources: string[]): void => {
    for (const source of sources) dirty.add(source);
    timer ??= window.setTimeout(reload, 1200);
  };
  let unreached: number | undefined;
  const recount = (): void => {
    unreached = undefined;
    void showUnreached(chart, place);
  };
  onEvent((event) => {
    if (event.kind === "levels" || event.kind === "catalogue" || event.kind === "reload") soon("areas", "stations");
    if (event.kind === "journal") soon("stations");
    if (event.kind === "warning" || event.kind === "reload") soon("warnings");
    // Counted at most once a minute over there; asking more often brings the same.
    if (event.kind === "delivery" && place.dataset.unreached) unreached ??= window.setTimeout(recount, 10_000);
  });
  // An area goes blind without a change of its level; the page that comes each half minute says so by its version.
  let version = place.dataset.version;
  document.addEventListener("sentinela:refreshed", (event) => {
    const now = (event as CustomEvent<Document>).detail.querySelector<HTMLElement>("[data-map]")?.dataset.version;
    if (now === undefined || now === version) return;
    version = now;
    soon("areas");
  });
  // A change of theme changes every colour of the style.
  new MutationObserver(() => {
    chart.setStyle(style(String(Date.now())), { diff: false });
    chart.once("styledata", () => {
      choose(chart, chosen());
      void showShape(chart, place);
      void showUnreached(chart, place);
      showLayers(chart);
    });
  }).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  place.addEventListener("sentinela:choose", (event) => choose(chart, (event as CustomEvent<number[]>).detail));
}

document.addEventListener("click", (event) => {
  const hide = event.target instanceof Element ? event.target.closest("[data-hide]") : null;
  const panel = hide?.closest<HTMLElement>("[data-panel]");
  if (panel) panel.hidden = true;
});

/** Starts every map the page asks for. Without WebGL the drawn map stays; it holds the same areas. */
export function startMaps(): void {
  for (const place of document.querySelectorAll<HTMLElement>("[data-map]:not(.started)")) {
    place.classList.add("started");
    try {
      startMap(place);
    } catch (error) {
      console.warn("map", error);
    }
  }
}

startMaps();
