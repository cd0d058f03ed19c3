// Digests what digests.ts sends here, so that the page never waits for it.

import { contentMd5 } from "./md5";

addEventListener("message", (event: MessageEvent<Blob>) => {
  const [answer] = event.ports;
  contentMd5(event.data).then(
    (digest) => answer?.postMessage(digest),
    () => answer?.postMessage(null),
  );
});
