// The button of a deployment that tells where its telephone is now. Without this file, or without a position, the page works without it.

/** A guess by the network is no place to send anybody to. */
const FAR_M = 3000;

export function startHere(): void {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLButtonElement>("[data-here]") : null;
    if (button) tell(button);
  });
  show();
  // What a page draws anew comes hidden again.
  new MutationObserver(show).observe(document.body, { childList: true, subtree: true });
}

function show(): void {
  if (!("geolocation" in navigator) || !window.isSecureContext) return;
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-here][hidden]")) button.hidden = false;
}

function tell(button: HTMLButtonElement): void {
  const { here = "", csrf = "", sent = "", failed = "" } = button.dataset;
  const say = (text: string): void => {
    const said = document.querySelector<HTMLElement>("[data-here-said]");
    if (said) said.textContent = text;
    button.disabled = false;
  };
  button.disabled = true;
  navigator.geolocation.getCurrentPosition(
    async ({ coords }) => {
      if (coords.accuracy > FAR_M) return say(failed);
      const round = (value: number): number => Math.round(value * 1e6) / 1e6;
      const positions = [{ lat: round(coords.latitude), lon: round(coords.longitude), accuracy_m: Math.round(coords.accuracy) }];
      try {
        const headers = { "content-type": "application/json", accept: "application/json", csrf };
        const response = await fetch(here, { method: "POST", headers, body: JSON.stringify({ positions }), credentials: "same-origin" });
        say(response.ok ? sent : failed);
      } catch {
        say(failed);
      }
    },
    () => say(failed),
    { enableHighAccuracy: true, timeout: 20_000, maximumAge: 15_000 },
  );
}
