// What a token says about itself. Nothing is decided by it: the service verifies tokens, the page only shows names.

export interface Claims {
  subject: string;
  isAdmin: boolean;
  expiresAt: number | null;
}

/** Read a token's claims; null if it is not shaped like one. */
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

/** The token in `#token=…`, and what the fragment is without it. */
export function tokenInFragment(fragment: string): { token: string | null; rest: string } {
  const words = fragment.replace(/^#/, "").split("&");
  const parameter = words.find((word) => word.startsWith("token="));
  if (!parameter) return { token: null, rest: fragment };
  const rest = words.filter((word) => word !== parameter).join("&");
  return { token: decodeURIComponent(parameter.slice("token=".length)) || null, rest: rest === "" ? "" : `#${rest}` };
}

/** What is wrong with a token that somebody pasted; null if it may be tried. `before`: who was signed in. */
export function refusalOf(pasted: string, before: string | null, now: number): string | null {
  const claims = claimsOf(pasted);
  if (!claims) return "This is not a token. Copy all of it: three groups of letters, joined by dots.";
  if (claims.expiresAt !== null && claims.expiresAt <= now) return "This token has expired too. Get a new one.";
  if (before !== null && claims.subject !== before) {
    return `This token is for “${claims.subject}”, but “${before}” is signed in. Sign out first to change.`;
  }
  return null;
}

function decoded(base64url: string): string {
  const base64 = base64url.replace(/-/g, "+").replace(/_/g, "/");
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}
