// The page around the views: who is signed in, where to go, and which view the address names.

import { useEffect, useState } from "preact/hooks";

import { Operations } from "./admin/view";
import type { Calls } from "./api/calls";
import { TokenDialog } from "./session/dialog";
import type { Session } from "./session/session";
import { Button, useTitle } from "./ui/parts";
import { useStore } from "./ui/store";
import { UploadPanel } from "./upload/panel";
import type { Uploads } from "./upload/uploads";
import type { Library } from "./videos/library";
import { videoActions, VideoList } from "./videos/list";
import { Watch } from "./watch/view";

export interface Parts {
  session: Session;
  calls: Calls;
  uploads: Uploads;
  library: Library;
}

export function App({ session, calls, uploads, library }: Parts) {
  const { claims } = useStore(session.state);
  const route = useRoute();
  const actions = videoActions(library, uploads, calls);
  const watched = /^#\/watch\/([a-z0-9-]+)$/.exec(route)?.[1];
  const isAdmin = route === "#/operations";
  const isHome = !watched && !isAdmin;
  useTitle(isHome ? null : isAdmin ? "Operations" : "One video");
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
          // Kept while another view is shown: it holds what is being sent.
          <div hidden={!isHome}>
            <h1 class="unseen">Videos</h1>
            <div class="home">
              <UploadPanel uploads={uploads} />
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
      // The link that was followed is gone; whoever uses the keyboard goes on from the top of the new view.
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
  // What is being sent stops here and is remembered for whoever signs in as the same person.
  location.reload();
}
