// Where tokens come from in an app: a text, or a function that gets one from the app's own server.

import type { TokenSource } from "./api.js";

/** The service refused the token, and the app has no other one. */
export class TokenRefusedError extends Error {
  constructor() {
    super("The service refused the token, and there is no other one.");
  }
}

/** Return a source that asks `get` for each call, and once more after a refusal. */
export function tokensFrom(get: string | (() => string | Promise<string>)): TokenSource {
  let refused: string | null = null;
  return {
    token: async () => {
      const token = typeof get === "string" ? get : await get();
      // The same token again would be refused again, without end.
      if (token === refused) throw new TokenRefusedError();
      return token;
    },
    refused: (token) => {
      refused = token;
    },
  };
}
