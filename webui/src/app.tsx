// The frame around the views: who is signed in, the navigation, and the view that the address names.

import { useEffect, useState } from "preact/hooks";

import { Operations } from "./admin/view";
import type { Calls } from "video-uploads-client";

import { TokenDialog } from "./session/dialog";
import type { Session } from "./session/session";
import { Button, useTitle } from "./ui/parts";
import { useStore } from "./ui/store";
import { UploadPanel } from "./upload/panel";
import type { Uploads } from "./upload/uploads";
import type { Library } from "./videos/library";
import { videoActions, VideoList } from "./videos/list";
import { Watch } from "./watch/view";

export interface AppProps {
  session: Session;
  calls: Calls;
  uploads: Uploads;
  library: Library;
}

export function App({ session, calls, uploads, library }: AppProps) {
  const { claims } = useStore(session.state);
  const route = useRoute();
  const actions = videoActions(library, uploads, calls);
  const watched = /^#\/watch\/([a-z0-9-]+)$/.exec(route)?.[1];
  const isAdmin = route === "#/operations";
  const isHome = !watched && !isAdmin;
  useTitle(isHome ? null : isAdmin ? "Operations" : "Video");
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to content
      </a>
      <header class="top">
        <a class="brand" href="#/">
          <img src="/icon.svg" alt="" width="28" height="28" /> Videos
        </a>
        {claims?.isAdmin && (
          <nav aria-label="Main">
            <a href="#/" aria-current={isHome ? "page" : undefined}>
              My videos
            </a>
            <a href="#/operations" aria-current={isAdmin ? "page" : undefined}>
              Operations
            </a>
          </nav>
        )}
        {claims && (
          <div class="who">
            <span class="who-name" title={claims.subject}>
              {claims.subject}
            </span>
            <Button class="button-quiet" onClick={() => leave(session)}>
              Sign out
            </Button>
          </div>
        )}
      </header>
      <main id="main" tabIndex={-1}>
        {claims && watched && <Watch key={watched} id={watched} calls={calls} actions={actions} />}
        {claims && isAdmin && <Operations calls={calls} />}
        {claims && (
          // Stays mounted while another view is shown, because it runs the uploads.
          <div hidden={!isHome}>
            <h1 class="unseen">Videos</h1>
            <div class="home">
              <UploadPanel uploads={uploads} calls={calls} />
              <VideoList library={library} uploads={uploads} calls={calls} />
            </div>
          </div>
        )}
      </main>
      <TokenDialog session={session} />
    </>
  );
}

function useRoute(): string {
  const [route, setRoute] = useState(location.hash);
  useEffect(() => {
    const onChange = () => {
      setRoute(location.hash);
      scrollTo(0, 0);
      // The link that was followed is gone, so keyboard focus moves to the top of the new view.
      document.getElementById("main")?.focus({ preventScroll: true });
    };
    addEventListener("hashchange", onChange);
    return () => removeEventListener("hashchange", onChange);
  }, []);
  return route;
}

function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function leave(session: Session): void {
  session.signOut();
  // Uploads stop here; they are remembered for the next sign-in of the same person.
  location.reload();
}
