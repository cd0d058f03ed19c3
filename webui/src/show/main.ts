// The page of one public video, and the same in a frame of another site. The service writes title and poster into it
// (webapi/videos/watch.py); the player is loaded when the viewer asks for it.

import { setTrustedTypes } from "../trusted";
import { play } from "../watch/player";

import "./show.css";

setTrustedTypes();

const stage = document.querySelector<HTMLElement>("[data-stream]");
stage?.querySelector("button")?.addEventListener("click", () => void begin(stage), { once: true });

async function begin(stage: HTMLElement): Promise<void> {
  const { stream = "", poster, name = "" } = stage.dataset;
  const video = Object.assign(document.createElement("video"), { controls: true, playsInline: true });
  if (poster) video.poster = poster;
  video.setAttribute("aria-label", name);
  stage.replaceChildren(video);
  video.focus();
  const problem = Object.assign(document.createElement("p"), { role: "alert" });
  const say = (text: string | null) => {
    problem.textContent = text;
    if (text !== null) stage.after(problem);
    else problem.remove();
  };
  try {
    const player = await play(video, stream, async () => stream);
    player.state.subscribe(() => say(player.state.value.error));
    say(player.state.value.error);
    // A browser that wants another click leaves its own button.
    await video.play().catch(() => undefined);
  } catch {
    say("The player could not be loaded. Check your connection and reload this page.");
  }
}
