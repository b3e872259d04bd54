// Runs speedscope in the isolated frame of a trace, and opens the trace that the page around it sends.

// speedscope keeps a setting there, which a frame with an origin of its own may not use.
Object.defineProperty(window, "localStorage", { value: {} });
// It looks for modules of Node.js by this, which the policy of the frame forbids, and does without.
window.eval = () => undefined;

addEventListener("message", (event) => {
  const file = event.source === parent && event.data?.file;
  if (!(file instanceof File)) return;
  location.hash = new URLSearchParams({ profileURL: URL.createObjectURL(file), title: file.name });
  const program = document.createElement("script");
  program.src = "speedscope.js";
  document.head.append(program);
});
parent.postMessage("ready", "*");
