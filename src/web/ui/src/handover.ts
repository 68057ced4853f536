// Hand-over packs: how long each text is follows it while it is written. The limit is kept by the server.

type Measured = { summary: string; fits: boolean };

const WAIT_MS = 180;

export function startHandover(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-handover]")) {
    const text = form.querySelector<HTMLTextAreaElement>("[name=text]");
    const shown = form.querySelector<HTMLElement>("[data-length]");
    const url = form.dataset.handover;
    if (!text || !shown || !url) continue;
    let timer: number | undefined;
    let latest = 0;
    text.addEventListener("input", () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => void measure(url, form, shown, ++latest, () => latest), WAIT_MS);
    });
  }
}

async function measure(url: string, form: HTMLFormElement, shown: HTMLElement, turn: number, latest: () => number): Promise<void> {
  const value = (name: string): string => form.querySelector<HTMLInputElement | HTMLTextAreaElement>(`[name=${name}]`)?.value ?? "";
  const body = new URLSearchParams({ channel: value("channel"), text: value("text") });
  const answer = await fetch(url, { method: "POST", headers: { csrf: value("csrf") }, body });
  if (!answer.ok || turn !== latest()) return;
  const measured = (await answer.json()) as Measured;
  shown.textContent = measured.summary;
  shown.classList.toggle("beyond", !measured.fits);
}
