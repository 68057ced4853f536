// The grade that the answers speak for: the same rule as the service's (src/inspections/form.rs), so that it is seen without a network.

import type { Form } from "./types";

export interface Suggestion {
  risk: string;
  because: string[];
}

export function suggest(form: Form, answers: Record<string, string>): Suggestion | undefined {
  if (Object.keys(answers).length === 0) return undefined;
  const found: [string, string[]][] = [];
  for (const question of form.question) {
    const answer = answers[question.code];
    const choice = question.options.find(({ code }) => code === answer);
    if (choice?.at_least) found.push([choice.at_least, [`${question.code}=${answer}`]]);
  }
  for (const raise of form.raise) {
    const met = raise.of.filter((pair) => {
      const [code = "", answer] = pair.split("=");
      return answers[code] === answer;
    });
    if (met.length >= raise.count) found.push([raise.to, met]);
  }
  const risk = found.map(([grade]) => grade).sort().at(-1) ?? "R1";
  const because = found.filter(([grade]) => grade === risk).flatMap(([, pairs]) => pairs);
  return { risk, because: [...new Set(because)].sort() };
}

/** A pair `question=answer` in words. */
export function told(form: Form, pair: string, pt: boolean): string {
  const [code, answer] = pair.split("=");
  const question = form.question.find((one) => one.code === code);
  const choice = question?.options.find((one) => one.code === answer);
  if (!question || !choice) return pair;
  return pt ? `${question.pt}: ${choice.pt}` : `${question.en}: ${choice.en}`;
}
