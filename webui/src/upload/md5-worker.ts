// Computes digests for digests.ts off the main thread, so that the page stays responsive.

import { contentMd5 } from "video-uploads-client";

addEventListener("message", (event: MessageEvent<Blob>) => {
  const [answer] = event.ports;
  contentMd5(event.data).then(
    (digest) => answer?.postMessage(digest),
    () => answer?.postMessage(null),
  );
});
