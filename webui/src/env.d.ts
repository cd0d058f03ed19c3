/// <reference types="vite/client" />

// The package has no types; these are the parts that /docs uses.
declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  interface SwaggerUIBundle {
    (options: object): { preauthorizeApiKey(name: string, token: string): void };
    presets: { apis: unknown };
  }
  const SwaggerUI: SwaggerUIBundle;
  export default SwaggerUI;
}
