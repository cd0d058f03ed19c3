// Signs tokens by which an app opens a private video to a viewer who is not its owner. docs/api.md says what they open.
// The key is a secret of the app's server: it opens every private video, so it never reaches a browser.

const KEY_BYTES_MIN = 32;

export interface PlaybackTokenOptions {
  /** A secret of the service's PLAYBACK_VIEWER_KEYS, and its name there. */
  key: string;
  keyName: string;
  /** At most the service's PLAYBACK_VIEWER_SECONDS_MAX. */
  lifetimeSeconds?: number;
  /** Of the viewer, such as `192.0.2.0/24`. */
  networks?: readonly string[];
  /** Of pages with the player, such as `https://www.example.com`. */
  origins?: readonly string[];
  now?: Date;
}

/** Return a token that opens the video's `/api/v1/playback/{id}/playlist.m3u8?token=` until its end. */
export async function signPlaybackToken(
  videoId: string,
  { key, keyName, lifetimeSeconds = 3600, networks = [], origins = [], now = new Date() }: PlaybackTokenOptions,
): Promise<string> {
  const secret = new TextEncoder().encode(key);
  if (secret.length < KEY_BYTES_MIN) throw new TypeError(`a key for playback tokens has at least ${KEY_BYTES_MIN} bytes`);
  const iat = Math.floor(now.getTime() / 1000);
  const claims = {
    aud: "video-uploads/viewer",
    sub: videoId,
    iat,
    exp: iat + Math.floor(lifetimeSeconds),
    ...(networks.length > 0 && { ip: networks }),
    ...(origins.length > 0 && { origin: origins }),
  };
  const signed = `${part({ alg: "HS256", kid: keyName, typ: "JWT" })}.${part(claims)}`;
  const signer = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const signature = await crypto.subtle.sign("HMAC", signer, new TextEncoder().encode(signed));
  return `${signed}.${base64(new Uint8Array(signature))}`;
}

function part(value: object): string {
  return base64(new TextEncoder().encode(JSON.stringify(value)));
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
