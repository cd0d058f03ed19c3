import { defineConfig } from "vite";

export default defineConfig({
  // The API serves the result at its root; nothing is loaded from elsewhere.
  base: "/",
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    // No data: URLs in scripts: the page's policy would refuse them.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
} as never);
