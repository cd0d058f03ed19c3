import { describe, expect, it } from "vitest";

import { claimsOf, refusalOf, tokenInFragment } from "../src/session/claims";
import { Session } from "../src/session/session";
import { mayRun } from "../src/trusted";
import { memory } from "./memory-storage";

function token(claims: object): string {
  const bytes = (value: object) => new TextEncoder().encode(JSON.stringify(value));
  const part = (value: object) =>
    btoa(String.fromCharCode(...bytes(value)))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=/g, "");
  return `${part({ alg: "HS256" })}.${part(claims)}.c2lnbmF0dXJl`;
}

const ANN = token({ sub: "ann", exp: 2_000, scope: "read admin" });

describe("a token's claims", () => {
  it("give the subject, the expiry and whether it is an administrator's", () => {
    expect(claimsOf(ANN)).toEqual({ subject: "ann", isAdmin: true, expiresAt: 2_000_000 });
    expect(claimsOf(token({ sub: "Zoë" }))).toEqual({ subject: "Zoë", isAdmin: false, expiresAt: null });
    expect(claimsOf(token({ sub: "ann", scope: "administrator" }))?.isAdmin).toBe(false);
  });

  it.each(["", "a.b", "a.b.c", "a.e30.c", "a.Ww.c"])("%j is no token", (text) => {
    expect(claimsOf(text)).toBeNull();
  });
});

describe("the address", () => {
  it.each([
    ["#token=a.b.c", "a.b.c", ""],
    ["#/watch/v&token=a.b.c", "a.b.c", "#/watch/v"],
    ["#/watch/v", null, "#/watch/v"],
    ["", null, ""],
    ["#token=", null, ""],
    ["#token=%E0%A4%A", null, ""],
    ["#token=%", null, ""],
    ["#/watch/v&token=%E0%A4%A", null, "#/watch/v"],
    ["#token=a.b.c&token=d.e.f", "a.b.c", ""],
  ])("%j holds %j and leaves %j", (fragment, parsed, rest) => {
    expect(tokenInFragment(fragment)).toEqual({ token: parsed, rest });
  });
});

describe("a pasted token", () => {
  it.each<[string, string | null, string | null]>([
    [ANN, null, null],
    [ANN, "ann", null],
    ["hello", null, "This is not a token"],
    [token({ sub: "ann", exp: 1 }), "ann", "has expired as well"],
    [ANN, "bob", "“bob” is signed in"],
  ])("%#", (pasted, before, refusal) => {
    const refused = refusalOf(pasted, before, 1_500_000);
    if (refusal === null) expect(refused).toBeNull();
    else expect(refused).toContain(refusal);
  });
});

describe("a session", () => {
  it("makes calls wait until there is a token", async () => {
    const session = new Session(memory());
    const waiting = session.token();
    expect(session.state.value.needed).toBe("first");
    session.accept(ANN);

    expect(await waiting).toBe(ANN);
    expect(await session.token()).toBe(ANN);
  });

  it("asks again when its token is refused, and keeps the subject", async () => {
    const session = new Session(memory({ token: ANN }));
    session.refused(ANN);
    expect(session.state.value).toMatchObject({ needed: "again", claims: { subject: "ann" } });
    const waiting = session.token();
    const next = token({ sub: "ann", exp: 3_000 });
    session.accept(next);

    expect(await waiting).toBe(next);
  });

  it("does not ask because of an answer to an older token", () => {
    const session = new Session(memory({ token: ANN }));
    session.refused("an older one");

    expect(session.state.value.needed).toBe("no");
  });

  it("forgets the token on signing out", () => {
    const storage = memory({ token: ANN });
    new Session(storage).signOut();

    expect(storage.getItem("token")).toBeNull();
  });

  it("takes the token out of the address and offers to sign in", () => {
    const storage = memory();
    const session = new Session(storage);

    expect(opened(session, `#token=${ANN}`)).toBe("/");
    expect(session.state.value).toMatchObject({ claims: null, needed: "first", offered: { subject: "ann" } });
    expect(storage.getItem("token")).toBeNull();

    session.acceptOffer();
    expect(session.state.value).toMatchObject({ claims: { subject: "ann" }, needed: "no", offered: null });
    expect(storage.getItem("token")).toBe(ANN);
  });

  it("keeps its subject until the person agrees to another one", async () => {
    const session = new Session(memory({ token: ANN }));
    opened(session, `#token=${token({ sub: "thief" })}`);
    expect(session.state.value).toMatchObject({ claims: { subject: "ann" }, offered: { subject: "thief" } });
    expect(await session.token()).toBe(ANN);

    session.declineOffer();
    session.acceptOffer();
    expect(session.state.value).toMatchObject({ claims: { subject: "ann" }, needed: "no", offered: null });
  });

  it("takes a fresh token of its own subject without a question", async () => {
    const session = new Session(memory({ token: ANN }));
    session.refused(ANN);
    const next = token({ sub: "ann", exp: 3_000 });
    opened(session, `#token=${next}`);

    expect(await session.token()).toBe(next);
  });

  it("keeps an offer while its own token is refused, and drops it on signing out", () => {
    const session = new Session(memory({ token: ANN }));
    opened(session, `#token=${token({ sub: "bob" })}`);
    session.refused(ANN);
    expect(session.state.value).toMatchObject({ needed: "again", offered: { subject: "bob" } });

    session.signOut();
    session.acceptOffer();
    expect(session.state.value).toMatchObject({ claims: null, needed: "first", offered: null });
  });

  it.each(["#token=%E0%A4%A", "#token=hello", "#token="])("takes %s out of the address and continues", (fragment) => {
    const session = new Session(memory());

    expect(opened(session, fragment)).toBe("/");
    expect(session.state.value).toMatchObject({ needed: "first", offered: null });
  });

  it("leaves an address without a token alone", () => {
    expect(opened(new Session(memory()), "#/watch/v")).toBeNull();
  });
});

/** Open the page at a fragment; return the address that it is replaced by, null if it stays. */
function opened(session: Session, fragment: string): string | null {
  let address: string | null = null;
  const location = { hash: fragment, pathname: "/", search: "" } as Location;
  const replaceState = (_state: unknown, _title: string, to: string) => {
    address = to;
  };
  session.takeFromAddress(location, { replaceState } as unknown as History);
  return address;
}

describe("scripts that may start", () => {
  it.each([
    ["/file-store.js", true],
    ["/assets/hls.worker-DX51GcGk.js", true],
    ["/assets/md5-worker-Drkoyy_C.js", true],
    ["/assets/md5-worker-Drkoyy_C.js/../other.js", false],
    ["/assets/other.js", false],
    ["https://elsewhere.example.com/file-store.js", false],
    ["/file-store.js/../evil.js", false],
    ["data:text/javascript,1", false],
    ["blob:http://here.example.com/1", false],
  ])("%s: %s", (url, may) => {
    expect(mayRun(url, "http://here.example.com")).toBe(may);
  });
});
