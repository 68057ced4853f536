// What the telephone knows of itself: where it is and where it looks. Both may be missing, and then a hand gives them.

import type { Point } from "./types";

/** A guess by the network is no place to send anybody to. */
const FAR_M = 3000;

let last: { place: Point; at: number } | undefined;
let bearing: { degrees: number; at: number } | undefined;
let watching = false;

/** Where it is now; null when it does not say. */
export function locate(): Promise<Point | null> {
  return new Promise((done) => {
    if (!("geolocation" in navigator)) return done(null);
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        if (coords.accuracy > FAR_M) return done(null);
        const round = (value: number): number => Math.round(value * 1e6) / 1e6;
        last = { place: { lat: round(coords.latitude), lon: round(coords.longitude), accuracy_m: Math.round(coords.accuracy) }, at: Date.now() };
        done(last.place);
      },
      () => done(null),
      { enableHighAccuracy: true, timeout: 20_000, maximumAge: 15_000 },
    );
  });
}

/** Where it is now, as far as that is known within so many milliseconds. */
export function located(within: number): Promise<Point | null> {
  const late = new Promise<Point | null>((done) => window.setTimeout(() => done(null), within));
  return Promise.race([locate(), late]);
}

/** Where it was within the last two minutes. */
export const lately = (): Point | null => (last && Date.now() - last.at < 120_000 ? last.place : null);

/** Where the camera looked within the last minute, in degrees from north. */
export const facing = (): number | null => (bearing && Date.now() - bearing.at < 60_000 ? bearing.degrees : null);

type Compass = DeviceOrientationEvent & { webkitCompassHeading?: number };

function turned(event: Compass): void {
  // Upright, the camera looks where the top of the device points.
  const heading = event.webkitCompassHeading ?? (event.absolute && event.alpha !== null ? 360 - event.alpha : undefined);
  if (heading !== undefined && Number.isFinite(heading)) bearing = { degrees: Math.round(heading + 360) % 360, at: Date.now() };
}

/** Listens to the compass; some telephones ask first, and only after a touch. */
export async function watch(): Promise<void> {
  if (watching || typeof DeviceOrientationEvent === "undefined") return;
  watching = true;
  const asks = DeviceOrientationEvent as unknown as { requestPermission?: () => Promise<string> };
  try {
    if (asks.requestPermission && (await asks.requestPermission()) !== "granted") return;
  } catch {
    return;
  }
  window.addEventListener("deviceorientationabsolute" as "deviceorientation", turned as EventListener);
  window.addEventListener("deviceorientation", turned as EventListener);
}

/** The longer edge of what is sent: the service keeps no more. */
const EDGE = 2048;

/** Upright and no larger than is kept, so that it goes over a thin line; as it came when it cannot be read here. */
export async function shrink(file: Blob): Promise<Blob> {
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, EDGE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    const made = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/jpeg", 0.85));
    return made ?? file;
  } catch {
    return file;
  }
}

export async function sum(blob: Blob): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
