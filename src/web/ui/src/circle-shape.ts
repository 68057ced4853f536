// The polygon that stands for a circle, and numbers as people write them. Pure, and tested by tests/e2e/islands.mjs. The service makes
// the same polygon (src/alerts/shape).

const EARTH_KM = 6371.0088;
const SIDES = 72;

/** "-43,35" as well as "-43.35"; undefined for what is none. */
export function readNumber(text: string): number | undefined {
  const trimmed = text.trim().replace(",", ".");
  const number = Number(trimmed);
  return trimmed !== "" && Number.isFinite(number) ? number : undefined;
}

/** Corners on the circle, as [longitude, latitude], without the repetition of the first. */
export function ring(lat: number, lon: number, km: number): [lon: number, lat: number][] {
  const [phi, lambda, reach] = [(lat * Math.PI) / 180, (lon * Math.PI) / 180, km / EARTH_KM];
  return Array.from({ length: SIDES }, (_, side) => {
    const bearing = (-side * 2 * Math.PI) / SIDES;
    const there = Math.asin(Math.sin(phi) * Math.cos(reach) + Math.cos(phi) * Math.sin(reach) * Math.cos(bearing));
    const aside = Math.atan2(Math.sin(bearing) * Math.sin(reach) * Math.cos(phi), Math.cos(reach) - Math.sin(phi) * Math.sin(there));
    return [((lambda + aside) * 180) / Math.PI, (there * 180) / Math.PI];
  });
}
