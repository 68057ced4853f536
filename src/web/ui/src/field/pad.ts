// A field to sign on with a finger: strokes of points on 600 by 200, as the service reads them. Whoever cannot or will not sign is
// written down with a witness instead, so nobody needs this.

const WIDTH = 600;
const HEIGHT = 200;
const MOST_STROKES = 60;
const MOST_POINTS = 3000;

export class Pad {
  private strokes: [number, number][][] = [];
  private drawing = false;
  private readonly pen: CanvasRenderingContext2D | null;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly changed: () => void,
  ) {
    this.pen = canvas.getContext("2d");
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.go(event));
    for (const name of ["pointerup", "pointercancel"] as const) canvas.addEventListener(name, () => this.end());
  }

  get text(): string {
    return this.strokes.map((stroke) => stroke.map(([x, y]) => `${x},${y}`).join(" ")).join(";");
  }

  set text(text: string) {
    const point = (pair: string): [number, number] => {
      const [x, y] = pair.split(",").map(Number);
      return [x ?? 0, y ?? 0];
    };
    this.strokes = text ? text.split(";").map((stroke) => stroke.split(" ").map(point)) : [];
    this.draw();
  }

  clear(): void {
    this.text = "";
    this.changed();
  }

  private draw(): void {
    const pen = this.pen;
    if (!pen) return;
    pen.clearRect(0, 0, WIDTH, HEIGHT);
    pen.lineWidth = 3;
    pen.lineCap = "round";
    pen.lineJoin = "round";
    pen.strokeStyle = "#000";
    for (const [first, ...rest] of this.strokes) {
      if (!first) continue;
      pen.beginPath();
      pen.moveTo(...first);
      for (const point of rest) pen.lineTo(...point);
      pen.stroke();
    }
  }

  private at(event: PointerEvent): [number, number] {
    const box = this.canvas.getBoundingClientRect();
    const within = (value: number, most: number): number => Math.min(most, Math.max(0, Math.round(value)));
    return [within(((event.clientX - box.left) / box.width) * WIDTH, WIDTH), within(((event.clientY - box.top) / box.height) * HEIGHT, HEIGHT)];
  }

  private begin(event: PointerEvent): void {
    if (this.strokes.length >= MOST_STROKES) return;
    this.drawing = true;
    this.canvas.setPointerCapture(event.pointerId);
    this.strokes.push([this.at(event)]);
    event.preventDefault();
  }

  private go(event: PointerEvent): void {
    const stroke = this.strokes.at(-1);
    const points = this.strokes.reduce((sum, one) => sum + one.length, 0);
    if (!this.drawing || !stroke || points >= MOST_POINTS) return;
    stroke.push(this.at(event));
    this.draw();
  }

  private end(): void {
    if (!this.drawing) return;
    this.drawing = false;
    this.changed();
  }
}
