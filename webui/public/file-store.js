// Holds the files that are being sent while the page is reloaded, so that nobody has to choose them again.
// A browser ends an idle worker after about half a minute: the page asks for a sign of life while it sends.
// What is here is lost with the worker; then the page asks for the file again (src/upload/fileStore.ts).
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
