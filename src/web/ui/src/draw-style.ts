// What the drawing map looks like: the areas around it quiet, the drawn one clear, vertices to grasp, crossings marked.

import { setWorkerUrl } from "maplibre-gl";
import type { Map as Chart, StyleSpecification } from "maplibre-gl";
import type { Place, Shape } from "./shape";

export function useWorker(): void {
  setWorkerUrl("/assets/map-worker.js");
}

/** The map's place bears name, focus and keys; the canvas in it would be a second stop with nothing to do. */
export function plainCanvas(chart: Chart): void {
  const canvas = chart.getCanvas();
  canvas.tabIndex = -1;
  canvas.setAttribute("role", "presentation");
  canvas.removeAttribute("aria-label");
}

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "#888";
}

export function style(): StyleSpecification {
  const tiles = (layer: string): string[] => [`${location.origin}/tiles/${layer}/{z}/{x}/{y}?v=draw`];
  const only = (kind: string): ["==", ["get", string], string] => ["==", ["get", "kind"], kind];
  return {
    version: 8,
    sources: {
      areas: { type: "vector", tiles: tiles("areas"), maxzoom: 14 },
      stations: { type: "vector", tiles: tiles("stations"), maxzoom: 12 },
      draft: { type: "geojson", data: { type: "FeatureCollection", features: [] } },
    },
    layers: [
      { id: "land", type: "background", paint: { "background-color": token("--map-land") } },
      { id: "areas", type: "fill", source: "areas", "source-layer": "areas", paint: { "fill-color": token("--ink3"), "fill-opacity": 0.08 } },
      { id: "edges", type: "line", source: "areas", "source-layer": "areas", paint: { "line-color": token("--ink3"), "line-opacity": 0.7, "line-width": 1 } },
      { id: "stations", type: "circle", source: "stations", "source-layer": "stations", paint: { "circle-radius": 5, "circle-color": token("--panel"), "circle-stroke-color": token("--ink2"), "circle-stroke-width": 2 } },
      { id: "inside", type: "fill", source: "draft", filter: only("shape"), paint: { "fill-color": token("--accent"), "fill-opacity": 0.22 } },
      { id: "outline", type: "line", source: "draft", filter: only("side"), paint: { "line-color": token("--accent"), "line-width": 3 } },
      { id: "middles", type: "circle", source: "draft", filter: only("middle"), paint: { "circle-radius": 5, "circle-color": token("--panel"), "circle-opacity": 0.8, "circle-stroke-color": token("--accent"), "circle-stroke-width": 1.5 } },
      { id: "vertices", type: "circle", source: "draft", filter: only("vertex"), paint: { "circle-radius": ["case", ["get", "chosen"], 9, 7], "circle-color": ["case", ["get", "chosen"], token("--accent"), token("--panel")], "circle-stroke-color": token("--accent"), "circle-stroke-width": 3 } },
      { id: "crossings", type: "circle", source: "draft", filter: only("crossing"), paint: { "circle-radius": 13, "circle-color": token("--danger"), "circle-opacity": 0.25, "circle-stroke-color": token("--danger"), "circle-stroke-width": 4 } },
    ],
  };
}

/** Vertices that are shown one by one; of more only the outline is drawn, until somebody simplifies. */
const MOST_SHOWN = 1500;

type Feature = { type: "Feature"; properties: Record<string, unknown>; geometry: { type: "Point"; coordinates: Place } | { type: "Polygon"; coordinates: Place[][] } | { type: "LineString"; coordinates: Place[] } };

export function draftLayers(shape: Shape, chosen: { part: number; ring: number; index: number } | undefined, crossings: Place[], withVertices = true): { type: "FeatureCollection"; features: Feature[] } {
  const features: Feature[] = [];
  const shown = shape.flat().reduce((sum, ring) => sum + ring.length, 0) <= MOST_SHOWN && withVertices;
  const point = (kind: string, coordinates: Place, properties: Record<string, unknown> = {}): void => {
    features.push({ type: "Feature", properties: { kind, ...properties }, geometry: { type: "Point", coordinates } });
  };
  shape.forEach((rings, part) => {
    const closed = rings.map((ring) => [...ring, ring[0] as Place]);
    // An outline that crosses itself has no inside that anybody meant.
    if ((rings[0]?.length ?? 0) >= 3 && crossings.length === 0) features.push({ type: "Feature", properties: { kind: "shape" }, geometry: { type: "Polygon", coordinates: closed } });
    rings.forEach((ring, number) => {
      features.push({ type: "Feature", properties: { kind: "side" }, geometry: { type: "LineString", coordinates: closed[number] as Place[] } });
      if (!shown) return;
      ring.forEach((place, index) => {
        const next = ring[(index + 1) % ring.length] as Place;
        const at = { part, ring: number, index };
        point("vertex", place, { ...at, chosen: chosen?.part === part && chosen.ring === number && chosen.index === index });
        if (ring.length > 2) point("middle", [(place[0] + next[0]) / 2, (place[1] + next[1]) / 2], at);
      });
    });
  });
  for (const place of crossings) point("crossing", place);
  return { type: "FeatureCollection", features };
}

type Answer = { features?: { id?: string; geometry?: { type: string; coordinates: unknown } }[] };

/** The areas around as rings to snap to, without the one that is drawn. */
export function neighbourShape(answer: unknown, own: string | undefined): Shape {
  const shape: Shape = [];
  for (const feature of (answer as Answer).features ?? []) {
    if (!feature.geometry || feature.id === own) continue;
    const parts = feature.geometry.type === "MultiPolygon" ? (feature.geometry.coordinates as Place[][][]) : [feature.geometry.coordinates as Place[][]];
    shape.push(...parts);
  }
  return shape;
}
