// Drawing an area on the map. The text field of the form is the truth: what is drawn is written there, and what is written there is
// drawn. Without this file the form takes coordinates as text, and works.

import { GeoJSONSource, Map as Chart, NavigationControl } from "maplibre-gl";
import type { MapMouseEvent, MapTouchEvent } from "maplibre-gl";
import { startCircle } from "./circle";
import { draftLayers, neighbourShape, plainCanvas, style, useWorker } from "./draw-style";
import { area, count, crossings, MOST_CHECKED, read, round, simplify, snap, write } from "./shape";
import type { Place, Ring, Shape } from "./shape";

type Chosen = { part: number; ring: number; index: number };
type Said = "vertex" | "size" | "crossing" | "open" | "removed" | "added" | "hole" | "simpler" | "snapped" | "unreadable";

const SNAP_PX = 12;
const MOST_UNDONE = 200;
const NEIGHBOURS_FROM_ZOOM = 11;

class Drawing {
  private shape: Shape = [];
  private chosen: Chosen | undefined;
  private past: string[] = [];
  private future: string[] = [];
  private wantsHole = false;
  private dragging = false;
  private neighbours: Shape = [];
  private readonly chart: Chart;
  private checking: AbortController | undefined;
  private timer: number | undefined;

  constructor(
    private readonly form: HTMLFormElement,
    private readonly place: HTMLElement,
    private readonly text: HTMLTextAreaElement,
    private readonly voice: HTMLElement,
  ) {
    this.shape = read(text.value) ?? [];
    const bounds = boundsOf(this.shape) ?? (JSON.parse(place.dataset.bounds ?? "null") as [Place, Place] | null) ?? undefined;
    this.chart = new Chart({
      container: place,
      style: style(),
      bounds: bounds ?? [[-74, -34], [-34, 6]],
      fitBoundsOptions: { padding: 50, maxZoom: 17 },
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      maxZoom: 19,
      fadeDuration: 0,
      keyboard: false,
    });
    plainCanvas(this.chart);
    this.chart.touchZoomRotate.disableRotation();
    this.chart.doubleClickZoom.disable();
    this.chart.addControl(new NavigationControl({ showCompass: false }), "top-right");
    this.chart.on("load", () => {
      this.show();
      void this.loadNeighbours();
      place.classList.add("ready");
    });
    this.chart.on("moveend", () => void this.loadNeighbours());
    this.chart.on("click", (event) => this.click(event));
    this.chart.on("mousedown", (event) => this.press(event));
    this.chart.on("touchstart", (event) => this.press(event));
    this.chart.on("mousemove", (event) => this.hover(event));
    place.addEventListener("keydown", (event) => this.key(event));
    text.addEventListener("input", () => this.typed());
    form.addEventListener("submit", (event) => this.submit(event));
    for (const button of form.querySelectorAll<HTMLButtonElement>("[data-do]")) button.addEventListener("click", () => this.act(button.dataset.do ?? ""));
    this.tolerance?.addEventListener("change", () => this.proposeSimpler());
    new MutationObserver(() => {
      this.chart.setStyle(style(), { diff: false });
      this.chart.once("styledata", () => this.show());
    }).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  }

  private get tolerance(): HTMLSelectElement | null {
    return this.form.querySelector<HTMLSelectElement>("[data-tolerance]");
  }

  private ringOf({ part, ring }: Chosen): Ring | undefined {
    return this.shape[part]?.[ring];
  }

  /** Keeps what was for undoing, then changes. */
  private change(act: () => void): void {
    this.remember();
    act();
    this.changed();
  }

  private remember(): void {
    this.past.push(JSON.stringify(this.shape));
    if (this.past.length > MOST_UNDONE) this.past.shift();
    this.future = [];
  }

  private changed(): void {
    this.shape = this.shape.map((rings) => rings.filter((ring) => ring.length > 0)).filter((rings) => rings.length > 0);
    this.text.value = this.shape.length > 0 ? write(this.shape) : "";
    this.show();
    this.judge();
    this.proposeSimpler();
  }

