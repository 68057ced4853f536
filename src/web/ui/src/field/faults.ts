// Why the service did not take something, in the words of the page: the label of the field and a word for what is wrong with it.

import type { Form, Refusal } from "./types";
import { byId, isPt, t } from "./words";

const CALLED: Record<string, string> = { estimated_loss_centavos: "loss" };

/** The words of a label without what is filled in. */
function labelOf(name: string): string | undefined {
  const field = document.querySelector(`[data-field="${CSS.escape(name)}"]`);
  return field?.closest("label")?.firstChild?.textContent?.trim() || undefined;
}

function question(code: string): string | undefined {
  const form = JSON.parse(byId("checklist").dataset.form ?? "null") as Form | null;
  const found = form?.question.find((one) => one.code === code);
  return found && (isPt ? found.pt : found.en);
}

function label(field: string): string {
  const photograph = /^photographs\[(\d+)\]/.exec(field);
  if (photograph) return t("photograph", Number(photograph[1]) + 1);
  if (field.startsWith("answers.")) return question(field.slice(8)) ?? t("field-checklist");
  if (field === "interdiction" || field === "interdictions") return t("field-interdiction");
  const name = field.replace(/^(people|interdiction)\./, "");
  if (name === "signature") return byId("pad-label").textContent?.replace(/:$/, "") ?? "";
  if (name === "place" || name.startsWith("place.")) return t("field-place");
  if (name === "observed_at" || name === "at") return t("field-time");
  if (name === "answers" || name === "form") return t("field-checklist");
  return labelOf(CALLED[name] ?? name) ?? t("field-other");
}

/** What is wrong, by how the service says it. */
function kind(message: string): string {
  if (message.startsWith("differs")) return t("fault-differs");
  if (message.startsWith("there is no such")) return t("fault-gone");
  if (/another (inspection|interdiction) has|the same key twice/.test(message)) return t("fault-twice");
  if (message.includes("forbidden already")) return t("fault-forbidden");
  if (message.includes("needs its reason")) return t("fault-opinion");
  if (message.includes("a day ")) return t("fault-day");
  if (/characters/.test(message)) return t("fault-length");
  return t("fault-value");
}

function whole(refusal: Refusal): string {
  if (refusal.status === 0) return t("refused-picture-gone");
  if (refusal.status === 403) return t("refused-may-not");
  if (refusal.status === 404) return t("refused-unknown");
  if (refusal.status === 409) return t("refused-done");
  if (refusal.status === 413 || refusal.status === 415) return t("refused-large");
  return t("refused-other", refusal.status);
}

/** One line a fault. */
export function told(refusal: Refusal): string[] {
  if (refusal.fields.length === 0) return [whole(refusal)];
  return [...new Set(refusal.fields.map(({ field, message }) => `${label(field)}: ${kind(message)}`))];
}
