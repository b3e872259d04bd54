// Runs Netron in the isolated frame of a graph, and opens the model that the page around it sends.

import { Host } from "./browser.js";
import { View } from "./view.js";

class FrameHost extends Host {
  environment(name) {
    // The frame has an origin of its own, which may start no workers.
    return name === "serial" ? true : super.environment(name);
  }

  // Netron would ask for consent and for updates, and report its use.
  async view(view) {
    this._view = view;
  }

  async start() {
    addEventListener("message", (event) => {
      const file = event.source === parent && event.data?.file;
      if (file instanceof File) this._open(file, [file]);
    });
    parent.postMessage("ready", "*");
  }

  // Links lead nowhere from here.
  openURL() {}
}

new View(new FrameHost()).start();
