// A signature drawn with a finger: strokes of points on a field of 600 by 200, kept as text in a hidden field. Without this file the
// form asks for the name of a witness.

const WIDTH = 600;
const HEIGHT = 200;
const MOST_STROKES = 60;
const MOST_POINTS = 3000;

export function startSignature(): void {
  for (const field of document.querySelectorAll<HTMLElement>("[data-signature]")) start(field);
}

function start(field: HTMLElement): void {
  const canvas = field.querySelector("canvas");
  const kept = field.closest("form")?.querySelector<HTMLInputElement>("input[name=signature]");
  const pen = canvas?.getContext("2d");
  if (!canvas || !kept || !pen) return;
  field.hidden = false;
  canvas.style.touchAction = "none";
  canvas.style.width = "100%";
  canvas.style.maxWidth = `${WIDTH}px`;
  canvas.style.background = "#fff";
  pen.lineWidth = 3;
  pen.lineCap = "round";
  pen.strokeStyle = "#000";
  let strokes: string[][] = [];
  let drawing = false;
  const keep = (): void => {
    kept.value = strokes.map((stroke) => stroke.join(" ")).join(";");
  };
  const at = (event: PointerEvent): [number, number] => {
    const box = canvas.getBoundingClientRect();
    const within = (value: number, most: number): number => Math.min(most, Math.max(0, Math.round(value)));
    return [
      within(((event.clientX - box.left) / box.width) * WIDTH, WIDTH),
      within(((event.clientY - box.top) / box.height) * HEIGHT, HEIGHT),
    ];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (strokes.length >= MOST_STROKES) return;
    const [x, y] = at(event);
    drawing = true;
    canvas.setPointerCapture(event.pointerId);
    strokes.push([`${x},${y}`]);
    pen.beginPath();
    pen.moveTo(x, y);
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    const stroke = strokes.at(-1);
    const points = strokes.reduce((sum, one) => sum + one.length, 0);
    if (!drawing || !stroke || points >= MOST_POINTS) return;
    const [x, y] = at(event);
    stroke.push(`${x},${y}`);
    pen.lineTo(x, y);
    pen.stroke();
    keep();
  });
  const end = (): void => {
    drawing = false;
    keep();
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  field.querySelector("[data-signature-clear]")?.addEventListener("click", () => {
    strokes = [];
    pen.clearRect(0, 0, WIDTH, HEIGHT);
    keep();
  });
}
