// Builds the web components into a folder that an app serves itself: `elements.js`, and what that loads beside it.
import { defineConfig } from "vite";

import page from "./vite.config";

export default defineConfig({
  base: "./",
  resolve: (page as { resolve: object }).resolve,
  publicDir: false,
  build: {
    target: "es2022",
    outDir: "elements",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rolldownOptions: {
      input: "src/elements/index.ts",
      preserveEntrySignatures: "exports-only",
      output: { entryFileNames: "elements.js", chunkFileNames: "[name]-[hash].js", assetFileNames: "[name]-[hash][extname]" },
    },
  },
} as never);
