// Keeps the files of running uploads through a reload of the page, so that people need not choose them again.
// A browser stops an idle worker after about half a minute, so the page pings it while it sends.
// The files are lost with the worker; then the page asks for them again (src/upload/file-store.ts).
const files = new Map();

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("message", (event) => {
  const { what, name, file } = event.data;
  const answer = event.ports[0];
  if (what === "keep") files.set(name, file);
  if (what === "forget") files.delete(name);
  answer?.postMessage(what === "give" ? (files.get(name) ?? null) : files.size);
});
