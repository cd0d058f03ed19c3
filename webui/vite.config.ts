import { defineConfig } from "vite";

export default defineConfig({
  // The API serves the result at its root; nothing is loaded from elsewhere.
  base: "/",
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    // No data: URLs in scripts: the page's policy would refuse them.
    assetsInlineLimit: 0,
    rolldownOptions: { input: ["index.html", "docs.html"] },
    // Swagger UI is one file of its package, and only /docs loads it.
    chunkSizeWarningLimit: 2000,
    reportCompressedSize: false,
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
} as never);
