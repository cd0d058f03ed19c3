// Trusted Types: with this policy no text becomes code or markup anywhere on the page. Only our own worker scripts may
// start, and elements may be emptied.

interface TrustedTypes {
  createPolicy(name: string, rules: Record<string, (text: string) => string | null>): unknown;
}

export function mayRun(url: string, origin: string): boolean {
  const { origin: from, pathname } = new URL(url, origin);
  return from === origin && (pathname === "/file-store.js" || /^\/assets\/(hls\.|md5-)worker-[\w-]+\.js$/.test(pathname));
}

export function setTrustedTypes(): void {
  const trusted = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  trusted?.createPolicy("default", {
    createHTML: (text) => (text === "" ? text : null),
    createScriptURL: (url) => (mayRun(url, location.origin) ? url : null),
  });
}
