// Night mode as it was left, before the rest of the app runs.

try {
  if (localStorage.getItem("campo-night")) document.documentElement.setAttribute("data-night", "");
} catch {
  // A browser that keeps nothing is in day mode.
}
