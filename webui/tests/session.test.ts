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

  it("takes the token out of the address", () => {
    const session = new Session(memory());
    let address = "";
    const location = { hash: `#token=${ANN}`, pathname: "/", search: "" } as Location;
    const replaceState = (_state: unknown, _title: string, to: string) => {
      address = to;
    };
    session.takeFromAddress(location, { replaceState } as unknown as History);

    expect(address).toBe("/");
    expect(session.state.value.claims?.subject).toBe("ann");
  });
});

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
