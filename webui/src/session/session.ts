// The signed-in person. The token is kept for this tab only (sessionStorage): it survives a reload and a sleeping tab
// on a phone, and goes with the tab, so other tabs and later users of the device cannot take it.

import type { TokenSource } from "video-uploads-client";

import { Store } from "../ui/store";
import { type Claims, claimsOf, tokenInFragment } from "./claims";

const KEPT_AS = "token";

export interface SessionState {
  claims: Claims | null;
  /** Whether a token is needed: the first one, or another because the last one was refused. */
  needed: "no" | "first" | "again";
  /** Whose token a link brought: it signs in only when the person agrees. */
  offered: Claims | null;
}

/** Return the token that this tab keeps, for a page that only reads it. */
export function keptToken(storage: Pick<Storage, "getItem">): string | null {
  return storage.getItem(KEPT_AS);
}

export class Session implements TokenSource {
  readonly state: Store<SessionState>;
  private waiting: ((token: string) => void)[] = [];
  private current: string | null;
  private offer: string | null = null;

  constructor(private readonly storage: Storage) {
    this.current = keptToken(storage);
    const claims = this.current === null ? null : claimsOf(this.current);
    this.state = new Store<SessionState>({ claims, needed: claims ? "no" : "first", offered: null });
  }

  /**
   * Move the token out of the address at once: addresses are visible, stored in histories and shared.
   *
   * Anyone can send such a link, and what is uploaded then belongs to the token's subject. So a first or another subject
   * is only offered; a fresh token of the same one is taken.
   */
  takeFromAddress(location: Location, history: History): void {
    const { token, rest } = tokenInFragment(location.hash);
    if (rest === location.hash) return;
    history.replaceState(null, "", `${location.pathname}${location.search}${rest}`);
    const offered = token === null ? null : claimsOf(token);
    if (token === null || offered === null) return;
    if (offered.subject === this.state.value.claims?.subject) {
      this.accept(token);
    } else {
      this.offer = token;
      this.state.set({ ...this.state.value, offered });
    }
  }

  acceptOffer(): void {
    if (this.offer !== null) this.accept(this.offer);
  }

  declineOffer(): void {
    this.offer = null;
    this.state.set({ ...this.state.value, offered: null });
  }

  accept(token: string): void {
    this.current = token;
    this.offer = null;
    this.storage.setItem(KEPT_AS, token);
    this.state.set({ claims: claimsOf(token), needed: "no", offered: null });
    for (const resume of this.waiting.splice(0)) resume(token);
  }

  token(): Promise<string> {
    if (this.current !== null && this.state.value.needed === "no") return Promise.resolve(this.current);
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  refused(token: string): void {
    // Calls that were under way when a new token came used the old one.
    if (token !== this.current) return;
    this.state.set({ ...this.state.value, needed: "again" });
  }

  signOut(): void {
    this.current = null;
    this.offer = null;
    this.storage.removeItem(KEPT_AS);
    this.state.set({ claims: null, needed: "first", offered: null });
  }
}
