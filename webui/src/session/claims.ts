// The claims of a token. The page only shows them; the service verifies tokens.

export interface Claims {
  subject: string;
  isAdmin: boolean;
  expiresAt: number | null;
}

/** Return a token's claims, or null if it is not a token. */
export function claimsOf(token: string): Claims | null {
  const middle = token.split(".");
  if (middle.length !== 3) return null;
  try {
    const claims = JSON.parse(decoded(middle[1] ?? "")) as Record<string, unknown>;
    if (typeof claims["sub"] !== "string" || claims["sub"] === "") return null;
    const scope = typeof claims["scope"] === "string" ? claims["scope"].split(" ") : [];
    const expires = typeof claims["exp"] === "number" ? claims["exp"] * 1000 : null;
    return { subject: claims["sub"], isAdmin: scope.includes("admin"), expiresAt: expires };
  } catch {
    return null;
  }
}

/** Split a fragment into the token of `#token=…` and the rest. A malformed token counts as none. */
export function tokenInFragment(fragment: string): { token: string | null; rest: string } {
  const words = fragment.replace(/^#/, "").split("&");
  const parameters = words.filter((word) => word.startsWith("token="));
  if (parameters.length === 0) return { token: null, rest: fragment };
  const rest = words.filter((word) => !parameters.includes(word)).join("&");
  return { token: unescaped(parameters[0]?.slice("token=".length) ?? ""), rest: rest === "" ? "" : `#${rest}` };
}

/** Return why a pasted token is refused, or null if it may be tried. `before`: the subject that was signed in. */
export function refusalOf(pasted: string, before: string | null, now: number): string | null {
  const claims = claimsOf(pasted);
  if (!claims) return "This is not a token. Copy all of it: three groups of characters joined by dots.";
  if (claims.expiresAt !== null && claims.expiresAt <= now) return "This token has expired as well. Get a new one.";
  if (before !== null && claims.subject !== before) {
    return `This token is for “${claims.subject}”, but “${before}” is signed in. Sign out first to switch.`;
  }
  return null;
}

function unescaped(text: string): string | null {
  try {
    return decodeURIComponent(text) || null;
  } catch {
    return null;
  }
}

function decoded(base64url: string): string {
  const base64 = base64url.replace(/-/g, "+").replace(/_/g, "/");
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}
