// The reference page at /docs: Swagger UI over /openapi.json, with the token of the page's session.

import licences from "swagger-ui-dist/swagger-ui-es-bundle.js.LICENSE.txt?url";
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";

import { claimsOf } from "../session/claims";
import { keptToken } from "../session/session";
import { setTrustedTypes } from "../trusted";
import { plainText } from "./plain-text";

import "swagger-ui-dist/swagger-ui.css";
import "./docs.css";

setTrustedTypes();

const token = keptToken(sessionStorage);
const claims = token === null ? null : claimsOf(token);

const link = (href: string, text: string) => Object.assign(document.createElement("a"), { href, textContent: text });

document
  .getElementById("session")
  ?.append(
    ...(claims
      ? [`Calls that you try are made as ${claims.subject}, and change what you change. `, link("/", "Back to the page")]
      : ["To try calls, ", link("/", "sign in on the page"), " in this tab first, or paste a token below “Authorize”."]),
  );
document
  .getElementById("licences")
  ?.append("Shown with Swagger UI (Apache-2.0, SmartBear Software) and ", link(licences, "what it is made of"), ".");

const ui = SwaggerUI({
  dom_id: "#reference",
  url: "/openapi.json",
  presets: [SwaggerUI.presets.apis],
  plugins: [plainText],
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  // Nothing is sent to another host, and no link can bring another document or settings.
  validatorUrl: null,
  queryConfigEnabled: false,
  persistAuthorization: false,
  onComplete: () => {
    if (token !== null) ui.preauthorizeApiKey("bearer", token);
  },
});
