// A circle by a click: its centre is written into the fields of the form, which work without this file too. What is written there is
// drawn, so the map and the fields say the same.

import { GeoJSONSource, Map as Chart, NavigationControl } from "maplibre-gl";
import { draftLayers, plainCanvas, style, useWorker } from "./draw-style";
import { readNumber, ring } from "./circle-shape";

/** Metres that an arrow key moves the centre, and with the shift key. */
const STEP_PX = 4;

export function startCircle(): void {
  const form = document.querySelector<HTMLFormElement>("form[data-circle]");
  const tools = form?.querySelector<HTMLElement>("[data-circle-tools]");
  const place = form?.querySelector<HTMLElement>("[data-circle-map]");
  const voice = form?.querySelector<HTMLElement>("[data-circle-said]");
  if (!form || !tools || !place || !voice) return;
  tools.hidden = false;
  try {
    useWorker();
    follow(form, place, voice);
  } catch (error) {
    // Without WebGL there are the fields.
    tools.hidden = true;
    console.warn("circle", error);
  }
}

function follow(form: HTMLFormElement, place: HTMLElement, voice: HTMLElement): void {
  const field = (name: string): HTMLInputElement => form.elements.namedItem(name) as HTMLInputElement;
  const bounds = JSON.parse(place.dataset.bounds ?? "null") as [[number, number], [number, number]] | null;
  const chart = new Chart({
    container: place,
    style: style(),
    bounds: bounds ?? [[-74, -34], [-34, 6]],
    fitBoundsOptions: { padding: 30 },
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    maxZoom: 19,
    fadeDuration: 0,
    keyboard: false,
  });
  plainCanvas(chart);
  chart.touchZoomRotate.disableRotation();
  chart.addControl(new NavigationControl({ showCompass: false }), "top-right");
  const given = (): [lat: number, lon: number, km: number] | undefined => {
    const numbers = ["lat", "lon", "radius_km"].map((name) => readNumber(field(name).value));
    return numbers.every((number) => number !== undefined) ? (numbers as [number, number, number]) : undefined;
  };
  const show = (): void => {
    const at = given();
    const shape = at ? [[ring(at[0], at[1], at[2])]] : [];
    chart.getSource<GeoJSONSource>("draft")?.setData(draftLayers(shape, undefined, [], false));
    voice.textContent = at ? (voice.dataset.centre ?? "").replace("{lat}", at[0].toFixed(5)).replace("{lon}", at[1].toFixed(5)).replace("{km}", String(at[2])) : "";
  };
  const put = (lon: number, lat: number): void => {
    field("lat").value = lat.toFixed(6);
    field("lon").value = lon.toFixed(6);
    show();
  };
  chart.on("load", show);
  chart.on("click", (event) => put(event.lngLat.lng, event.lngLat.lat));
  place.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 10 * STEP_PX : STEP_PX;
    const moves: Record<string, [number, number]> = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const move = moves[event.key];
    const at = given();
    if (move && at) {
      const point = chart.project([at[1], at[0]]);
      const to = chart.unproject([point.x + move[0], point.y + move[1]]);
      put(to.lng, to.lat);
    } else if (event.key === "Enter" || (move && !at)) {
      const middle = chart.getCenter();
      put(middle.lng, middle.lat);
    } else if (event.key === "+" || event.key === "=") chart.zoomIn({ animate: false });
    else if (event.key === "-") chart.zoomOut({ animate: false });
    else return;
    event.preventDefault();
  });
  for (const name of ["lat", "lon", "radius_km"]) field(name).addEventListener("input", show);
  new MutationObserver(() => {
    chart.setStyle(style(), { diff: false });
    chart.once("styledata", show);
  }).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}
