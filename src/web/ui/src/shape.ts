// The shape that somebody draws: rings of places, what is wrong with them, and simpler ones. Pure, and tested by tests/e2e/islands.mjs.

export type Place = [lon: number, lat: number];
/** Without the repetition of the first place at the end. */
export type Ring = Place[];
/** Polygons; of each the outline first, then its holes. */
export type Shape = Ring[][];

/** Metres of a degree of latitude. */
const DEGREE_M = 111_195;
/** Vertices up to which every change looks for crossings at once. */
export const MOST_CHECKED = 3000;

/** Reads GeoJSON or lines of "latitude, longitude"; undefined where it cannot. The service reads the same (src/areas/text.rs). */
export function read(text: string): Shape | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return [];
  if (!trimmed.startsWith("{")) return readLines(trimmed);
  try {
    return fromGeoJson(JSON.parse(trimmed) as unknown);
  } catch {
    return undefined;
  }
}

type Loose = { type?: string; coordinates?: unknown; geometry?: unknown; features?: unknown[] };

function fromGeoJson(value: unknown): Shape | undefined {
  const given = value as Loose;
  if (given.features?.length === 1) return fromGeoJson(given.features[0]);
  if (given.geometry) return fromGeoJson(given.geometry);
  const open = (ring: Place[]): Ring => {
    const places = ring.map(([lon, lat]): Place => [lon, lat]);
    const [first, last] = [places[0], places.at(-1)];
    return first && last && places.length > 1 && same(first, last) ? places.slice(0, -1) : places;
  };
  if (given.type === "Polygon") return [(given.coordinates as Place[][]).map(open)];
  if (given.type === "MultiPolygon") return (given.coordinates as Place[][][]).map((rings) => rings.map(open));
  return undefined;
}

function readLines(text: string): Shape | undefined {
  const rings: Ring[] = [[]];
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === "") {
      if (rings.at(-1)?.length) rings.push([]);
      continue;
    }
    const place = readPlace(line.trim());
    if (!place) return undefined;
    rings.at(-1)?.push(place);
  }
  const full = rings.filter((ring) => ring.length > 0);
  return full.length > 0 ? [full] : [];
}

function readPlace(line: string): Place | undefined {
  const parts = line.includes(";") ? line.split(";") : /^[^\s,]+,[^\s,]+$/.test(line) ? line.split(",") : line.includes(", ") ? line.split(", ") : line.split(/\s+/);
  if (parts.length !== 2) return undefined;
  const [lat, lon] = parts.map((part) => Number(part.trim().replace(/,$/, "").replace(",", "."))) as [number, number];
  return Number.isFinite(lat) && Number.isFinite(lon) ? [lon, lat] : undefined;
}

/** As GeoJSON, rings closed; seven digits are a centimetre. What was not touched keeps its digits. */
export function write(shape: Shape): string {
  const closed = shape.map((rings) => rings.filter((ring) => ring.length > 0).map((ring) => [...ring, ring[0]])).filter((rings) => rings.length > 0);
  return JSON.stringify(closed.length === 1 ? { type: "Polygon", coordinates: closed[0] } : { type: "MultiPolygon", coordinates: closed });
}

export const round = ([lon, lat]: Place): Place => [Math.round(lon * 1e7) / 1e7, Math.round(lat * 1e7) / 1e7];

const same = (a: Place, b: Place): boolean => a[0] === b[0] && a[1] === b[1];

/** Places where outlines cross, at most so many. */
export function crossings(shape: Shape, most = 20): Place[] {
  const sides: { ring: number; index: number; last: number; a: Place; b: Place }[] = [];
  shape.flat().forEach((ring, number) => {
    if (ring.length < 3) return;
    ring.forEach((a, index) => sides.push({ ring: number, index, last: ring.length - 1, a, b: ring[(index + 1) % ring.length] as Place }));
  });
  sides.sort((one, other) => Math.min(one.a[0], one.b[0]) - Math.min(other.a[0], other.b[0]));
  const found: Place[] = [];
  for (let i = 0; i < sides.length && found.length < most; i += 1) {
    const one = sides[i]!;
    const east = Math.max(one.a[0], one.b[0]);
    for (let j = i + 1; j < sides.length && found.length < most; j += 1) {
      const other = sides[j]!;
      if (Math.min(other.a[0], other.b[0]) > east) break;
      const gap = Math.abs(one.index - other.index);
      const neighbours = one.ring === other.ring && (gap <= 1 || gap === one.last);
      const at = neighbours ? foldedBack(one, other) : meet(one.a, one.b, other.a, other.b);
      if (at) found.push(at);
    }
  }
  return found;
}

/** Neighbours share a vertex and may; a side that runs back over the one before it may not. */
function foldedBack(one: { a: Place; b: Place }, other: { a: Place; b: Place }): Place | undefined {
  const shared = same(one.b, other.a) ? one.b : same(other.b, one.a) ? one.a : undefined;
  if (!shared) return undefined;
  const [p, q] = same(one.b, other.a) ? [one.a, other.b] : [other.a, one.b];
  const [ux, uy, vx, vy] = [p[0] - shared[0], p[1] - shared[1], q[0] - shared[0], q[1] - shared[1]];
  const isBack = Math.abs(ux * vy - uy * vx) < 1e-18 && ux * vx + uy * vy > 0;
  return isBack || same(one.a, one.b) || same(other.a, other.b) ? shared : undefined;
}

