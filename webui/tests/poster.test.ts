import { describe, expect, it } from "vitest";

import { fit, frameOf } from "../src/watch/poster";

describe("posters", () => {
  it("are as large as the picture, and their longest side at most 1280", () => {
    expect(fit(640, 360)).toEqual({ width: 640, height: 360 });
    expect(fit(3840, 2160)).toEqual({ width: 1280, height: 720 });
    expect(fit(1080, 1920)).toEqual({ width: 720, height: 1280 });
    expect(fit(40_000, 1)).toEqual({ width: 1280, height: 1 });
  });

  it("say that there is no frame before the player shows one", async () => {
    await expect(frameOf(null)).rejects.toThrow("Play the video");
  });
});
