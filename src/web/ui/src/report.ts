// The form of a report, and that of the place of an occurrence: a button that asks the telephone where it is, and a map to put a pin
// on. Without this file the forms take an address, and work.

import { fetchMap } from "./lazy";

type Field = "lat" | "lon" | "accuracy_m" | "pinned";

const FAR_M = 3000;

export function startReport(): void {
  const form = document.querySelector<HTMLFormElement>("form[data-report]");
  if (!form) return;
  const said = form.querySelector<HTMLElement>("[data-located]");
  const locate = form.querySelector<HTMLButtonElement>("[data-locate]");
  const pin = form.querySelector<HTMLButtonElement>("[data-pin]");
  const place = form.querySelector<HTMLElement>("[data-pin-map]");
  if (!said || !pin || !place) return;
  const buttons = form.querySelector<HTMLElement>("[data-needs-script]");
  if (buttons) buttons.hidden = false;
  if (locate) locate.hidden = !("geolocation" in navigator) || !window.isSecureContext;

  const tell = (text: string | undefined): void => {
    said.textContent = text ?? "";
    said.hidden = !text;
  };
  const set = (name: Field, value: string): void => {
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLInputElement) field.value = value;
  };

  locate?.addEventListener("click", () => {
    tell(said.dataset.searching);
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        // A guess by the network is no place to send anybody to.
        if (coords.accuracy > FAR_M) return tell(said.dataset.failed);
        set("lat", coords.latitude.toFixed(6));
        set("lon", coords.longitude.toFixed(6));
        set("accuracy_m", coords.accuracy.toFixed(0));
        set("pinned", "");
        tell(said.dataset.found?.replace("{n}", coords.accuracy.toFixed(0)));
      },
      () => tell(said.dataset.failed),
      { enableHighAccuracy: true, timeout: 20_000, maximumAge: 30_000 },
    );
  });

  pin.addEventListener("click", () => {
    pin.disabled = true;
    place.hidden = false;
    place.addEventListener("sentinela:pin", (event) => {
      const { lat, lng, accuracy } = (event as CustomEvent<{ lat: number; lng: number; accuracy: number }>).detail;
      set("lat", lat.toFixed(6));
      set("lon", lng.toFixed(6));
      set("accuracy_m", accuracy.toFixed(0));
      set("pinned", "yes");
      tell(said.dataset.pinned);
      // Where the pin is all there is to send, it can be sent now.
      const send = form.querySelector<HTMLElement>("[data-after-pin]");
      if (send) send.hidden = false;
    });
    // Fetched only when somebody asks for it: phones pay for every kilobyte.
    place.dataset.map = "";
    fetchMap();
  });
}