function meet(a: Place, b: Place, c: Place, d: Place): Place | undefined {
  const [rx, ry, sx, sy] = [b[0] - a[0], b[1] - a[1], d[0] - c[0], d[1] - c[1]];
  const cross = rx * sy - ry * sx;
  const [qx, qy] = [c[0] - a[0], c[1] - a[1]];
  if (cross === 0) {
    // On one line they may lie over each other.
    if (qx * ry - qy * rx !== 0) return undefined;
    const long = rx * rx + ry * ry;
    const [t0, t1] = [(qx * rx + qy * ry) / long, ((d[0] - a[0]) * rx + (d[1] - a[1]) * ry) / long];
    return Math.max(0, Math.min(t0, t1)) <= Math.min(1, Math.max(t0, t1)) ? (t0 >= 0 && t0 <= 1 ? c : d) : undefined;
  }
  const t = (qx * sy - qy * sx) / cross;
  const u = (qx * ry - qy * rx) / cross;
  return t >= 0 && t <= 1 && u >= 0 && u <= 1 ? [a[0] + t * rx, a[1] + t * ry] : undefined;
}

/** Square kilometres on a plane at the shape's own latitude; the service's figure is the ellipsoid's. */
export function area(shape: Shape): number {
  const latitude = shape[0]?.[0]?.[0]?.[1] ?? 0;
  const scale = (DEGREE_M * DEGREE_M * Math.cos((latitude * Math.PI) / 180)) / 1e6;
  const one = (ring: Ring): number => {
    let twice = 0;
    const [ox, oy] = ring[0] ?? [0, 0];
    ring.forEach(([x, y], index) => {
      const [u, v] = ring[(index + 1) % ring.length] as Place;
      twice += (x - ox) * (v - oy) - (u - ox) * (y - oy);
    });
    return Math.abs(twice / 2) * scale;
  };
  return shape.reduce((sum, [outline, ...holes]) => sum + one(outline ?? []) - holes.reduce((all, hole) => all + one(hole), 0), 0);
}

export const count = (shape: Shape): number => shape.flat().reduce((sum, ring) => sum + ring.length, 0);

/** Fewer vertices, none of the old ones farther from the new outline than so many metres (Douglas and Peucker 1973). */
export function simplify(shape: Shape, metres: number): Shape {
  return shape.map((rings) => rings.map((ring) => simplifyRing(ring, metres)));
}

function simplifyRing(ring: Ring, metres: number): Ring {
  if (ring.length < 5) return ring;
  // A ring has no ends: its first place and the one farthest from it serve as such.
  let far = 0;
  ring.forEach((place, index) => {
    if (distance(place, ring[0]!, ring[0]!) > distance(ring[far]!, ring[0]!, ring[0]!)) far = index;
  });
  const there = simplifyLine(ring.slice(0, far + 1), metres);
  const back = simplifyLine([...ring.slice(far), ring[0]!], metres);
  const simple = [...there.slice(0, -1), ...back.slice(0, -1)];
  return simple.length >= 3 ? simple : ring;
}

function simplifyLine(line: Place[], metres: number): Place[] {
  const keep = new Set([0, line.length - 1]);
  const open: [number, number][] = [[0, line.length - 1]];
  while (open.length > 0) {
    const [from, to] = open.pop()!;
    let [far, most] = [0, metres];
    for (let index = from + 1; index < to; index += 1) {
      const away = distance(line[index]!, line[from]!, line[to]!);
      if (away > most) [far, most] = [index, away];
    }
    if (far > 0) {
      keep.add(far);
      open.push([from, far], [far, to]);
    }
  }
  return line.filter((_, index) => keep.has(index));
}

/** Metres from a place to a side. */
export function distance(place: Place, a: Place, b: Place): number {
  const near = nearest(place, a, b);
  const wide = Math.cos((place[1] * Math.PI) / 180);
  return Math.hypot((place[0] - near[0]) * wide, place[1] - near[1]) * DEGREE_M;
}

/** The place of a side that lies nearest. */
export function nearest(place: Place, a: Place, b: Place): Place {
  const wide = Math.cos((place[1] * Math.PI) / 180);
  const [x, y, u, v] = [(b[0] - a[0]) * wide, b[1] - a[1], (place[0] - a[0]) * wide, place[1] - a[1]];
  const long = x * x + y * y;
  const t = long === 0 ? 0 : Math.min(1, Math.max(0, (u * x + v * y) / long));
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t];
}

/** A vertex of a neighbour within so many metres, or else the nearest place of a side of it. */
export function snap(place: Place, neighbours: Shape, metres: number): Place | undefined {
  let [vertex, vertexAway, side, sideAway]: [Place | undefined, number, Place | undefined, number] = [undefined, metres, undefined, metres];
  for (const ring of neighbours.flat()) {
    ring.forEach((a, index) => {
      const away = distance(place, a, a);
      if (away < vertexAway) [vertex, vertexAway] = [a, away];
      const b = ring[(index + 1) % ring.length] as Place;
      const beside = distance(place, a, b);
      if (beside < sideAway) [side, sideAway] = [nearest(place, a, b), beside];
    });
  }
  return vertex ?? side;
}
