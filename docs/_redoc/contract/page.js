const sans = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif";
const mono = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";

Redoc.init(
  contract,
  {
    hideDownloadButton: true,
    jsonSampleExpandLevel: 3,
    nativeScrollbars: true,
    pathInMiddlePanel: true,
    scrollYOffset: "nav",
    theme: {
      colors: { primary: { main: "#2757dd" } },
      typography: {
        fontFamily: sans,
        fontSize: "15px",
        headings: { fontFamily: sans },
        code: { fontFamily: mono, fontSize: "13px" },
      },
    },
  },
  document.getElementById("redoc"),
);
