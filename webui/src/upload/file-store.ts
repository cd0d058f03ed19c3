// The page's side of public/file-store.js, a service worker that keeps files through a reload. Every call may fail;
// then the page asks for the file again.

const ANSWER_WITHIN_MS = 2_000;
// Browsers stop a worker that has received nothing for about 30 seconds.
const PING_EVERY_MS = 12_000;

export class FileStore {
  private kept = new Set<string>();

  constructor(private readonly container: ServiceWorkerContainer | undefined) {
    container?.register("/file-store.js").catch(() => undefined);
    setInterval(() => {
      if (this.kept.size > 0) void this.ask({ what: "ping" });
    }, PING_EVERY_MS);
  }

  async keep(name: string, file: File): Promise<void> {
    this.kept.add(name);
    await this.ask({ what: "keep", name, file });
  }

  async give(name: string): Promise<File | null> {
    const file = await this.ask({ what: "give", name });
    return file instanceof File ? file : null;
  }

  async forget(name: string): Promise<void> {
    this.kept.delete(name);
    await this.ask({ what: "forget", name });
  }

  private async ask(message: object): Promise<unknown> {
    const worker = await this.worker();
    if (!worker) return null;
    return new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      const timer = setTimeout(() => resolve(null), ANSWER_WITHIN_MS);
      port1.onmessage = (event: MessageEvent) => {
        clearTimeout(timer);
        resolve(event.data);
      };
      worker.postMessage(message, [port2]);
    });
  }

  private async worker(): Promise<ServiceWorker | null> {
    if (!this.container) return null;
    const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), ANSWER_WITHIN_MS));
    const ready = this.container.ready.then((registration) => registration.active);
    return Promise.race([ready, late]);
  }
}
