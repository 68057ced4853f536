// What the app keeps on the device, and what it hears from the service.

export interface Point {
  lat: number;
  lon: number;
  accuracy_m: number | null;
}

export type State = "draft" | "waiting" | "sending" | "sent" | "refused";
export type Kind = "inspection" | "photograph" | "release" | "act";

/** Why the service did not take something. */
export interface Refusal {
  status: number;
  detail: string;
  fields: { field: string; message: string }[];
}

/** One thing that was made here, in the order in which it was made. `key` is what the service knows it by. */
export interface Item {
  key: string;
  account: string;
  kind: Kind;
  state: State;
  madeAt: number;
  changedAt: number;
  label: string;
  /** Of a draft: the fields as they stand in the form. */
  draft?: Draft;
  /** What is sent, as JSON. */
  body?: unknown;
  /** Where it is sent; of a photograph known once its inspection was taken. */
  url?: string;
  /** Of a photograph: the key of its inspection. */
  of?: string;
  /** Of a draft: nobody has written into it yet. */
  untouched?: boolean;
  tries: number;
  refusal?: Refusal;
  answer?: { id?: string; number?: string };
}

export interface Photo {
  key: string;
  account: string;
  blob: Blob;
  sha256: string;
}

/** A photograph beside its file, as the inspection announces it. */
export interface Announced {
  key: string;
  caption: string;
  taken_at: string;
  place: Point | null;
  bearing_deg: number | null;
}

export interface Draft {
  fields: Record<string, string>;
  answers: Record<string, string>;
  place: Point | null;
  photographs: Announced[];
  signature: string;
  forbids: boolean;
  observedAt: string;
  occurrence: string | null;
  incident: string | null;
  supersedes: string | null;
  /** Where it is, in the words of whoever reported it: to be read, and never sent. */
  hint?: string;
}

export interface Choice {
  code: string;
  pt: string;
  en: string;
  at_least: string | null;
}
export interface Form {
  version: string;
  group: { code: string; pt: string; en: string }[];
  question: { code: string; group: string; pt: string; en: string; options: Choice[] }[];
  raise: { to: string; count: number; of: string[] }[];
}

export interface Task {
  id: string;
  incident: string;
  incident_number: string;
  title: string;
  checklist: string[];
  due_at: string;
  state: string;
  mine: boolean;
  drill: boolean;
}
export interface Running {
  id: string;
  number: string;
  title: string;
  drill: boolean;
}
export interface Occurrence {
  id: string;
  number: string;
  kind: string;
  state: string;
  priority: number;
  lat: number | null;
  lon: number | null;
  neighbourhood: string;
  words: string;
  place: string;
}
export interface Building {
  id: string;
  number: string;
  street: string;
  house_number: string;
  neighbourhood: string;
}
export interface Deployment {
  id: string;
  state: string;
  acts: string[];
  name: string;
  number: string;
  task: string;
  drill: boolean;
  incident_number: string | null;
  occurrence_number: string | null;
  lat: number | null;
  lon: number | null;
}
export interface Today {
  at: string;
  account: { id: string; username: string; name: string };
  language: string;
  csrf: string;
  tasks: Task[];
  incidents: Running[];
  occurrences: Occurrence[];
  deployments: Deployment[];
  /** By how many milliseconds the device's clock was behind when this came. */
  offset?: number;
  /** When it was asked for, by the device's clock. */
  heard?: number;
  interdictions: (Building & { scope: string; at: string })[];
  interdictions_total?: number;
  repeats: (Building & { inspect_again_by: string })[];
}
