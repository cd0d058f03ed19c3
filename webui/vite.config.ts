import { defineConfig } from "vite";

const path = (name: string) => decodeURIComponent(new URL(name, import.meta.url).pathname);

export default defineConfig({
  // The API serves the result at its root; nothing is loaded from elsewhere.
  base: "/",
  // The page is built from the sources of the package, with the packages of its own lock.
  resolve: {
    alias: {
      "video-uploads-client": path("../clients/typescript/src/index.ts"),
      "@noble/hashes": path("node_modules/@noble/hashes"),
    },
  },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    // No data: URLs in scripts: the page's policy would refuse them.
    assetsInlineLimit: 0,
    rolldownOptions: { input: ["index.html", "docs.html", "watch.html"] },
    // Swagger UI is one file of its package, and only /docs loads it.
    chunkSizeWarningLimit: 2000,
    reportCompressedSize: false,
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
} as never);
