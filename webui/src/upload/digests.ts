// The page's side of md5-worker.ts. If no worker starts, the page computes digests itself, in small pieces.

import { contentMd5 } from "video-uploads-client";

/** The browser can no longer read the file. */
export class UnreadableFileError extends Error {
  constructor() {
    super("The file can no longer be read: it was changed, moved or renamed after it was chosen.");
  }
}

export class Digests {
  private worker: Worker | null | undefined;

  constructor(private readonly start: () => Worker = startWorker) {}

  /** Return the Content-MD5 value for these bytes. Throws UnreadableFileError. */
  async of(bytes: Blob): Promise<string> {
    const worker = this.started();
    const digest = (worker && (await askWorker(worker, bytes))) ?? (await contentMd5(bytes).catch(() => null));
    if (digest === null) throw new UnreadableFileError();
    return digest;
  }

  private started(): Worker | null {
    if (this.worker !== undefined) return this.worker;
    try {
      this.worker = this.start();
      this.worker.addEventListener("error", () => {
        this.worker = null;
      });
    } catch {
      this.worker = null;
    }
    return this.worker;
  }
}

/** Return the worker's digest, or null if it fails. */
function askWorker(worker: Worker, bytes: Blob): Promise<string | null> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    const answered = (digest: string | null) => {
      worker.removeEventListener("error", broken);
      port1.close();
      resolve(digest);
    };
    const broken = () => answered(null);
    port1.onmessage = (event: MessageEvent<string | null>) => answered(event.data);
    worker.addEventListener("error", broken);
    worker.postMessage(bytes, [port2]);
  });
}

function startWorker(): Worker {
  return new Worker(new URL("./md5-worker.ts", import.meta.url), { type: "module" });
}
