// Wires the parts together and starts the page.

import { render } from "preact";
import { Api, Calls, Records } from "video-uploads-client";

import { App } from "./app";
import { Session } from "./session/session";
import { setTrustedTypes } from "./trusted";
import { FileStore } from "./upload/file-store";
import { Uploads } from "./upload/uploads";
import { Library } from "./videos/library";

import "@uppy/core/css/style.min.css";
import "@uppy/dashboard/css/style.min.css";
import "./styles.css";

setTrustedTypes();

const session = new Session(sessionStorage);
session.takeFromAddress(location, history);
addEventListener("hashchange", () => session.takeFromAddress(location, history));

const calls = new Calls(new Api(session));
const library = new Library(calls);
const uploads = new Uploads(
  calls,
  new Records(localStorage),
  new FileStore(navigator.serviceWorker),
  () => session.state.value.claims?.subject ?? null,
);
uploads.onVideo = (id) => void library.look(id);

const root = document.getElementById("page");
if (root) render(<App session={session} calls={calls} uploads={uploads} library={library} />, root);

let startedFor: string | null = null;
function begin(): void {
  const subject = session.state.value.claims?.subject ?? null;
  if (subject === startedFor) return;
  startedFor = subject;
  if (subject === null) return;
  void library.refresh();
  void restore();
}

async function restore(): Promise<void> {
  await uploads.restore().catch(() => {
    // The service did not answer: try again when the connection is back.
    addEventListener("online", () => void restore(), { once: true });
  });
}

session.state.subscribe(begin);
begin();
document.addEventListener("visibilitychange", () => document.hidden || library.wake());
addEventListener("online", () => library.wake());