  private typed(): void {
    const shape = read(this.text.value);
    if (!shape) return this.say("unreadable");
    // What says the same is no step to undo.
    if (JSON.stringify(shape) === JSON.stringify(this.shape)) return this.judge();
    this.remember();
    this.shape = shape;
    this.chosen = undefined;
    this.show();
    this.judge();
    const bounds = boundsOf(shape);
    if (bounds) this.chart.fitBounds(bounds, { padding: 50, maxZoom: 17, animate: false });
  }

  private show(): void {
    const source = (name: string): GeoJSONSource | undefined => this.chart.getSource<GeoJSONSource>(name);
    source("draft")?.setData(draftLayers(this.shape, this.chosen, this.found()));
  }

  private found(): Place[] {
    return count(this.shape) <= MOST_CHECKED ? crossings(this.shape) : [];
  }

  /** Says how it stands, and asks the service once the hand rests. */
  private judge(): void {
    const crossing = this.found()[0];
    const isOpen = this.shape.flat().some((ring) => ring.length < 3) || this.shape.length === 0;
    this.text.setCustomValidity(crossing ? this.words("crossing", { place: written(crossing) }) : "");
    if (crossing) this.say("crossing", { place: written(crossing) });
    else if (isOpen) this.say("open");
    else if (!this.dragging) this.say("size", { n: count(this.shape), km2: this.number(area(this.shape)) });
    window.clearTimeout(this.timer);
    if (!crossing && !isOpen) this.timer = window.setTimeout(() => void this.cover(), 400);
  }

  private number(value: number): string {
    return value.toLocaleString(document.documentElement.lang, { maximumSignificantDigits: 4 });
  }

  private words(key: Said, values: Record<string, string | number> = {}): string {
    const text = this.voice.dataset[key] ?? "";
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
  }

  private say(key: Said, values: Record<string, string | number> = {}): void {
    this.voice.textContent = this.words(key, values);
    this.voice.classList.toggle("bad", key === "crossing" || key === "unreadable");
  }

  private choose(chosen: Chosen | undefined): void {
    this.chosen = chosen;
    this.show();
    const ring = chosen && this.ringOf(chosen);
    const at = chosen && ring?.[chosen.index];
    if (ring && at) this.say("vertex", { i: chosen.index + 1, n: ring.length, lat: at[1].toFixed(5), lon: at[0].toFixed(5) });
  }

  /** Vertices and middles under a point. */
  private hit(event: MapMouseEvent | MapTouchEvent): { kind: string; at: Chosen } | undefined {
    const reach = "touches" in event.originalEvent ? 18 : 9;
    const { x, y } = event.point;
    const box: [[number, number], [number, number]] = [[x - reach, y - reach], [x + reach, y + reach]];
    const layers = ["vertices", "middles"].filter((layer) => this.chart.getLayer(layer));
    const hits = this.chart.queryRenderedFeatures(box, { layers });
    const best = hits.find((feature) => feature.properties.kind === "vertex") ?? hits[0];
    if (!best) return undefined;
    const { part, ring, index, kind } = best.properties as Chosen & { kind: string };
    return { kind, at: { part, ring, index } };
  }

  private hover(event: MapMouseEvent): void {
    if (!this.dragging) this.chart.getCanvas().style.cursor = this.hit(event) ? "move" : "crosshair";
  }

