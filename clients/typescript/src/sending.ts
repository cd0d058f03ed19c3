// Sends bytes to a signed URL, with progress where the platform reports it.

/** Storage's status; 0 if it did not answer. */
export type Send = (
  url: string,
  request: { method: string; headers: Record<string, string>; body: Blob },
  onSent: (bytes: number) => void,
  signal?: AbortSignal,
) => Promise<number>;

/** Send with XMLHttpRequest in browsers, because their fetch reports no progress, and with fetch in Node. */
export const sendBytes: Send = (...request) =>
  typeof XMLHttpRequest === "undefined" ? sendByFetch(...request) : sendByXhr(...request);

const sendByFetch: Send = async (url, { method, headers, body }, onSent, signal) => {
  try {
    const response = await fetch(url, { method, headers, body, ...(signal ? { signal } : {}) });
    // An unread body would keep the connection.
    await response.arrayBuffer();
    if (response.ok) onSent(body.size);
    return response.status;
  } catch (error) {
    if (signal?.aborted) throw error;
    return 0;
  }
};

const sendByXhr: Send = (url, { method, headers, body }, onSent, signal) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    const ended = (status: number) => {
      signal?.removeEventListener("abort", abort);
      resolve(status);
    };
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", ({ loaded }) => onSent(loaded));
    request.addEventListener("load", () => ended(request.status));
    request.addEventListener("error", () => ended(0));
    request.addEventListener("abort", () => reject(signal?.reason));
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) reject(signal.reason);
    else request.send(body);
  });
