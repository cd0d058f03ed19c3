// The signed-in person. The token is kept for this tab only (sessionStorage): it survives a reload and a sleeping tab
// on a phone, and goes with the tab, so other tabs and later users of the device cannot take it.

import type { TokenSource } from "../api/client";
import { Store } from "../ui/store";
import { type Claims, claimsOf, tokenInFragment } from "./claims";

const KEPT_AS = "token";

export interface SessionState {
  claims: Claims | null;
  /** Whether a token is needed: the first one, or another because the last one was refused. */
  needed: "no" | "first" | "again";
}

export class Session implements TokenSource {
  readonly state: Store<SessionState>;
  private waiting: ((token: string) => void)[] = [];
  private current: string | null;

  constructor(private readonly storage: Storage) {
    this.current = storage.getItem(KEPT_AS);
    const claims = this.current === null ? null : claimsOf(this.current);
    this.state = new Store<SessionState>({ claims, needed: claims ? "no" : "first" });
  }

  /** Move the token out of the address at once: addresses are visible, stored in histories and shared. */
  takeFromAddress(location: Location, history: History): void {
    const { token, rest } = tokenInFragment(location.hash);
    if (token === null) return;
    history.replaceState(null, "", `${location.pathname}${location.search}${rest}`);
    if (claimsOf(token)) this.accept(token);
  }

  accept(token: string): void {
    this.current = token;
    this.storage.setItem(KEPT_AS, token);
    this.state.set({ claims: claimsOf(token), needed: "no" });
    for (const resume of this.waiting.splice(0)) resume(token);
  }

  token(): Promise<string> {
    if (this.current !== null && this.state.value.needed === "no") return Promise.resolve(this.current);
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  refused(token: string): void {
    // Calls that were under way when a new token came used the old one.
    if (token !== this.current) return;
    this.state.set({ claims: this.state.value.claims, needed: "again" });
  }

  signOut(): void {
    this.current = null;
    this.storage.removeItem(KEPT_AS);
    this.state.set({ claims: null, needed: "first" });
  }
}
