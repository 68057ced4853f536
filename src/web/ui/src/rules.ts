// While somebody writes in the editor of a rule: what it would change, asked of the service after a pause. Without this file the
// same stands on the page after saving.

const PAUSE_MS = 700;

export function startRules(): void {
  const forms = document.querySelectorAll<HTMLFormElement>("form[data-rule-look]");
  const place = document.getElementById("rule-look");
  if (!place) return;
  let waiting: number | undefined;
  let asked = 0;
  const look = async (form: HTMLFormElement): Promise<void> => {
    const mine = ++asked;
    const body = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (typeof value === "string") body.append(name, value);
    try {
      const answer = await fetch(form.dataset.ruleLook ?? "", { method: "POST", body, headers: { accept: "text/html" } });
      // A later question has its answer already, or will have.
      if (!answer.ok || answer.redirected || mine !== asked) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (mine === asked) place.replaceChildren(...fresh.body.childNodes);
    } catch {
      // The line is down: the next key asks again.
    }
  };
  for (const form of forms) {
    form.addEventListener("input", () => {
      window.clearTimeout(waiting);
      waiting = window.setTimeout(() => void look(form), PAUSE_MS);
    });
  }
}