  private press(event: MapMouseEvent | MapTouchEvent): void {
    const hit = this.hit(event);
    if (!hit) return;
    event.preventDefault();
    const before = JSON.stringify(this.shape);
    let at = hit.at;
    if (hit.kind === "middle") {
      const ring = this.ringOf(at);
      const [a, b] = [ring?.[at.index], ring?.[(at.index + 1) % (ring?.length ?? 1)]];
      if (!ring || !a || !b) return;
      at = { ...at, index: at.index + 1 };
      ring.splice(at.index, 0, round([(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]));
    }
    this.choose(at);
    this.dragging = true;
    let moved = hit.kind === "middle";
    const move = (next: MapMouseEvent | MapTouchEvent): void => {
      const ring = this.ringOf(at);
      if (!ring) return;
      moved = true;
      ring[at.index] = this.snapped([next.lngLat.lng, next.lngLat.lat]);
      this.show();
    };
    const [moves, ends] = event.type === "touchstart" ? (["touchmove", "touchend"] as const) : (["mousemove", "mouseup"] as const);
    this.chart.on(moves, move);
    this.chart.once(ends, () => {
      this.chart.off(moves, move);
      this.dragging = false;
      if (!moved) return;
      this.past.push(before);
      this.future = [];
      this.changed();
    });
  }

  private click(event: MapMouseEvent): void {
    this.place.focus({ preventScroll: true });
    if (this.hit(event)) return;
    const place = this.snapped([event.lngLat.lng, event.lngLat.lat]);
    if (this.wantsHole) return this.startHole(place);
    const at = this.chosen;
    const ring = at && this.ringOf(at);
    // A finished outline grows only by its middles: a stray click adds no vertex to it.
    const growing = ring && ring.length < 3 ? at : this.openRing();
    if (this.shape.length > 0 && !growing) return this.choose(undefined);
    this.change(() => {
      if (!growing) {
        this.shape.push([[place]]);
        this.chosen = { part: this.shape.length - 1, ring: 0, index: 0 };
        return;
      }
      const line = this.ringOf(growing)!;
      line.splice(growing.index + 1, 0, place);
      this.chosen = { ...growing, index: growing.index + 1 };
    });
  }

  /** The ring that is being drawn: the one whose last vertex is chosen, as long as nobody chose another. */
  private openRing(): Chosen | undefined {
    const ring = this.chosen && this.ringOf(this.chosen);
    return this.chosen && ring && this.chosen.index === ring.length - 1 ? this.chosen : undefined;
  }

  private startHole(place: Place): void {
    this.wantsHole = false;
    this.change(() => {
      const part = this.shape.length > 1 ? Math.max(0, this.shape.findIndex(([outline]) => outline && holds(outline, place))) : 0;
      this.shape[part]?.push([place]);
      this.chosen = { part, ring: (this.shape[part]?.length ?? 1) - 1, index: 0 };
    });
  }

  private snapped(place: Place): Place {
    const wants = this.form.querySelector<HTMLInputElement>("[data-snap]")?.checked;
    const metresPerPixel = (40_075_017 * Math.cos((place[1] * Math.PI) / 180)) / (512 * 2 ** this.chart.getZoom());
    const to = wants ? snap(place, this.neighbours, SNAP_PX * metresPerPixel) : undefined;
    if (to) this.say("snapped");
    return to ?? round(place);
  }

  private key(event: KeyboardEvent): void {
    if (event.altKey || event.metaKey || (event.ctrlKey && event.key.toLowerCase() !== "z" && event.key.toLowerCase() !== "y")) return;
    const step = event.shiftKey ? 10 : 1;
    const moves: Record<string, [number, number]> = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const move = moves[event.key];
    if (move && this.chosen) this.nudge(move);
    else if (event.key.toLowerCase() === "n") this.walk(1);
    else if (event.key.toLowerCase() === "p") this.walk(-1);
    else if (event.key === "Insert") this.act("insert");
    else if (event.key === "Delete" || event.key === "Backspace") this.act("remove");
    else if (event.key.toLowerCase() === "z") this.act(event.shiftKey ? "redo" : "undo");
    else if (event.key.toLowerCase() === "y") this.act("redo");
    else if (event.key === "+" || event.key === "=") this.chart.zoomIn({ animate: false });
    else if (event.key === "-") this.chart.zoomOut({ animate: false });
    else if (event.key === "Escape") this.choose(undefined);
    else return;
    event.preventDefault();
  }

  private nudge([dx, dy]: [number, number]): void {
    const at = this.chosen!;
    const ring = this.ringOf(at);
    const from = ring?.[at.index];
    if (!ring || !from) return;
    const point = this.chart.project(from);
    const to = this.chart.unproject([point.x + dx, point.y + dy]);
    this.change(() => (ring[at.index] = round([to.lng, to.lat])));
    if (this.found().length === 0) this.choose(at);
  }

  private walk(by: number): void {
    const all: Chosen[] = this.shape.flatMap((rings, part) => rings.flatMap((ring, number) => ring.map((_, index) => ({ part, ring: number, index }))));
    if (all.length === 0) return this.say("open");
    const now = all.findIndex((one) => one.part === this.chosen?.part && one.ring === this.chosen.ring && one.index === this.chosen.index);
    const next = all[(now + by + all.length) % all.length];
    this.choose(now < 0 ? all[0] : next);
    const at = this.chosen && this.ringOf(this.chosen)?.[this.chosen.index];
    if (at && !this.chart.getBounds().contains(at)) this.chart.panTo(at, { animate: false });
  }

  private act(name: string): void {
    const at = this.chosen;
    const ring = at && this.ringOf(at);
    if (name === "undo") return this.travel(this.past, this.future);
    if (name === "redo") return this.travel(this.future, this.past);
    if (name === "hole" && this.shape.length > 0) {
      this.wantsHole = true;
      return this.say("hole");
    }
    if (name === "simplify") return this.change(() => (this.shape = simplify(this.shape, Number(this.tolerance?.value ?? 0))));
    if (!at || !ring) return;
    if (name === "remove") {
      this.change(() => ring.splice(at.index, 1));
      this.chosen = ring.length > 0 ? { ...at, index: Math.min(at.index, ring.length - 1) } : undefined;
      this.show();
      if (this.found().length === 0) this.say("removed");
    }
    if (name === "insert" && ring.length > 1) {
      const [a, b] = [ring[at.index]!, ring[(at.index + 1) % ring.length]!];
      this.change(() => ring.splice(at.index + 1, 0, round([(a[0] + b[0]) / 2, (a[1] + b[1]) / 2])));
      this.choose({ ...at, index: at.index + 1 });
    }
  }

  private travel(from: string[], to: string[]): void {
    const then = from.pop();
    if (then === undefined) return;
    to.push(JSON.stringify(this.shape));
    this.shape = JSON.parse(then) as Shape;
    if (this.chosen && !this.ringOf(this.chosen)?.[this.chosen.index]) this.chosen = undefined;
    this.changed();
  }

  /** What a simpler shape would be: fewer vertices, and how much ground it moves. */
  private proposeSimpler(): void {
    const metres = Number(this.tolerance?.value ?? 0);
    const told = this.form.querySelector<HTMLElement>("[data-simplified]");
    const button = this.form.querySelector<HTMLElement>("[data-do=simplify]");
    if (!told || !button) return;
    told.hidden = button.hidden = metres === 0;
    if (metres === 0) return;
    const simple = simplify(this.shape, metres);
    const difference = Math.abs(area(simple) - area(this.shape));
    told.textContent = this.words("simpler", { from: count(this.shape), to: count(simple), km2: this.number(difference) });
    button.toggleAttribute("disabled", crossings(simple).length > 0 || count(simple) === count(this.shape));
  }

  private async loadNeighbours(): Promise<void> {
    if (this.chart.getZoom() < NEIGHBOURS_FROM_ZOOM) return;
    const own = (this.form.elements.namedItem("code") as HTMLInputElement | null)?.value;
    const box = this.chart.getBounds().toArray().flat().map((number) => number.toFixed(5)).join(",");
    const answer = await fetch(`/ogc/collections/areas/items?limit=200&bbox=${box}`).catch(() => undefined);
    if (!answer?.ok) return;
    this.neighbours = neighbourShape(await answer.json(), own);
  }

  /** Asks the service what the shape would cover. */
  private async cover(): Promise<void> {
    this.checking?.abort();
    this.checking = new AbortController();
    const code = (this.form.elements.namedItem("code") as HTMLInputElement | null)?.value ?? "";
    const body = JSON.stringify({ code, geometry: JSON.parse(write(this.shape)) as unknown });
    const headers = { "content-type": "application/json", csrf: this.form.dataset.csrf ?? "" };
    try {
      const answer = await fetch("/api/v1/area-checks", { method: "POST", headers, body, signal: this.checking.signal });
      if (answer.ok) this.tell((await answer.json()) as Covered);
    } catch {
      // Another change came first, or the line is down; the form says what is wrong when it is sent.
    }
  }

  private tell({ wrong, check }: Covered): void {
    const card = this.form.querySelector<HTMLElement>("[data-draw-cover]");
    if (!card) return;
    card.hidden = !check;
    if (wrong) {
      this.voice.textContent = `${wrong.message} ${wrong.value}`;
      this.voice.classList.add("bad");
    }
    if (!check) return;
    const put = (name: string, text: string): void => {
      const field = card.querySelector<HTMLElement>(`[data-cover=${name}]`);
      if (field) field.textContent = text || (card.querySelector<HTMLElement>("[data-none]")?.dataset.none ?? "–");
    };
    const inside = check.stations.filter((station) => station.distance_m === 0);
    const near = check.stations.filter((station) => station.distance_m > 0).slice(0, 3);
    put("size", `${this.number(check.area_km2)} km²`);
    put("vertices", String(check.vertices));
    put("residents", check.residents.toLocaleString(document.documentElement.lang));
    put("inside", inside.map((station) => station.name).join(", "));
    put("near", near.map((station) => `${station.name} (${this.number(station.distance_m / 1000)} km)`).join(", "));
    put("overlaps", check.overlaps.join(", "));
  }

  private submit(event: Event): void {
    const crossing = this.found()[0];
    if (!crossing) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.say("crossing", { place: written(crossing) });
    this.chart.panTo(crossing, { animate: false });
  }
}

type Station = { code: string; name: string; distance_m: number };
type Covered = {
  wrong: { value: string; message: string } | null;
  check: { area_km2: number; vertices: number; residents: number; stations: Station[]; overlaps: string[] } | null;
};

const written = ([lon, lat]: Place): string => `${lat.toFixed(5)}, ${lon.toFixed(5)}`;

function holds(ring: Ring, [x, y]: Place): boolean {
  let inside = false;
  ring.forEach(([ax, ay], index) => {
    const [bx, by] = ring[(index + 1) % ring.length] as Place;
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  });
  return inside;
}

function boundsOf(shape: Shape): [Place, Place] | undefined {
  const places = shape.flat(2);
  if (places.length === 0) return undefined;
  const [lons, lats] = [places.map(([lon]) => lon), places.map(([, lat]) => lat)];
  return [
    [Math.min(...lons), Math.min(...lats)],
    [Math.max(...lons), Math.max(...lats)],
  ];
}

function start(): void {
  const form = document.querySelector<HTMLFormElement>("form[data-draw]");
  const tools = form?.querySelector<HTMLElement>("[data-draw-tools]");
  const place = form?.querySelector<HTMLElement>("[data-draw-map]");
  const text = form?.querySelector<HTMLTextAreaElement>("[data-draw-text]");
  const voice = form?.querySelector<HTMLElement>("[data-draw-said]");
  if (!form || !tools || !place || !text || !voice) return;
  tools.hidden = false;
  try {
    useWorker();
    new Drawing(form, place, text, voice);
  } catch (error) {
    // Without WebGL there is the text field.
    tools.hidden = true;
    console.warn("draw", error);
  }
}

start();
startCircle();
