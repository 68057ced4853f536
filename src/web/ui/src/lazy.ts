// The live map is a large script; it is fetched when a page asks for it.

export function fetchMap(): void {
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = "/assets/map.css";
  document.head.append(style);
  const script = document.createElement("script");
  script.type = "module";
  script.src = "/assets/map.js";
  document.head.append(script);
}
